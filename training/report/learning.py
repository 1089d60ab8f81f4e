"""The records of a training -> one small curve per number that was recorded."""

from collections.abc import Sequence
from typing import Any

POINTS = 200  # of a drawn curve
CLOCKS = ("step", "epoch")
UNDRAWN = (*CLOCKS, "seconds", "cases")
Record = dict[str, Any]


def learning(learned: Sequence[Record]) -> dict[str, Any]:
    """Every recorded number over the steps (or epochs) of the training; means of epochs only where steps have none."""
    names = list(dict.fromkeys(name for record in learned for name in record if drawn(name)))
    curves = [each for each in (curve(name, learned) for name in names) if each["points"]]
    if not curves:
        return {"missing": "The run kept no record of its training."}
    return {
        "how": f"As the training recorded them; of more than {POINTS} records, means of neighbours are shown.",
        "records": len(learned),
        "seconds": max((float(record["seconds"]) for record in learned if "seconds" in record), default=None),
        "curves": curves,
    }


def drawn(name: str) -> bool:
    return name not in UNDRAWN and not name.endswith(("_se", "_low", "_high"))


def curve(name: str, learned: Sequence[Record]) -> dict[str, Any]:
    """One number over the clock that its records have."""
    records = [record for record in learned if isinstance(record.get(name), int | float)]
    steps = [record for record in records if record.get("kind", "step") == "step"]
    records = steps or records
    clock = next((each for each in CLOCKS if all(each in record for record in records)), None)
    points = [
        (float(record[clock]) if clock else float(place), float(record[name]))
        for place, record in enumerate(records, start=1)
    ]
    return {"name": name, "over": clock or "record", "points": thinned(points)}


def thinned(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    """At most POINTS points, each the mean of its neighbours."""
    width = -(-len(points) // POINTS)
    groups = [points[start : start + width] for start in range(0, len(points), max(width, 1))]
    return [[sum(each) / len(group) for each in zip(*group, strict=True)] for group in groups]
