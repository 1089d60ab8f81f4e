"""Which direction candidates are looked for in: the user encoder's, and what there is where it does not answer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from feature_repo.inputs import asking_tensors
from feature_repo.vocabulary import VECTOR_SIZE
from serving.aiming import LOST
from serving.candidates.quotas import DEFAULT
from serving.catalogue import Catalogue
from serving.errors import NoModel, TritonUnavailable
from serving.user_encoder import user_request
from tests.serving.fakes import MODEL, FakeUserEncoder, FakeUsers, World
from tests.serving.test_recommend_route import history, recommend

AXES = ("met", "near", "aimed")


def world(direction: Any = None, error: Exception | None = None) -> World:
    """Two items alike and one apart from them, of which "met" was met; the encoder says where to look."""
    catalogue, vectors = Catalogue(), np.zeros((3, VECTOR_SIZE), np.float32)
    vectors[:2, 0], vectors[1, 1], vectors[2, 2] = 1, 0.1, 1
    catalogue.replace_vectors(AXES, vectors)
    catalogue.wanted.clear()
    catalogue.loaded = True
    made = World(users=FakeUsers({"u": history("met")}), catalogue=catalogue, in_use=replace(MODEL, user_encoder=True))
    made.user_encoder = FakeUserEncoder(direction, error)
    quotas = dict.fromkeys(DEFAULT, 0.0) | {"similar": 1.0}
    made.settings = made.settings.model_copy(update={"recommend_candidates": 1, "candidate_quotas": quotas})
    return made


def axis(place: int) -> Any:
    return np.eye(VECTOR_SIZE, dtype=np.float32)[place]


def first(asked: World) -> tuple[str, Any]:
    """The first candidate of an answer, and the answer."""
    answer = recommend(asked, k=1)[1]
    return asked.rankings.answered[-1].item_ids[0], answer


def test_candidates_lie_where_the_user_encoder_points() -> None:
    asked = world(axis(2))
    found, answer = first(asked)
    assert (found, answer["degraded"]) == ("aimed", []) and "user_vector" in answer["took_ms"]
    assert sorted(asked.user_encoder.inputs) == [tensor.name for tensor in asking_tensors()]
    assert asked.user_encoder.inputs["history_vectors"][-1, 0] == 1
    read_twice = asked.ranker.inputs["history_vectors"]
    assert read_twice is asked.user_encoder.inputs["history_vectors"]  # made once


@pytest.mark.parametrize("error", [TritonUnavailable("away"), NoModel("not there yet")])
def test_without_an_answer_they_lie_near_what_was_met_last_and_the_ranking_says_so(error: Exception) -> None:
    found, answer = first(world(error=error))
    assert (found, answer["degraded"]) == ("met", [LOST])


def test_a_triton_that_is_left_alone_is_not_asked_for_a_direction_either() -> None:
    asked = world(axis(2))
    for _ in range(3):
        asked.guards.triton.fail("away", counts=True)
    asked.guards.triton.breaker.allows()  # the try of this second
    found, answer = first(asked)
    assert found == "met" and LOST in answer["degraded"] and not asked.user_encoder.inputs


def test_a_model_without_a_user_encoder_and_a_stranger_ask_none() -> None:
    old = world(axis(2))
    old.in_use = MODEL
    found, answer = first(old)
    assert (found, answer["degraded"]) == ("met", []) and not old.user_encoder.inputs
    stranger = world(axis(2))
    stranger.users = FakeUsers()
    assert recommend(stranger, k=1)[1]["degraded"] == [] and not stranger.user_encoder.inputs


def test_a_direction_of_a_model_that_was_replaced_meanwhile_is_not_followed() -> None:
    asked = world(axis(2))

    class Slow(FakeUserEncoder):
        async def vector(self, inputs: Any, version: int, seconds: float = 1) -> Any:
            asked.in_use = replace(MODEL, triton_version=2, user_encoder=True)
            return axis(2)

    asked.user_encoder = Slow()
    found, answer = first(asked)
    assert (found, answer["degraded"]) == ("met", [LOST])


def test_every_tensor_is_named_shaped_and_sent_as_bytes() -> None:
    inputs = {t.name: np.full([int(size) for size in t.shape], 2, t.dtype) for t in asking_tensors()}
    request = user_request(inputs, 7)
    assert (request.model_name, request.model_version) == ("user_encoder", "7")
    for tensor, described, content in zip(asking_tensors(), request.inputs, request.raw_input_contents, strict=True):
        assert described.name == tensor.name and list(described.shape) == [1, *tensor.shape]
        assert (np.frombuffer(content, tensor.dtype) == 2).all()
