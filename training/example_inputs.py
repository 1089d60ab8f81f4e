"""Shapes -> random inputs of the exported models: to trace them, to compare and to time them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from feature_repo.inputs import asking_tensors, tensors
from feature_repo.vocabulary import ACTIONS, ATTRIBUTE_BUCKETS, ATTRIBUTES

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]
SHAPES = ((1, 2), (2, 100), (3, 7), (1, 1000))  # (batch, candidates or tokens)


def ranker_inputs(batch: int, items: int, seed: int = 0) -> Arrays:
    """Random inputs of the ranker; the first row of a batch is an unknown user without history or context."""
    draw = np.random.default_rng(seed)
    inputs: Arrays = {}
    for tensor in tensors():
        shape: Any = [batch, *(items if size == "N" else size for size in tensor.shape)]
        if tensor.dtype == "int64":
            limit = len(ACTIONS) + 1 if tensor.name == "history_actions" else ATTRIBUTE_BUCKETS
            inputs[tensor.name] = draw.integers(0, limit, shape)
        else:
            inputs[tensor.name] = draw.exponential(3.0, shape).astype(np.float32)
        if tensor.name.startswith(("history", "user_actions", "user_attributes", "request_context", "query")):
            inputs[tensor.name][0] = 0
    return inputs


def asking_inputs(batch: int, seed: int = 0) -> Arrays:
    """Those of them that the user encoder reads."""
    drawn = ranker_inputs(batch, 1, seed)
    return {tensor.name: drawn[tensor.name] for tensor in asking_tensors()}


def encoder_inputs(
    batch: int, tokens: int, vocabulary: int, seed: int = 0, media: Mapping[str, int] | None = None
) -> Arrays:
    """Random inputs of the item encoder with texts of several lengths and token ids below ``vocabulary``.

    ``media`` are the kinds it reads with their sizes; the first item of a batch has none of them.
    """
    draw = np.random.default_rng(seed)
    tokens = min(tokens, 64)
    lengths = draw.integers(1, tokens + 1, (batch, 1))
    vectors = {
        f"item_{kind}": draw.normal(size=(batch, size)).astype(np.float32) for kind, size in (media or {}).items()
    }
    for each in vectors.values():
        each[0] = 0
    return {
        "input_ids": draw.integers(0, vocabulary, (batch, tokens)),
        "attention_mask": (np.arange(tokens)[None] < lengths).astype(np.int64),
        "item_attributes": draw.integers(0, ATTRIBUTE_BUCKETS, (batch, ATTRIBUTES)),
        **vectors,
    }
