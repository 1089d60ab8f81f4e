"""texts, attributes and media of items -> vectors, by the bundle's tokenizer and its item encoder in Triton."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from feature_repo.bundle import encoder_name
from feature_repo.inputs import Tensor
from feature_repo.item_text import EncoderInput, media_vector
from feature_repo.vocabulary import ATTRIBUTES, VECTOR_SIZE
from serving.errors import NoModel
from serving.ranker import Triton, template

Array = npt.NDArray[Any]
TOKENS = 2048  # padded tokens an inference: about a second of one core for a small language model
TIMEOUT_MS = 30_000  # an inference, which no ranking waits for
SHORTEST = 2  # tokens an inference: exported models take no fewer
LONGEST_TEXT = 256  # tokens, where the tokenizer sets no limit itself

_INPUTS = (
    Tensor("input_ids", ("T",), "int64"),
    Tensor("attention_mask", ("T",), "int64"),
    Tensor("item_attributes", (ATTRIBUTES,), "int64"),
)
_TEXT_ONLY: Mapping[str, int] = {}


def read_tokenizer(bundle: Path) -> Tokenizer:
    """The bundle's tokenizer, set to make batches."""
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    if tokenizer.truncation is None:
        tokenizer.enable_truncation(LONGEST_TEXT)
    padding = tokenizer.padding or {}
    tokenizer.enable_padding(pad_id=padding.get("pad_id", 0), pad_token=padding.get("pad_token", "[PAD]"))
    return tokenizer


def encoder_requests(
    tokenizer: Tokenizer, asked: Sequence[EncoderInput], version: int, media: Mapping[str, int] = _TEXT_ONLY
) -> list[tuple[list[int], Any]]:
    """ModelInferRequests of at most TOKENS padded tokens, or of one item, each with the places of its items.

    ``media`` is what the model's encoder reads beside texts, with its sizes; zeros for an item without.
    """
    ids, mask = _tokens(tokenizer, [each.text for each in asked])
    others = [np.stack([each.attributes for each in asked])]
    others += [np.stack([media_vector(each, kind, size) for each in asked]) for kind, size in media.items()]
    empty = template(encoder_name(media), (*_INPUTS, *(Tensor(f"item_{k}", (n,), "float32") for k, n in media.items())))
    empty.model_version = str(version)
    return [
        (places, _request(empty, (ids[places, :length], mask[places, :length], *(each[places] for each in others))))
        for places, length in _batches(mask.sum(1))
    ]


def _tokens(tokenizer: Tokenizer, texts: list[str]) -> tuple[Array, Array]:
    encoded = tokenizer.encode_batch(texts)
    ids, mask = (np.array([getattr(each, name) for each in encoded], np.int64) for name in ("ids", "attention_mask"))
    missing = ((0, 0), (0, max(0, SHORTEST - ids.shape[1])))
    return np.pad(ids, missing), np.pad(mask, missing)


def _batches(lengths: Array) -> Iterator[tuple[list[int], int]]:
    """Places of texts of like length together, with the length of the longest."""
    batch: list[int] = []
    longest = SHORTEST
    for place in np.argsort(lengths, kind="stable").tolist():
        length = max(SHORTEST, int(lengths[place]))
        if batch and length * (len(batch) + 1) > TOKENS:
            yield batch, longest
            batch = []
        batch.append(place)
        longest = length
    if batch:
        yield batch, longest


def _request(empty: Any, tensors: Sequence[Array]) -> Any:
    request = type(empty)()
    request.CopyFrom(empty)
    for place, tensor in enumerate(tensors):
        request.inputs[place].shape[:] = tensor.shape
        request.raw_input_contents.append(tensor.tobytes())
    return request


class Encoder:
    """The item encoder behind Triton."""

    def __init__(self, triton: Triton) -> None:
        self._triton = triton

    async def vectors(
        self,
        tokenizer: Tokenizer | None,
        asked: Sequence[EncoderInput],
        version: int,
        media: Mapping[str, int] = _TEXT_ONLY,
    ) -> Array:
        """Vectors [len(asked), VECTOR_SIZE]. Raises ServingError: TritonUnavailable, NoModel or InvalidRequest."""
        if tokenizer is None:
            raise NoModel("there is no model to encode with: run `make train export`")
        made = np.empty((len(asked), VECTOR_SIZE), np.float32)
        requests = await asyncio.to_thread(encoder_requests, tokenizer, asked, version, media)
        for places, request in requests:  # one after the other: rankings need the machine too
            made[places] = await self._triton.infer(request, "item_vector")
        return made
