"""texts and attributes of items -> vectors, by the bundle's tokenizer and the Triton model ``item_encoder``."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from feature_repo.inputs import Tensor
from feature_repo.item_text import EncoderInput
from feature_repo.vocabulary import ATTRIBUTES, VECTOR_SIZE
from serving.ranker import Triton, template

Array = npt.NDArray[Any]
MODEL = "item_encoder"
TOKENS = 2048  # padded tokens an inference: about a second of one core for a small language model
TIMEOUT_MS = 30_000  # an inference, which no ranking waits for
SHORTEST = 2  # tokens an inference: exported models take no fewer
LONGEST_TEXT = 256  # tokens, where the tokenizer sets no limit itself

_TEMPLATE = template(
    MODEL,
    (
        Tensor("input_ids", ("T",), "int64"),
        Tensor("attention_mask", ("T",), "int64"),
        Tensor("item_attributes", (ATTRIBUTES,), "int64"),
    ),
)


def read_tokenizer(bundle: Path) -> Tokenizer:
    """The bundle's tokenizer, set to make batches."""
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    if tokenizer.truncation is None:
        tokenizer.enable_truncation(LONGEST_TEXT)
    padding = tokenizer.padding or {}
    tokenizer.enable_padding(pad_id=padding.get("pad_id", 0), pad_token=padding.get("pad_token", "[PAD]"))
    return tokenizer


def encoder_requests(tokenizer: Tokenizer, asked: Sequence[EncoderInput], version: int) -> list[tuple[list[int], Any]]:
    """ModelInferRequests of at most TOKENS padded tokens, or of one item, each with the places of its items."""
    ids, mask = _tokens(tokenizer, [each.text for each in asked])
    attributes = np.stack([each.attributes for each in asked])
    return [
        (places, _request((ids[places, :length], mask[places, :length], attributes[places]), version))
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


def _request(tensors: Sequence[Array], version: int) -> Any:
    request = type(_TEMPLATE)()
    request.CopyFrom(_TEMPLATE)
    request.model_version = str(version)
    for place, tensor in enumerate(tensors):
        request.inputs[place].shape[:] = tensor.shape
        request.raw_input_contents.append(tensor.tobytes())
    return request


class Encoder:
    """The item encoder behind Triton."""

    def __init__(self, triton: Triton) -> None:
        self._triton = triton

    async def vectors(self, tokenizer: Tokenizer, asked: Sequence[EncoderInput], version: int) -> Array:
        """Vectors [len(asked), VECTOR_SIZE]. Raises ServingError: TritonUnavailable, NoModel or InvalidRequest."""
        made = np.empty((len(asked), VECTOR_SIZE), np.float32)
        requests = await asyncio.to_thread(encoder_requests, tokenizer, asked, version)
        for places, request in requests:  # one after the other: rankings need the machine too
            made[places] = await self._triton.infer(request, "item_vector")
        return made
