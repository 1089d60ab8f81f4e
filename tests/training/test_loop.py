"""The loop on the tiny shop: the same weights whether it was stopped, cut into pieces or not."""

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from feast import FeatureStore
from torch import Tensor

from feature_repo.settings import StoreSettings
from training import checkpoint
from training.batches import Data, read_data
from training.cases import Case
from training.config import TrainConfig
from training.held_out import HeldOut, held_out
from training.loop import Around, Stopped, fit
from training.progress import Progress, Record
from training.recommender import Recommender
from training.samples import Catalogue, read_catalogue
from training.stages import untrained
from training.step import Diverged
from training.text_cache import TextCache

EPOCHS = 4


@dataclass
class Shop:
    """What is trained on, and the smallest configuration that uses everything."""

    catalogue: Catalogue
    data: Data
    cases: list[Case]
    config: TrainConfig

    def start(self, **changed: object) -> tuple[Recommender, TextCache, TrainConfig]:
        config = replace(self.config, **changed)
        return *untrained(config, self.catalogue, torch.device("cpu")), config

    def fit(
        self, started: tuple[Recommender, TextCache, TrainConfig], around: Around, cases: bool = True
    ) -> tuple[list[Record], dict[str, Tensor]]:
        """History without seconds, and all weights."""
        recommender, cache, config = started
        history = fit(recommender, cache, self.data, HeldOut(self.cases if cases else []), EPOCHS, config, around)
        without = [{name: value for name, value in record.items() if name != "seconds"} for record in history]
        return without, recommender.state() | cache.state()


@pytest.fixture(scope="module")
def shop(store: FeatureStore, settings: StoreSettings, snapshot: Path, encoder: str) -> Shop:
    torch.set_num_threads(1)
    catalogue = read_catalogue(snapshot)
    small = TrainConfig(encoder=encoder, layers=1, hidden=16, windows=4, labels=8, lora_rank=2, warmup=2, patience=9)
    cases = held_out(store, settings, snapshot, catalogue).cases
    return Shop(catalogue, read_data(snapshot, catalogue, ["train"]), cases, small)


@pytest.fixture(scope="module")
def whole(shop: Shop) -> tuple[list[Record], dict[str, Tensor]]:
    return shop.fit(shop.start(), Around())


class Killed(Exception):
    """As if the process ended."""


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_training_repeats_itself(shop: Shop, whole: tuple[list[Record], dict[str, Tensor]]) -> None:
    history, weights = shop.fit(shop.start(), Around())
    assert history == whole[0] and equal(weights, whole[1])


def test_a_training_that_died_goes_on_as_if_it_had_not(
    shop: Shop, whole: tuple[list[Record], dict[str, Tensor]], tmp_path: Path
) -> None:
    def save(progress: Progress) -> None:
        checkpoint.write(tmp_path, 0, progress)
        if len(progress.history) == 2:
            raise Killed

    with pytest.raises(Killed):
        shop.fit(shop.start(), Around(save=save))
    saved = checkpoint.read(tmp_path)
    assert saved.step == 2 * shop.data.steps(shop.config.windows)
    history, weights = shop.fit(shop.start(), Around(saved=saved.state))
    assert history == whole[0] and equal(weights, whole[1])


@pytest.mark.parametrize("signals", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_is_asked_to_stop_ends_soon_and_goes_on_from_there(
    shop: Shop, whole: tuple[list[Record], dict[str, Tensor]], tmp_path: Path, signals: signal.Signals
) -> None:
    def stop_after_two(kind: str, record: Record) -> None:
        if kind == "epoch" and record["epoch"] == 2:
            os.kill(os.getpid(), signals)

    around = Around(tell=stop_after_two, save=lambda progress: checkpoint.write(tmp_path, 0, progress))
    with pytest.raises(Stopped, match="after epoch 2"):
        shop.fit(shop.start(), around)
    saved = checkpoint.read(tmp_path)
    assert saved.step == 2 * shop.data.steps(shop.config.windows)
    history, weights = shop.fit(shop.start(), Around(saved=saved.state))
    assert history == whole[0] and equal(weights, whole[1])


def test_a_step_in_pieces_has_the_same_gradient(shop: Shop) -> None:
    still = {"dropout": 0.0, "residual_dropout": 0.0}
    one = shop.fit(shop.start(**still), Around(), cases=False)
    other = shop.fit(shop.start(**still, accumulate=3), Around(), cases=False)
    assert [record["loss"] for record in other[0]] == pytest.approx([record["loss"] for record in one[0]], rel=1e-3)
    for name, tensor in one[1].items():
        assert torch.allclose(tensor, other[1][name], atol=2e-2), name


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_sixteen_bits_learn_too(shop: Shop, precision: str) -> None:
    history, weights = shop.fit(shop.start(precision=precision), Around(), cases=False)
    assert history[-1]["loss"] < history[0]["loss"]
    assert all(tensor.isfinite().all() for tensor in weights.values() if tensor.is_floating_point())


def test_the_loop_tells_every_epoch_what_it_measured(shop: Shop) -> None:
    told: list[tuple[str, Record]] = []
    history, _ = shop.fit(shop.start(), Around(tell=lambda kind, record: told.append((kind, record))))
    epochs = [record for kind, record in told if kind == "epoch"]
    assert [record["epoch"] for record in epochs] == [1, 2, 3, 4] and len(history) == 4
    assert {"step", "seconds", "loss", "next_item", "ranking", "ndcg@10"} <= epochs[0].keys()


def test_a_training_that_gets_no_better_ends_early_with_its_best_weights(shop: Shop) -> None:
    recommender, cache, config = shop.start(patience=1, learning_rate=1e-9)
    history = fit(recommender, cache, shop.data, HeldOut(shop.cases), EPOCHS, config)
    assert len(history) == 2


def test_a_loss_that_is_no_number_ends_the_training(shop: Shop) -> None:
    recommender, cache, config = shop.start()
    with torch.no_grad():
        recommender.residual.fill_(torch.nan)
    with pytest.raises(Diverged, match="learning-rate"):
        fit(recommender, cache, shop.data, HeldOut(), EPOCHS, config)
