"""Scores in process, from the ranker's own tensors."""

from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.inputs import tensors
from feature_repo.vocabulary import VECTOR_SIZE
from serving.lately import means
from serving.light import LIGHT, POPULAR, light
from training.recency import Recency


def inputs(candidates: int, seed: int = 0) -> dict[str, Any]:
    """A stranger and candidates that nobody has met."""
    random = np.random.default_rng(seed)
    sizes = {each.name: [candidates if size == "N" else int(size) for size in each.shape] for each in tensors()}
    zeros = {each.name: np.zeros(sizes[each.name], each.dtype) for each in tensors()}
    return zeros | {"item_vectors": random.normal(size=(candidates, VECTOR_SIZE)).astype(np.float32)}


def met(asked: dict[str, Any], *vectors: Any) -> dict[str, Any]:
    """The same user after interactions with items of these vectors."""
    history, actions = np.zeros_like(asked["history_vectors"]), np.zeros_like(asked["history_actions"])
    history[-len(vectors) :], actions[-len(vectors) :] = vectors, 3
    return asked | {"history_vectors": history, "history_actions": actions}


def test_the_item_met_last_is_the_nearest() -> None:
    asked = inputs(5)
    first, last = asked["item_vectors"][1], asked["item_vectors"][3]
    scores, kind = light(met(asked, first, last))
    assert (kind, np.argsort(-scores)[:2].tolist()) == (LIGHT, [3, 1])


def test_a_stranger_gets_what_many_want() -> None:
    asked = inputs(3)
    asked["item_actions_1d"][1] = 5
    scores, kind = light(asked)
    assert (kind, int(np.argmax(scores))) == (POPULAR, 1)


def test_a_strangers_query_counts() -> None:
    asked = inputs(4)
    scores, kind = light(asked | {"query_vector": asked["item_vectors"][2]})
    assert (kind, int(np.argmax(scores))) == (LIGHT, 2)


def test_means_are_what_training_begins_with() -> None:
    asked = met(inputs(1), *np.random.default_rng(1).normal(size=(7, VECTOR_SIZE)))
    history, actions = asked["history_vectors"], asked["history_actions"]
    expected = Recency().newest(torch.from_numpy(history)[None], torch.from_numpy(actions)[None])[0]
    np.testing.assert_allclose(means(history[actions > 0]), expected.detach().numpy(), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 999), st.booleans())
def test_every_candidate_gets_a_finite_score_of_its_own(candidates: int, seed: int, known: bool) -> None:
    asked = inputs(candidates, seed)
    asked = met(asked, asked["item_vectors"][0]) if known else asked
    scores, _ = light(asked)
    assert scores.shape == (candidates,) and np.isfinite(scores).all()
    alone = {each.name: asked[each.name][: 1 if "N" in each.shape else None] for each in tensors()}
    np.testing.assert_allclose(light(alone)[0], scores[:1], rtol=1e-4, atol=1e-6)
