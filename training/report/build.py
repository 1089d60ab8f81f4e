"""Evidence -> the report as one dictionary: what report.json holds, and what the page is drawn from."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tqdm import tqdm

from training.report.breadth import breadth
from training.report.curves import curves
from training.report.evidence import Evidence
from training.report.headline import headline
from training.report.learning import learning
from training.report.shown import shown
from training.report.slices import little_known, slices
from training.report.worst import worst

SCHEMA = "freshrank.report/1"
Section = dict[str, Any]
SECTIONS: dict[str, Callable[[Evidence], Section]] = {
    "headline": headline,
    "curves": lambda evidence: curves(evidence.scored, evidence.users, click_rate(evidence)),
    "impressions": shown,
    "slices": slices,
    "cold_start": little_known,
    "breadth": breadth,
    "learning": lambda evidence: learning(evidence.learned),
    "worst": worst,
}


def build(evidence: Evidence, **others: Section) -> Section:
    """All sections; ``others`` (tuning, importance) need the model itself and were made elsewhere."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    report: Section = {"schema": SCHEMA, "made": made, "run": facts(evidence)}
    for name, section in tqdm(SECTIONS.items(), desc="report", unit=" sections", leave=False):
        report[name] = section(evidence)
    return report | others


def facts(evidence: Evidence) -> Section:
    """Which run this is, and the time its cases are of."""
    times = evidence.cases["timestamp"]
    return {
        "name": evidence.run.name,
        "snapshot_id": str(evidence.made["snapshot_id"]),
        "from_ms": int(times.min()),
        "until_ms": int(times.max()),
        "config": evidence.made["config"],
        "measured": evidence.measured,
    }


def click_rate(evidence: Evidence) -> float | None:
    """The share of clicks that the model's probabilities were fitted to, where it did not see impressions."""
    fitted = evidence.made.get("calibration", {}).get("fitted_to", "")
    return None if fitted == "impressions" else evidence.made["config"].get("click_rate")
