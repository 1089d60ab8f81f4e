"""Two real processes train as one does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training.config import TrainConfig, as_flags
from training.processes import Processes
from training.runs import State, read_run
from training.stages import train

SETTINGS = {
    "layers": 1,
    "hidden": 16,
    "epochs": 2,
    "final_epochs": 1,
    "windows": 5,  # an odd number: the parts of the two processes differ in size
    "labels": 7,
    "lora_rank": 2,
    "encoder_refreshes": 1,
    "dropout": 0.0,  # two processes would drop other units than one
    "residual_dropout": 0.2,  # the same items are cold in both
    "warmup": 1,
    "threads": 2,  # one for each
    "minutes": 10.0,
}
HERE = ["--num_processes", "2", "--num_machines", "1", "--cpu", "--main_process_port", "0"]
LAUNCH = ["-m", "accelerate.commands.launch", *HERE]


def curve(run: Path) -> list[dict[str, float]]:
    records = [json.loads(line) for line in (run / "curves.jsonl").read_text().splitlines()]
    return [{name: record[name] for name in ("step", "loss", "ndcg@10") if name in record} for record in records]


def weights(run: Path) -> State:
    found = read_run(run)
    return found.recommender.state() | found.adapter


def test_one_process_keeps_everything_to_itself() -> None:
    alone, numbers = Processes(), torch.tensor([1.0, 2.0])
    alone.add_up([numbers])
    alone.collect([numbers])
    assert numbers.tolist() == [1.0, 2.0] and alone.agree("word") == "word" and alone.first


@pytest.mark.process
def test_two_processes_have_the_losses_and_weights_of_one(
    store: FeatureStore, settings: StoreSettings, snapshot: Path, encoder: str, tmp_path: Path
) -> None:
    given = {**SETTINGS, "encoder": encoder}
    alone = train(store, settings, snapshot, tmp_path, TrainConfig(**{**given, "threads": 1}))
    command = [sys.executable, *LAUNCH, "-m", "training.train", "--snapshot", str(snapshot)]
    flags = [part for flag in as_flags(given) for part in flag.split(" ", 1)]
    ended = subprocess.run([*command, *flags], capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stderr
    together = Path(ended.stdout.strip().splitlines()[-1].removeprefix("-> "))
    one, two = curve(alone), curve(together)
    assert [record["step"] for record in one] == [record["step"] for record in two]
    for record, same in zip(one, two, strict=True):
        assert same == pytest.approx(record, rel=1e-3)
    # A bias of every candidate changes no softmax: its gradient is rounding, which Adam makes a step of.
    unfelt = ("ranker.heads.tops.click.bias",)
    for name, tensor in ((name, tensor) for name, tensor in weights(alone).items() if name not in unfelt):
        torch.testing.assert_close(weights(together)[name], tensor, atol=1e-2, rtol=0.05, msg=name)
