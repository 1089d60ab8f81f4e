"""item rows -> item vectors, by the bundle's tokenizer and the Triton model ``item_encoder``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from feature_repo.inputs import Tensor, item_attribute_buckets, with_defaults
from feature_repo.item_text import item_text
from feature_repo.vocabulary import ATTRIBUTES
from serving.ranker import Triton, template

Array = npt.NDArray[Any]
MODEL = "item_encoder"
BATCH = 8  # items an inference
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


def encoder_request(tokenizer: Tokenizer, rows: Sequence[Mapping[str, Any]], version: int) -> Any:
    """The ModelInferRequest for these rows of ``item_content``."""
    content = [with_defaults("item_content", row) for row in rows]
    encoded = tokenizer.encode_batch(
        [item_text(row["item_title"], row["item_text"], row["item_categories"]) for row in content]
    )
    tensors = (
        np.array([each.ids for each in encoded], np.int64),
        np.array([each.attention_mask for each in encoded], np.int64),
        np.stack([item_attribute_buckets(row["item_categories"], row["item_attributes"]) for row in content]),
    )
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

    async def vectors(self, tokenizer: Tokenizer, rows: Sequence[Mapping[str, Any]], version: int) -> Array:
        """Item vectors [len(rows), VECTOR_SIZE]. Raises TritonUnavailable or NoModel."""
        return await self._triton.infer(encoder_request(tokenizer, rows, version), "item_vector")
