"""catalogue.vectors.waiting -> vectors from the item encoder, a batch at a time, beside the rankings.

What waits is known by its id alone: its text is read from the online store when its turn comes, so that a burst of
changes costs no memory, and an item that could not be encoded now is still there for the next round.
"""

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from feature_repo.item_text import EncoderInput, encoder_input, fingerprint
from serving import item_rows
from serving.catalogue import Catalogue
from serving.encoder import Encoder
from serving.errors import ServingError
from serving.item_rows import ItemRows
from serving.models import Model, Models

IDLE = 0.02  # seconds between looks for items that wait: rankings come first
PAUSE = 1.0  # seconds after a round that brought nothing
TELL_EVERY = 5.0  # seconds
log = logging.getLogger(__name__)


class Turn(NamedTuple):
    """An item whose turn it is."""

    item_id: str
    asked: EncoderInput
    fingerprint: int


class Encoding:
    """Gives items that wait their vectors; what cannot be encoded now goes on waiting."""

    def __init__(self, catalogue: Catalogue, rows: ItemRows, encoder: Encoder, models: Models) -> None:
        self._catalogue, self._rows, self._encoder, self._models = catalogue, rows, encoder, models
        self._size = item_rows.BATCH
        self._made = 0  # since nothing waited
        self._told_at = time.monotonic()
        self._problem = ""
        self._odd_for: Path | None = None

    async def run(self) -> None:
        """Encode for ever."""
        while True:
            brought = True
            if self._catalogue.vectors.waiting:
                brought = await self.encode_some() > 0
                self._tell()
            await asyncio.sleep(IDLE if brought else PAUSE)

    async def encode_some(self) -> int:
        """Encode a batch; returns how many items got their vectors. One that cannot be encoded holds nobody up."""
        well = self._size == item_rows.BATCH  # else one that fails could come first for ever, because it is asked for
        item_ids = self._catalogue.vectors.turns(self._size, asked_first=well)
        try:
            made = await self._encode(item_ids)
        except ServingError as error:
            self._catalogue.vectors.postpone(item_ids)
            self._size = max(1, self._size // 2)  # one of these items may be the reason: smaller batches corner it
            self._note(str(error))
            return 0
        self._size = min(item_rows.BATCH, self._size * 2)
        self._made += made
        return made

    async def _encode(self, item_ids: list[str]) -> int:
        model, vectors = self._models.current(), self._catalogue.vectors
        turns = await self._turns(item_ids)
        if not turns:
            if not vectors.waiting.keys().isdisjoint(item_ids):
                self._note("the online store does not have their present texts")
            return 0
        asked = [each.asked for each in turns]
        self._tell_odd(turns, model)
        made = await self._encoder.vectors(model.tokenizer, asked, model.triton_version, model.media)
        lent = await asyncio.to_thread(vectors.lent, made)
        if model is not self._models.current():
            return 0  # another model took over meanwhile: its vectors are made in the next round
        vectors.put([each.item_id for each in turns], np.array([each.fingerprint for each in turns]), made, lent)
        self._catalogue.changed_at = time.time()
        return len(turns)

    async def _turns(self, item_ids: list[str]) -> list[Turn]:
        """The items whose text the store has as the table last heard of it; the others go to the end."""
        rows = (await self._rows.read(item_ids))["item_content"]
        for item_id, row in rows.items():
            self._catalogue.put("item_content", item_id, row)
        turns = [turn for item_id, row in rows.items() if (turn := self._turn(item_id, row))]
        taken = {turn.item_id for turn in turns}
        self._catalogue.vectors.postpone([item_id for item_id in item_ids if item_id not in taken])
        return turns

    def _turn(self, item_id: str, row: dict[str, Any]) -> Turn | None:
        asked = encoder_input(row)
        found, table = fingerprint(asked), self._catalogue.table
        expected = table.column("item_fingerprint")[table.index[item_id]]
        return Turn(item_id, asked, found) if found == expected and item_id in self._catalogue.vectors.waiting else None

    def _tell_odd(self, turns: list[Turn], model: Model) -> None:
        """Say once per model that media vectors are not of the size it reads."""
        odd = [(turn, kind) for turn in turns for kind in model.media if _odd(turn.asked, kind, model.media[kind])]
        if odd and self._odd_for != model.path:
            turn, kind = odd[0]
            sizes = len(getattr(turn.asked, kind)), model.media[kind]
            log.warning(
                "the %s vector of item %s has %d numbers, the model reads %d: it counts as without, as others "
                "like it do",
                kind,
                turn.item_id,
                *sizes,
            )
            self._odd_for = model.path

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("%d items wait for their vectors: %s", len(self._catalogue.vectors.waiting), problem)
        self._problem = problem

    def _tell(self) -> None:
        waiting = len(self._catalogue.vectors.waiting)
        if self._made and (not waiting or time.monotonic() - self._told_at > TELL_EVERY):
            log.info("items encoded: %d, waiting for their vectors: %d", self._made, waiting)
            self._told_at, self._problem = time.monotonic(), ""
            self._made = self._made if waiting else 0


def _odd(asked: EncoderInput, kind: str, size: int) -> bool:
    """Whether there is a media vector that is not of this size."""
    return len(getattr(asked, kind)) not in (0, size)
