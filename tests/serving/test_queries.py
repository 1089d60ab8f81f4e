"""Vectors of what users typed: made once, kept, and never in the way of a ranking."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from feature_repo.item_text import EncoderInput
from feature_repo.vocabulary import VECTOR_SIZE
from serving.errors import InvalidRequest, TritonUnavailable
from serving.queries import Queries
from tests.serving.fakes import MODEL

OTHER = replace(MODEL, triton_version=2)


@dataclass
class Encoder:
    """The vector of a text repeats its length plus the version; raises ``error`` when there is one."""

    error: Exception | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def vectors(self, tokenizer: Any, asked: Sequence[EncoderInput], version: int, media: Any) -> Any:
        if self.error:
            raise self.error
        assert tokenizer is MODEL.tokenizer and not any(each.attributes.any() for each in asked)
        self.asked += [(each.text, version) for each in asked]
        return np.array([[len(each.text) + version] * VECTOR_SIZE for each in asked], np.float32)


def vectors(queries: Queries, *texts: str, model: Any = MODEL) -> list[float | None]:
    """The first number of each text's vector."""
    found = [asyncio.run(queries.vector(text, model)) for text in texts]
    return [None if each is None else float(each[0]) for each in found]


def test_a_query_is_encoded_once() -> None:
    encoder = Encoder()
    queries = Queries(encoder)  # type: ignore[arg-type]
    assert vectors(queries, "tea", "tea", "saw", "tea") == [4, 4, 4, 4]
    assert encoder.asked == [("tea", 1), ("saw", 1)]
    assert queries.counts == {"kept": 2, "encoded": 2, "failed": 0}


def test_another_model_encodes_anew() -> None:
    queries = Queries(Encoder())  # type: ignore[arg-type]
    assert [*vectors(queries, "tea"), *vectors(queries, "tea", model=OTHER)] == [4, 5]


def test_the_query_that_was_asked_longest_ago_makes_room() -> None:
    encoder = Encoder()
    queries = Queries(encoder, kept=2)  # type: ignore[arg-type]
    vectors(queries, "a", "b", "a", "c", "a", "b")
    assert [text for text, _ in encoder.asked] == ["a", "b", "c", "b"]


@pytest.mark.parametrize("error", [TritonUnavailable("triton is away"), InvalidRequest("Triton refused the input")])
def test_a_query_that_cannot_be_encoded_is_said_once_and_tried_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = Encoder(error)
    queries = Queries(encoder)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        assert vectors(queries, "tea", "tea") == [None, None]
    assert [record.message for record in caplog.records] == [f"rankings go without their queries: {error}"]
    encoder.error = None
    assert vectors(queries, "tea") == [4]
    assert queries.counts == {"kept": 0, "encoded": 1, "failed": 2}
