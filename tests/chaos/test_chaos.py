"""The short form of `make chaos`: a worker and the store die, a worker sleeps too long; every row is compared."""

from pathlib import Path

import pytest

from tests.chaos.plan import draw
from tests.chaos.run import Storm, run, say, summary

SEED = 3


@pytest.mark.process
def test_every_row_is_that_of_a_plain_loop_whatever_dies(tmp_path: Path) -> None:
    storm = Storm(2, 600, (0.5, 1.5), iter(("kill", "kill_store", "freeze")))
    report = run(draw(SEED, 4_000, users=200, items=100), tmp_path, storm, say)
    assert report.differences == [], summary(report)
    assert report.done["workers killed"] == report.done["store kills"] == 1
    assert report.replayed > 0
