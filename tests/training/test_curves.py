import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.curves import CHOOSE, FINAL, Curves
from training.log import EmptyLog


class Wandb:
    """Weights & Biases, as far as a training calls it."""

    def __init__(self) -> None:
        self.began: dict[str, Any] = {}
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.finished = False

    def init(self, **facts: Any) -> None:
        self.began = facts

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged.append((step, values))

    def finish(self) -> None:
        self.finished = True


def record(step: int) -> dict[str, float]:
    return {"step": step, "epoch": 1, "seconds": 0.5, "loss": 1 / step}


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "curves.jsonl").read_text().splitlines()]


def test_both_stages_are_one_curve(tmp_path: Path) -> None:
    with Curves(tmp_path, 0, {}) as curves:
        curves.write("step", CHOOSE, 0, record(20))
        curves.write("epoch", FINAL, 20, record(10))
    assert [(line["kind"], line["stage"], line["step"]) for line in lines(tmp_path)] == [
        ("step", "train", 20),
        ("epoch", "final", 30),
    ]


def test_tensorboard_shows_them(tmp_path: Path) -> None:
    with Curves(tmp_path, 0, {}) as curves:
        curves.write("step", CHOOSE, 0, record(20))
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    [point] = board.Scalars("step/loss")
    assert (point.step, point.value) == (20, pytest.approx(0.05))


def test_what_was_told_after_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    with Curves(tmp_path, 0, {}) as curves:
        for step in (20, 40, 60):
            curves.write("step", CHOOSE, 0, record(step))
    with (tmp_path / "curves.jsonl").open("a") as file:
        file.write('{"kind": "st')  # the process was killed while it wrote
    with Curves(tmp_path, 50, {}) as curves:
        curves.write("step", CHOOSE, 0, record(60))
    assert [line["step"] for line in lines(tmp_path)] == [20, 40, 60]


def test_weights_and_biases_gets_the_same_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Wandb()
    fake.__spec__ = object()  # type: ignore[attr-defined]  # what importlib asks of a module
    monkeypatch.setitem(sys.modules, "wandb", fake)  # type: ignore[misc]
    with Curves(tmp_path, 0, {"epochs": 3}, wandb=True) as curves:
        curves.write("step", CHOOSE, 0, record(20))
    assert fake.began["config"] == {"epochs": 3} and fake.began["resume"] == "allow"
    assert fake.logged == [(20, {"step/epoch": 1, "step/seconds": 0.5, "step/loss": 0.05})]
    assert fake.finished


def test_without_weights_and_biases_the_flag_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EmptyLog, match="pip install wandb"):
        Curves(tmp_path, 0, {}, wandb=True)
