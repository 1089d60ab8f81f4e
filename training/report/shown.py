"""What evaluate measured of slates -> how well what was clicked is told from what was shown beside it."""

from typing import Any

from training.impressions import MEASURES
from training.report.evidence import MODEL, Evidence


def shown(evidence: Evidence) -> dict[str, Any]:
    """Every scorer's measures per impression, the model first, then from the best AUC down."""
    measured = evidence.measured.get("test_impressions")
    if not measured:
        return {"missing": "The log has no impressions of which something was clicked, so no slates were evaluated."}
    names = sorted(measured, key=lambda name: (name != MODEL, -measured[name].get("auc", 0.0)))
    return {
        "how": "Per request: what was clicked against what was shown beside it and passed over; means over slates.",
        "slates": int(measured[names[0]]["slates"]),
        "scorers": [{"name": name, **{each: mean(measured[name], each) for each in MEASURES}} for name in names],
    }


def mean(found: dict[str, Any], measure: str) -> dict[str, Any] | None:
    """A measure with its bounds, None where evaluate has none."""
    if measure not in found:
        return None
    return {"value": found[measure], "low": found.get(f"{measure}_low"), "high": found.get(f"{measure}_high")}
