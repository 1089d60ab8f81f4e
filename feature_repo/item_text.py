"""A row of ``item_content`` -> what the item encoder reads of it, in training and in serving, and its fingerprint."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import item_attribute_buckets, with_defaults

NOTHING: Final = 0  # the fingerprint of an item that was deleted: there is nothing to encode


class EncoderInput(NamedTuple):
    """What an item is encoded from."""

    text: str
    attributes: npt.NDArray[np.int64]  # [ATTRIBUTES] hash buckets


def item_text(title: str, text: str, categories: Sequence[str]) -> str:
    """``title. category, category. text`` without what is empty."""
    parts = (title, ", ".join(categories), text)
    return ". ".join(part.strip() for part in parts if part.strip())


def encoder_input(row: Mapping[str, Any]) -> EncoderInput:
    """What the item encoder reads of a row of ``item_content``; a missing value reads as its default."""
    content = with_defaults("item_content", row)
    categories = content["item_categories"]
    text = item_text(content["item_title"], content["item_text"], categories)
    return EncoderInput(text, item_attribute_buckets(categories, content["item_attributes"]))


def fingerprint(asked: EncoderInput) -> int:
    """64 bits that change with what the encoder reads; never NOTHING."""
    digest = blake2b(asked.text.encode("utf-8", "surrogatepass"), digest_size=8)
    digest.update(b"\0")
    digest.update(np.asarray(asked.attributes, "<i8").tobytes())
    return int.from_bytes(digest.digest(), "little", signed=True) or 1


def content_fingerprint(row: Mapping[str, Any]) -> int:
    """The fingerprint of a row of ``item_content``; NOTHING for an item that is gone, with all that it said."""
    asked = encoder_input(row)
    available = with_defaults("item_content", row)["item_available"]
    return fingerprint(asked) if available or asked.text or asked.attributes.any() else NOTHING
