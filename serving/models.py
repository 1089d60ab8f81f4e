"""The promoted bundle -> the model that rankings are pinned to; a newly promoted one takes over within seconds.

Before the first training there is none: rankings then go by what can be said without (serving/light.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer

from feature_repo.bundle import Bundle, BundleError, BundleMetadata, NothingPromoted, current, read_bundle
from feature_repo.neighbours import Neighbours
from serving.catalogue import Catalogue
from serving.encoder import read_tokenizer
from serving.errors import NoModel
from serving.ranker import MODEL as RANKER
from serving.user_encoder import MODEL as USER_ENCODER

LOOK_EVERY = 2.0  # seconds
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """What a ranking must know of its model."""

    path: Path
    model_version: str
    triton_version: int
    tokenizer: Tokenizer | None = None  # of its item encoder
    neighbours: Neighbours | None = None
    user_encoder: bool = False  # whether Triton has one of this version
    media: Mapping[str, int] = field(default_factory=dict)  # what its item encoder reads beside texts, with its size


NONE = Model(Path(), "none", 0)


class Models:
    """The model in use; ``has`` asks Triton for a model's version, ``catalogue`` takes over the item vectors."""

    def __init__(self, bundles: Path, catalogue: Catalogue, has: Callable[[str, int], Awaitable[bool]]) -> None:
        self._bundles = bundles
        self._catalogue = catalogue
        self._has = has
        self._model: Model | None = None
        self._problem = "no model bundle was read yet"
        self.awaited = False  # whether there is none because there was no training yet

    def in_use(self) -> Model:
        """The model to rank with, which may be NONE."""
        return self._model or NONE

    def current(self) -> Model:
        """The same, where it is to be one; raises NoModel with what to do."""
        if self._model is None:
            raise NoModel(self._problem)
        return self._model

    async def watch(self) -> None:
        """Follow the promoted bundle for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(LOOK_EVERY)

    async def refresh(self) -> None:
        """Take over the promoted bundle if it is another one and Triton has it (the first one is taken as it is)."""
        try:
            path = current(self._bundles)
            if self._model and self._model.path == path:
                return
            bundle, tokenizer = await asyncio.to_thread(_read, path)
        except (BundleError, OSError) as error:
            self.awaited = isinstance(error, NothingPromoted)
            self._note(str(error))
            return
        if self._model and (lacking := await self._lacking(bundle.metadata)):
            self._note(f"{path.name} waits until Triton has {lacking} version {bundle.metadata.triton_version}")
            return
        self._take_over(bundle, tokenizer)

    async def _lacking(self, metadata: BundleMetadata) -> str:
        """The first model of a ranking that Triton does not have in this version; empty where it has them."""
        for name in (RANKER, USER_ENCODER) if metadata.user_encoder else (RANKER,):
            if not await self._has(name, metadata.triton_version):
                return name
        return ""

    def _take_over(self, bundle: Bundle, tokenizer: Tokenizer) -> None:
        """Vectors and version change in one step of the event loop: no request sees half of each."""
        items = bundle.item_ids, bundle.item_vectors, bundle.item_fingerprints, bundle.item_residuals
        self._catalogue.replace_vectors(*items)
        metadata = bundle.metadata
        version = metadata.model_version, metadata.triton_version
        self._model = Model(bundle.path, *version, tokenizer, bundle.neighbours, metadata.user_encoder, metadata.media)
        log.info("ranking with model %s (%d items)", metadata.model_version, len(bundle.item_ids))

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("%s", problem)
        self._problem = problem


def _read(path: Path) -> tuple[Bundle, Tokenizer]:
    bundle = read_bundle(path)
    try:
        return bundle, read_tokenizer(path)
    except Exception as error:  # tokenizers raises bare Exception for a missing or malformed file
        raise BundleError(f"{path} has no usable tokenizer.json: {error}") from error
