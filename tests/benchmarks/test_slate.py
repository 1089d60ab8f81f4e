"""The measurement of slates, briefly."""

from benchmarks.slate import measure, table
from serving.slate.surfaces import load


def test_every_surface_and_stage_is_measured() -> None:
    report = measure(20, 5, rounds=2)
    stages = {name: list(cost["stages_us"]) for name, cost in report["surfaces"].items()}
    assert stages == {
        name: [type(stage).__struct_config__.tag for stage in each] for name, each in load().surfaces.items()
    }
    assert all(cost["plain_us"] > 0 for cost in report["surfaces"].values())
    assert "home" in table(report)
