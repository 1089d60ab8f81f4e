"""What a user typed -> its vector from the item encoder, as of an item with that text and no attributes.

Recent queries are kept: people ask the same things, and page through what they asked for. A query that cannot be
encoded costs a ranking its query and nothing else.
"""

import logging
from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.item_text import EncoderInput
from feature_repo.vocabulary import ATTRIBUTES
from serving.encoder import Encoder
from serving.errors import ServingError
from serving.models import Model

Array = npt.NDArray[Any]
KEPT = 4096  # queries, 256 bytes each
log = logging.getLogger(__name__)
_NO_ATTRIBUTES = np.zeros(ATTRIBUTES, np.int64)


class Queries:
    """Vectors of queries, the most recent ones kept per model; ``counts`` says how they were come by."""

    def __init__(self, encoder: Encoder, kept: int = KEPT) -> None:
        self._encoder, self._most = encoder, kept
        self._kept: OrderedDict[tuple[int, str], Array] = OrderedDict()
        self._problem = ""
        self.counts = {"kept": 0, "encoded": 0, "failed": 0}

    async def vector(self, text: str, model: Model) -> Array | None:
        """The vector [VECTOR_SIZE] of a query by this model; None where the encoder does not answer."""
        key = (model.triton_version, text)
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            self.counts["kept"] += 1
            return found
        try:
            asked = [EncoderInput(text, _NO_ATTRIBUTES)]
            made: Array = (await self._encoder.vectors(model.tokenizer, asked, model.triton_version, model.media))[0]
        except ServingError as error:
            self._fail(str(error))
            return None
        self.counts["encoded"] += 1
        self._problem = ""
        self._keep(key, made)
        return made

    def _keep(self, key: tuple[int, str], vector: Array) -> None:
        self._kept[key] = vector
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def _fail(self, problem: str) -> None:
        self.counts["failed"] += 1
        if problem != self._problem:
            log.warning("rankings go without their queries: %s", problem)
        self._problem = problem
