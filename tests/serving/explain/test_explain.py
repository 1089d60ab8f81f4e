"""Reasons in an answer, and that they are what would change without the part they name."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
import torch

from benchmarks import tiny_model
from feature_repo import user_activity
from feature_repo.user_activity import UserActivity, advance
from feature_repo.vocabulary import VECTOR_SIZE
from serving.budget import Budget
from serving.catalogue import Catalogue
from serving.errors import TritonUnavailable
from serving.ranking import Answer, rank
from serving.request import RankRequest
from serving.user_features import UserRows
from tests.serving.fakes import FakeRanker, FakeUsers, World, api, catalogue_of
from training.model import Ranker

NOW = 1_770_000_000_000
MET = [f"met-{number}" for number in range(12)]
CANDIDATES = [f"candidate-{number}" for number in range(8)]
Array = npt.NDArray[Any]
Run = Callable[[Mapping[str, Array]], Array]


class Scoring:
    """A model in this process, called as Triton calls it."""

    def __init__(self, run: Run) -> None:
        self.run, self.batches = run, list[int]()

    async def score(self, inputs: Mapping[str, Array], candidates: int, version: int, seconds: float = 1) -> Array:
        return np.asarray(self.run({name: each[None] for name, each in inputs.items()})[0])

    async def score_many(self, inputs: Mapping[str, Array], version: int, seconds: float = 1) -> Array:
        self.batches.append(len(inputs["history_actions"]))
        return self.run(inputs)


def tiny() -> Run:
    """score = item_vector . sum of history_vectors + user_item_affinity + item_ctr_7d"""
    session = onnxruntime.InferenceSession(tiny_model.ranker().SerializeToString())
    return lambda inputs: np.asarray(session.run(["scores"], dict(inputs))[0])


def trained() -> Run:
    """The trainer's ranker."""
    torch.manual_seed(0)
    model = Ranker(layers=1, heads=2, hidden=16, dropout=0.0).eval()

    def run(inputs: Mapping[str, Array]) -> Array:
        with torch.no_grad():
            return np.asarray(model({name: torch.from_numpy(each.copy()) for name, each in inputs.items()}))

    return run


def row(item_ids: list[str]) -> dict[str, Any]:
    activity = UserActivity()
    for number, item_id in enumerate(item_ids):
        action = "purchase" if number % 3 else "view"
        activity = advance(activity, item_id, action, NOW - (len(item_ids) - number) * 60_000, ["drama"])
    return user_activity.to_row(activity) | {"event_timestamp": NOW * 1000}


def lacking(activity: dict[str, Any], item_id: str) -> dict[str, Any]:
    """The row with nothing of this item in its history."""
    kept = [place for place, other in enumerate(activity["history_item_ids"]) if other != item_id]
    columns = ("history_item_ids", "history_actions", "history_timestamps")
    return activity | {name: [activity[name][place] for place in kept] for name in columns}


def shop() -> Catalogue:
    """Items with directions of their own."""
    catalogue = catalogue_of(*MET, *CANDIDATES)
    vectors = np.random.default_rng(1).normal(0, 0.3, (len(MET) + len(CANDIDATES), VECTOR_SIZE))
    catalogue.replace_vectors([*MET, *CANDIDATES], vectors.astype(np.float32))
    for item_id in (*MET, *CANDIDATES):
        content = {"item_title": item_id.title(), "item_categories": ["drama"], "event_timestamp": NOW * 1000}
        catalogue.put("item_content", item_id, content)
    return catalogue


@dataclass
class Shop(World):
    """Items and one user with a history, who met some items twice."""

    catalogue: Catalogue = field(default_factory=shop)
    users: FakeUsers = field(default_factory=lambda: FakeUsers({"u": UserRows({}, row([*MET, *MET[:4]]))}))
    ranker: Any = field(default_factory=lambda: Scoring(tiny()))


def ranked(world: World, activity: dict[str, Any] | None = None, **body: Any) -> Any:
    """The answer as of NOW; the history gets older with every millisecond."""
    if activity is not None:
        world.users.rows = {"u": UserRows({}, activity)}
    asked = msgspec.convert({"user_id": "u", "items": CANDIDATES} | body, RankRequest)
    return msgspec.to_builtins(asyncio.run(_rank(world, asked)).ranking)


async def _rank(world: World, asked: RankRequest) -> Answer:
    async with world.neighbours() as neighbours:
        return await rank(asked, neighbours, NOW, Budget(5_000))


def scores(world: World, activity: dict[str, Any]) -> dict[str, float]:
    return {each["item_id"]: each["score"] for each in ranked(world, activity)["items"]}


@pytest.mark.parametrize("ranker", [tiny, trained])
def test_what_an_item_of_the_history_adds_is_the_difference_it_makes(ranker: Callable[[], Run]) -> None:
    activity, world = row([*MET, *MET[:4]]), Shop(ranker=Scoring(ranker()))
    told = ranked(world, activity, explain=True)["items"]
    for item_id in {influence["item_id"] for each in told for influence in each["explanation"]["history"]}:
        without = scores(world, lacking(activity, item_id))
        for each in told:
            adds = {i["item_id"]: i["adds"] for i in each["explanation"]["history"]}
            if item_id in adds:
                assert each["score"] - without[each["item_id"]] == pytest.approx(adds[item_id], abs=1e-4)


@pytest.mark.parametrize("ranker", [tiny, trained])
def test_removing_the_top_item_lowers_the_score_more_than_removing_a_random_one(ranker: Callable[[], Run]) -> None:
    activity, world = row(MET), Shop(ranker=Scoring(ranker()))
    without = {item_id: scores(world, lacking(activity, item_id)) for item_id in MET}
    for each in ranked(world, activity, explain=True)["items"]:
        candidate, told = each["item_id"], each["explanation"]["history"]
        top = told[0]["item_id"]
        drops = {item_id: each["score"] - without[item_id][candidate] for item_id in MET}
        assert drops[top] > np.mean([drops[item_id] for item_id in MET if item_id != top])
        assert drops[top] == pytest.approx(max(drops.values()), abs=1e-4)


def test_an_explanation_names_titles_actions_and_times() -> None:
    world = Shop()
    best = ranked(world, explain=True)["items"][0]["explanation"]
    influence = best["history"][0]
    assert influence["title"] == influence["item_id"].title() and influence["action"] in ("view", "purchase")
    assert influence["at"].endswith("Z") and set(best["times"]) == {"user_activity", "item_content"}
    assert best["sentence"].startswith("because you ") and influence["title"] in best["sentence"]
    assert best["features"]["user_categories"] == 1.0  # the share of attention that the tiny model adds


def test_all_items_of_a_page_are_explained_by_one_inference() -> None:
    world = Shop()
    ranked(world, explain=True)
    assert world.ranker.batches == [1 + len(MET) + 3]  # the request, every item met, three groups


def test_a_ranking_that_is_not_to_be_explained_pays_nothing() -> None:
    world = Shop()
    answer = ranked(world)
    assert not world.ranker.batches and not any("explanation" in each for each in answer["items"])


def test_without_triton_the_reasons_are_those_that_need_no_model() -> None:
    answer = ranked(Shop(ranker=FakeRanker(TritonUnavailable("away"))), explain=True)
    assert "explain: no contributions" in answer["degraded"]
    assert all(each["explanation"]["times"] and "history" not in each["explanation"] for each in answer["items"])


def test_an_unknown_item_has_no_explanation() -> None:
    answer = ranked(Shop(), items=["nowhere", CANDIDATES[0]], explain=True)
    assert [("explanation" in each) for each in answer["items"]] == [True, False]


def test_a_stranger_gets_reasons_without_a_history() -> None:
    [first, *_] = ranked(Shop(), user_id="nobody", explain=True)["items"]
    assert "history" not in first["explanation"] and first["explanation"]["sentence"]


def test_an_item_that_is_wanted_more_than_usual_is_said_to_rise() -> None:
    world = Shop()
    hot = {"item_activity_at": NOW, "item_actions_1h": [0, 0, 50.0, 0, 0, 0, 0, 0], "event_timestamp": NOW * 1000}
    world.catalogue.put("item_activity", CANDIDATES[0], hot | {"item_actions_7d": [0, 0, 60.0, 0, 0, 0, 0, 0]})
    told = {each["item_id"]: each["explanation"]["sentence"] for each in ranked(world, explain=True)["items"]}
    assert [item_id for item_id, said in told.items() if "rising today" in said] == [CANDIDATES[0]]


def test_the_api_explains_where_it_is_asked_to() -> None:
    with api(Shop()) as client:
        answer = client.post("/v1/rank", json={"user_id": "u", "items": CANDIDATES, "k": 2, "explain": True}).json()
    assert len(answer["items"]) == 2 and all(each["explanation"]["sentence"] for each in answer["items"])
    assert answer["took_ms"]["explain"] > 0


def test_a_recommendation_says_which_stage_moved_what() -> None:
    with api(Shop()) as client:
        body = {"user_id": "u", "k": 5, "explain": True, "diversity": 0.9}
        answer = client.post("/v1/recommend", json=body).json()
    moved = [move for each in answer["items"] for move in each["explanation"].get("stages", [])]
    assert moved and {move["stage"] for move in moved} == {"diversity"}
    assert all(each["source"] for each in answer["items"])
