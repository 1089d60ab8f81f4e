"""What is held out: what epochs are chosen by, and what parts of a score are worth."""

from pathlib import Path

import numpy as np
import pytest
import torch
from feast import FeatureStore

from feature_repo.settings import StoreSettings
from tests.training.test_slates import SLATE, later, world
from training import held_out as held
from training.cases import World
from training.config import TrainConfig
from training.held_out import HeldOut, held_out, mark
from training.history import NEVER
from training.near_cases import parts_of_slates, weigh_parts
from training.recommender import Recommender, build
from training.samples import read_catalogue
from training.slates import Slate, walk_slates

__all__ = ["world"]


@pytest.fixture
def slates(world: World) -> list[Slate]:
    both = [*SLATE, ("new", "i2", "click", 10, "r")]
    return list(walk_slates(world, later(*both)))


@pytest.fixture
def untrained(world: World) -> tuple[Recommender, torch.Tensor]:
    torch.manual_seed(0)
    made = build(TrainConfig(), 6, torch.from_numpy(world.catalogue.attributes))
    return made, torch.randn(len(world.catalogue), 6)


def test_an_epoch_is_chosen_by_what_was_shown_where_that_was_measured() -> None:
    assert mark({"ndcg@10": 0.1, "shown_ndcg@10": 0.3}) == 0.3
    assert mark({"ndcg@10": 0.1}) == 0.1
    assert mark({"loss": 2.0}) is None


def test_without_anything_held_out_nothing_is_measured(untrained: tuple[Recommender, torch.Tensor]) -> None:
    assert HeldOut().measured(*untrained) == {}


def test_slates_are_measured_by_whole_scores(untrained: tuple[Recommender, torch.Tensor], slates: list[Slate]) -> None:
    found = HeldOut(slates=slates).measured(*untrained)
    assert set(found) == {"shown_auc", "shown_ndcg@10", "shown_ndcg@5", "shown_mrr"}
    assert 0 <= found["shown_auc"] <= 1 and found["shown_ndcg@10"] > 0


def test_each_click_is_a_part_of_its_own_beside_what_was_passed_over(
    untrained: tuple[Recommender, torch.Tensor], slates: list[Slate]
) -> None:
    first, second = parts_of_slates(*untrained, slates)
    assert (first.target, second.target) == (1, 2)  # i3 was passed over
    assert first.affinity[2] == NEVER and second.affinity[1] == NEVER
    assert first.affinity[0] == second.affinity[0] > NEVER
    assert torch.equal(first.near, second.near) and len(first.numbers) == 3


def test_the_worth_of_parts_is_found_among_what_was_shown(
    untrained: tuple[Recommender, torch.Tensor], slates: list[Slate]
) -> None:
    found = weigh_parts(*untrained, HeldOut(slates=slates * 5))
    assert found["among"] == "shown" and found["cases"] == 10
    assert found["after"] <= found["before"] and np.isfinite(found["near"]).all()


def test_a_few_slates_say_too_little_to_choose_by(store: FeatureStore, settings: StoreSettings, snapshot: Path) -> None:
    assert held.ENOUGH > 1
    found = held_out(store, settings, snapshot, read_catalogue(snapshot), limit=5)
    assert 0 < len(found.cases) <= 5 and not found.slates
