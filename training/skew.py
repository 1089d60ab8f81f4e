"""Did the model see what Feast says it saw? Logged rankings against historical retrieval at the same instants.

A feature that differs is asked for again as it stood at the stamps of the rows that the model saw. Equal then: the
online row was not the newest (stale), or stamped later than the decision (ahead), which is freshness. Else: skew.
Exit code 1 where there is skew, or nothing to compare.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
from feast import FeatureStore

from feature_repo.erasure import open_erasures
from feature_repo.rankings import LOGGED, LoggedRanking
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.command_line import command
from training.comparison import HISTORY, compare, explain, gaps, summary
from training.hindsight import Known, at_decision, at_stamps
from training.rankings import NoRankings, from_parquet, from_topic, to_parquet
from training.settings import TrainingSettings
from training.unforgotten import unforgotten

FEATURES = sorted((*LOGGED, HISTORY))
EXAMPLES = """examples:
  python -m training.skew
  python -m training.skew --sample 1000 --tolerance 1e-6 --json
  python -m training.skew --export rankings.parquet       keep the sample in a file
  python -m training.skew --rankings rankings.parquet     check a sample that was kept
"""


def check(store: FeatureStore, rankings: Sequence[LoggedRanking], tolerance: float) -> dict[str, Any]:
    """Compare rankings with history; what was compared and what came out, per feature (see comparison.summary)."""
    now = at_decision(store, rankings)
    suspects = [place for place, known in enumerate(now) if _differs(rankings[place], known, tolerance)]
    then = dict(zip(suspects, at_stamps(store, [rankings[place] for place in suspects]), strict=True))
    compared = [compare(each, now[place], then.get(place), tolerance) for place, each in enumerate(rankings)]
    features = {name: summary(name, compared) for name in FEATURES}
    examples = []
    for name in (name for name in FEATURES if features[name]["skewed"]):
        place = next(place for place, each in enumerate(compared) if each[name].skewed.any())
        row = int(np.argmax(compared[place][name].skewed))
        examples.append(explain(rankings[place], name, row, then[place]))
    return {
        "rankings": len(rankings),
        "first": _time(rankings[0]),
        "last": _time(rankings[-1]),
        "model_versions": sorted({each.model_version for each in rankings}),
        "tolerance": tolerance,
        "features": features,
        "skewed": [name for name in FEATURES if features[name]["skewed"]],
        "examples": examples,
    }


def _differs(ranking: LoggedRanking, known: Known, tolerance: float) -> bool:
    return any((gap > tolerance).any() for gap in gaps(ranking, known).values())


def _time(ranking: LoggedRanking) -> str:
    return datetime.fromtimestamp(ranking.instant / 1e6, UTC).isoformat(timespec="milliseconds")


def page(found: dict[str, Any]) -> str:
    """The same for people; the last line says it all."""
    lines = [
        f"{found['rankings']} rankings by {', '.join(found['model_versions'])}, {found['first']} to {found['last']}",
        f"{'':24}{'compared':>9}{'max difference':>16}{'skew':>9}{'stale':>9}{'ahead':>9}   missed event's age",
    ]
    for name, row in found["features"].items():
        shares = "".join(f"{row[kind] / max(row['compared'], 1):>9.2%}" for kind in ("skewed", "stale", "ahead"))
        age = row["stale_age_ms"]
        ages = f"   p50 {age['p50']:.0f} ms, max {age['max']:.0f} ms" if age else ""
        lines.append(f"{name:24}{row['compared']:>9,}{row['max_difference']:>16.2g}{shares}{ages}")
    return "\n".join([*lines, *(f"  {example}" for example in found["examples"]), verdict(found)])


def verdict(found: dict[str, Any]) -> str:
    """One line."""
    values = sum(row["compared"] for row in found["features"].values())
    of = f"of {values:,} feature values in {found['rankings']} rankings"
    if found["skewed"]:
        return f"SKEW above {found['tolerance']:g} in {', '.join(found['skewed'])}, {of}"
    stale, ahead = (sum(row[kind] for row in found["features"].values()) for kind in ("stale", "ahead"))
    return f"no skew above {found['tolerance']:g} {of}; {stale:,} were stale, {ahead:,} ahead"


def read(arguments: argparse.Namespace, broker: str, settings: StoreSettings) -> list[LoggedRanking]:
    """The sample that the arguments name, but for what history has forgotten. Raises NoRankings."""
    sample = arguments.sample, arguments.seed
    rankings = from_parquet(arguments.rankings, *sample) if arguments.rankings else from_topic(broker, *sample)
    with closing(open_erasures(settings)) as erasures:
        if not (left := unforgotten(rankings, erasures)):
            raise NoRankings("all of these rankings are of users or items that were deleted since")
    return left


def main(given: list[str] | None = None) -> None:
    arguments = _parser().parse_args(given)
    try:
        rankings = read(arguments, TrainingSettings().broker, StoreSettings())
    except NoRankings as error:
        sys.exit(f"skew: {error}")
    if arguments.export:
        to_parquet(rankings, arguments.export)
    found = check(open_store(StoreSettings()), rankings, arguments.tolerance)
    print(json.dumps(found) if arguments.json else page(found))
    sys.exit(1 if found["skewed"] else 0)


def _parser() -> argparse.ArgumentParser:
    parser = command("skew", __doc__, EXAMPLES)
    parser.add_argument("--sample", type=int, default=200, help="rankings, drawn from the newest (default: 200)")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="relative above one (default: 1e-4)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--json", action="store_true", help="print one JSON line")
    parser.add_argument("--rankings", type=Path, metavar="FILE", help="read a parquet file, not the topic")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write the sample to a parquet file")
    return parser


if __name__ == "__main__":
    main()
