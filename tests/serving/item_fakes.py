"""Where items' rows and vectors come from, in ten lines each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from feature_repo.item_text import EncoderInput
from feature_repo.vocabulary import VECTOR_SIZE
from serving.errors import InvalidRequest, OnlineStoreUnavailable, TritonUnavailable
from serving.item_rows import Rows
from serving.models import Model
from tests.serving.fakes import MODEL


@dataclass
class FakeItemRows:
    """Content rows by item id."""

    content: dict[str, dict[str, Any]]
    away: bool = False

    async def read(self, item_ids: Sequence[str]) -> Rows:
        if self.away:
            raise OnlineStoreUnavailable("the store is away")
        return {"item_content": {each: self.content[each] for each in item_ids if each in self.content}}


@dataclass
class FakeEncoder:
    """A vector is the length of the text, ``VECTOR_SIZE`` times; refuses a batch with a text of ``refused``."""

    away: bool = False
    refused: set[str] = field(default_factory=set)
    batches: list[int] = field(default_factory=list)

    async def vectors(self, tokenizer: Any, asked: Sequence[EncoderInput], version: int, media: Any) -> Any:
        if self.away:
            raise TritonUnavailable("triton is away")
        if self.refused & {each.text for each in asked}:
            raise InvalidRequest("refused")
        self.batches.append(len(asked))
        return np.array([[len(each.text)] * VECTOR_SIZE for each in asked], np.float32)


@dataclass
class FakeModels:
    """Always this model."""

    model: Model = MODEL

    def current(self) -> Model:
        return self.model


def titled(title: str, stamp: int = 1, **row: Any) -> dict[str, Any]:
    """A row of ``item_content``."""
    return {"item_title": title, "item_available": True, "event_timestamp": stamp} | row
