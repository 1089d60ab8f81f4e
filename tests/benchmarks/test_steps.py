"""Steps of a benchmark: run once, remembered, resumed."""

import os
import time
from pathlib import Path

import pytest

from benchmarks.steps import StepFailed, forget, step
from training.config import TrainConfig
from training.runs import write_config

COUNTED = """
import sys
from pathlib import Path
place = Path(sys.argv[1])
place.mkdir(exist_ok=True)
(place / f"{len(list(place.iterdir()))}").touch()
print("counted")
print(f"-> {place}")
"""
TRAINING = """
import sys
print("asked", *sys.argv[1:])
print("->", sys.argv[-1])
sys.exit("--resume" not in sys.argv)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where commands that the tests write are found."""
    (tmp_path / "counted.py").write_text(COUNTED)
    (tmp_path / "failing.py").write_text("raise SystemExit(3)")
    (tmp_path / "silent.py").write_text("")
    (tmp_path / "training").mkdir()
    (tmp_path / "training/__init__.py").touch()  # so that it is found before ours
    (tmp_path / "training/train.py").write_text(TRAINING)
    return {"PYTHONPATH": str(tmp_path)}


def test_a_finished_step_is_not_run_again_until_its_arguments_or_what_came_before_change(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    command, runs = ["counted", str(tmp_path / "runs")], tmp_path / "runs"
    done = step(tmp_path, "count", command, environment, "before")
    assert done.output == str(runs) and step(tmp_path, "count", command, environment, "before") == done
    assert len(list(runs.iterdir())) == 1
    step(tmp_path, "count", command, environment, "another")
    step(tmp_path, "count", [*command, "--more"], environment, "another")
    assert len(list(runs.iterdir())) == 3


def test_what_is_forgotten_is_run_again(tmp_path: Path, environment: dict[str, str]) -> None:
    command = ["counted", str(tmp_path / "runs")]
    for _ in range(2):
        step(tmp_path, "count-0", command, environment, "")
        forget(tmp_path, ["count"])
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_what_a_step_printed_is_kept(tmp_path: Path, environment: dict[str, str]) -> None:
    step(tmp_path, "count", ["counted", str(tmp_path / "runs")], environment, "")
    assert "counted\n" in (tmp_path / "logs/count.log").read_text()


def test_a_step_that_fails_says_where_its_log_is_and_is_not_done(tmp_path: Path, environment: dict[str, str]) -> None:
    for _ in range(2):
        with pytest.raises(StepFailed, match=r"`python -m failing` ended with exit code 3; its log: .*fail.log"):
            step(tmp_path, "fail", ["failing"], environment, "")


def test_a_step_that_should_have_written_something_and_did_not_is_not_done(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with pytest.raises(StepFailed, match="did not come to its end"):
        step(tmp_path, "quiet", ["silent"], environment, "")
    assert step(tmp_path, "quiet", ["silent"], environment, "", writes=False).output == ""


def test_a_training_that_was_stopped_goes_on_from_its_checkpoint(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where training.train says how it was asked, and fails the first time
    models = tmp_path / "system/models"
    asked = ["training.train", "--snapshot", "snapshots/abc", "--epochs", "3"]
    with pytest.raises(StepFailed):
        step(tmp_path, "train-0", asked, environment, "")
    runs = {"run": (3, "abc"), "longer": (4, "abc"), "elsewhere": (3, "xyz")}  # the newer ones are not its own
    for place, (name, (epochs, snapshot)) in enumerate(runs.items()):
        write_config(models / name, TrainConfig(epochs=epochs), snapshot)
        (models / name / "checkpoint.pt").touch()
        os.utime(models / name / "checkpoint.pt", (time.time() + 60 + place,) * 2)
    assert step(tmp_path, "train-0", asked, environment, "").output == str(models / "run")
    assert f"asked --resume {models / 'run'}" in (tmp_path / "logs/train-0.log").read_text()
