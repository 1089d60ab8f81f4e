"""The sections of report.json -> the charts that are drawn of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from training.report.axes import Axis, round_axis
from training.report.charts import Column, Line, bar_cell, column_chart, interval_cell, line_chart

Section = Mapping[str, Any]
SQUARE = 300  # height of charts whose both axes are shares
NAMES = {"ndcg@10": "NDCG@10", "recall@10": "recall@10", "mrr": "MRR"}


def share_axis(title: str) -> Axis:
    return Axis(title, 0.0, 1.0, ".1f")


def roc(curves: Section) -> Markup:
    """True against false positives, with the diagonal of chance."""
    chance = Line("chance", [(0, 0), (1, 1)], "dashed")
    line = Line(f"model, area {curves['auc']['value']:.3f}", curves["roc"])
    return line_chart("ROC curve", [chance, line], share_axis("share of what did not come"), share_axis(""), SQUARE)


def precision_recall(curves: Section) -> Markup:
    """Precision over recall, with the precision of chance."""
    base = curves["positives"] / curves["candidates"]
    chance = Line(f"chance, {base:.3f}", [(0, base), (1, base)], "dashed")
    line = Line(f"model, average precision {curves['average_precision']:.3f}", curves["precision_recall"])
    return line_chart("Precision over recall", [chance, line], share_axis("recall"), share_axis(""), SQUARE)


def calibration(section: Section) -> Markup:
    """What came over what was foretold, bin by bin."""
    bins = section["bins"]
    most = max(max(each["foretold"], each["came"]) for each in bins)
    across = round_axis("foretold probability", 0.0, min(most, 1.0) or 1.0)
    up = Axis("", across.low, across.high)
    titles = [
        f"{each['candidates']:,} candidates: foretold {each['foretold']:.4f}, came {each['came']:.4f}" for each in bins
    ]
    line = Line("model", [(each["foretold"], each["came"]) for each in bins], "accent", titles)
    exact = Line("exact", [(0, 0), (across.high, across.high)], "dashed")
    return line_chart("Calibration", [exact, line], across, up, SQUARE)


def learning_curve(curve: Section) -> Markup:
    """One recorded number; measures of quality begin at zero, losses where they are."""
    values = [value for _, value in curve["points"]]
    low = 0.0 if curve["name"] in NAMES or 0 <= min(values) < 0.4 * max(values) else min(values)
    first, last = curve["points"][0][0], curve["points"][-1][0]
    x = Axis(curve["over"], first if last > first else 0.0, last if last > first else last or 1.0, whole=True)
    few = len(values) <= 40
    titles = [f"{curve['over']} {at:g}: {value:.4g}" for at, value in curve["points"]] if few else []
    line = Line(curve["name"], curve["points"], "accent", titles)
    return line_chart(curve["name"], [line], x, round_axis("", low, max(values)), 190)


def popularity(section: Section, scorer: str) -> Markup:
    """What share of a scorer's recommendations each tenth of the catalogue has, marked with the share of what came."""
    came, recommended = section["came"], section["recommended"]
    most = max(max(came), *(max(each) for each in recommended.values()))
    columns = [
        Column(
            str(place),
            share,
            f"part {place} of {len(came)}: {share:.1%} of what is recommended, {mark:.1%} of what came",
            mark,
        )
        for place, (share, mark) in enumerate(zip(recommended[scorer], came, strict=True), start=1)
    ]
    return column_chart(
        scorer, columns, "tenths of the catalogue, most popular first", round_axis("", 0.0, most, ".0%"), 190
    )


def means_axis(means: Sequence[Section]) -> Axis:
    """One axis, from zero, that holds some means and their intervals."""
    ends = [each[end] for each in means for end in ("value", "low", "high") if each[end] is not None]
    return Axis("", min(0.0, *ends), max(1e-9, *ends))


def mean_cell(mean: Section, axis: Axis, name: str, look: str, others: Mapping[str, float] | None = None) -> Markup:
    """A mean with its interval in a table; ``others`` are marked beside it."""
    bounds = "" if mean["low"] is None else f", {mean['low']:.4f} to {mean['high']:.4f}"
    beside = "".join(f"; {other} {value:.4f}" for other, value in (others or {}).items())
    return interval_cell(mean, axis, look, f"{name} {mean['value']:.4f}{bounds}{beside}", list((others or {}).values()))


def share_cell(value: float, most: float, look: str) -> Markup:
    """A number as a bar in a table, beside the largest of its column."""
    return bar_cell(value, Axis("", 0.0, max(most, 1e-9)), look, f"{value:.4g}")
