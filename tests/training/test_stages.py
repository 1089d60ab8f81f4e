"""A run through both of its stages, killed on the way."""

import json
import os
import signal
from pathlib import Path

import pytest
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from training import checkpoint, stages
from training.config import TrainConfig
from training.log import EmptyLog
from training.loop import Stopped
from training.progress import Progress
from training.runs import State, new_run, read_config, read_run
from training.stages import train
from training.train import main


@pytest.fixture(scope="module")
def config(encoder: str) -> TrainConfig:
    return TrainConfig(
        encoder=encoder,
        layers=1,
        hidden=16,
        epochs=2,
        final_epochs=2,
        windows=4,
        labels=8,
        lora_rank=2,
        encoder_refreshes=1,
        threads=1,
        minutes=10.0,
    )


@pytest.fixture(scope="module")
def whole(
    store: FeatureStore,
    settings: StoreSettings,
    snapshot: Path,
    config: TrainConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    return train(store, settings, snapshot, tmp_path_factory.mktemp("whole"), config)


def weights(run: Path, name: str) -> State:
    found = read_run(run, name)
    return found.recommender.state() | found.adapter | {"text": found.text}


def curve(run: Path) -> list[dict[str, float]]:
    records = [json.loads(line) for line in (run / "curves.jsonl").read_text().splitlines()]
    return [{name: record[name] for name in ("kind", "stage", "step", "loss")} for record in records]


@pytest.mark.parametrize("writes", [2, 3])
def test_a_run_that_was_stopped_in_either_stage_ends_as_one_that_was_not(
    store: FeatureStore,
    settings: StoreSettings,
    snapshot: Path,
    config: TrainConfig,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
) -> None:
    written, write = [], checkpoint.write

    def write_and_stop(run: Path, stage: int, progress: Progress) -> None:
        write(run, stage, progress)
        written.append(run)
        if len(written) == writes:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(stages.checkpoint, "write", write_and_stop)
    with pytest.raises(Stopped, match=r"go on with: .* --resume"):
        train(store, settings, snapshot, tmp_path, config)
    run = checkpoint.unfinished(tmp_path)
    assert run == written[0] and not (run / "model.pt").exists()
    assert train(store, settings, snapshot, tmp_path, config, resume=run) == run
    for name in ("validated.pt", "model.pt"):
        ours, theirs = weights(run, name), weights(whole, name)
        assert all(tensor.equal(theirs[key]) for key, tensor in ours.items()), name
    assert curve(run) == curve(whole)
    assert not checkpoint.path_of(run).exists()


def test_a_run_says_how_it_was_made_before_it_is_finished(whole: Path, config: TrainConfig, snapshot: Path) -> None:
    assert read_config(whole) == (config, snapshot.name)


def test_a_finished_run_has_nothing_to_go_on_from(whole: Path) -> None:
    with pytest.raises(EmptyLog, match="it is finished"):
        checkpoint.read(whole)
    with pytest.raises(EmptyLog, match="waits to be finished"):
        checkpoint.unfinished(whole.parent)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no training run"):
        main(["--resume", str(tmp_path)])


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    assert len({new_run(tmp_path) for _ in range(3)}) == 3
