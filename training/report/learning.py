"""The records of a training -> one small curve per number that was recorded."""

from typing import Any

POINTS = 200  # of a drawn curve
CLOCKS = ("step", "epoch", "seconds", "cases")


def learning(learned: list[dict[str, Any]]) -> dict[str, Any]:
    """Every recorded number over the steps (or epochs) of the training."""
    names = list(dict.fromkeys(name for record in learned for name in record if shown(name)))
    made = [curve(name, learned) for name in names]
    curves = [each for each in made if each["points"]]
    if not curves:
        return {"missing": "The run kept no record of its training."}
    seconds = max((float(record["seconds"]) for record in learned if "seconds" in record), default=None)
    return {
        "how": f"As the training recorded them; of more than {POINTS} records, means of neighbours are shown.",
        "records": len(learned),
        "seconds": seconds,
        "curves": curves,
    }


def shown(name: str) -> bool:
    return name not in CLOCKS and not name.endswith("_se")


def curve(name: str, learned: list[dict[str, Any]]) -> dict[str, Any]:
    """One number over the clock that its records have."""
    records = [record for record in learned if isinstance(record.get(name), int | float)]
    clock = next((each for each in ("step", "epoch") if all(each in record for record in records)), None)
    points = [
        (float(record[clock]) if clock else float(place), float(record[name]))
        for place, record in enumerate(records, start=1)
    ]
    return {"name": name, "over": clock or "record", "points": thinned(points)}


def thinned(points: list[tuple[float, float]]) -> list[list[float]]:
    """At most POINTS points, each the mean of its neighbours."""
    width = -(-len(points) // POINTS)
    groups = [points[start : start + width] for start in range(0, len(points), max(width, 1))]
    return [[sum(each) / len(group) for each in zip(*group, strict=True)] for group in groups]
