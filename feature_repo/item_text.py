"""A row of ``item_content`` -> what the item encoder reads of it, in training and in serving, and its fingerprint."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import item_attribute_buckets, with_defaults

MEDIA: Final = ("image", "audio")  # what an item may have beside its text, as a vector of somebody's encoder
_NO_VECTOR: Final = np.zeros(0, np.float32)
NOTHING: Final = 0  # the fingerprint of an item that was deleted: there is nothing to encode


class EncoderInput(NamedTuple):
    """What an item is encoded from."""

    text: str
    attributes: npt.NDArray[np.int64]  # [ATTRIBUTES] hash buckets
    image: npt.NDArray[np.float32] = _NO_VECTOR  # [k], empty where there is none
    audio: npt.NDArray[np.float32] = _NO_VECTOR


def item_text(title: str, text: str, categories: Sequence[str]) -> str:
    """``title. category, category. text`` without what is empty."""
    parts = (title, ", ".join(categories), text)
    return ". ".join(part.strip() for part in parts if part.strip())


def encoder_input(row: Mapping[str, Any]) -> EncoderInput:
    """What the item encoder reads of a row of ``item_content``; a missing value reads as its default."""
    content = with_defaults("item_content", row)
    categories = content["item_categories"]
    text = item_text(content["item_title"], content["item_text"], categories)
    media = (np.asarray(content[f"item_{kind}_vector"], np.float32) for kind in MEDIA)
    return EncoderInput(text, item_attribute_buckets(categories, content["item_attributes"]), *media)


def media_vector(asked: EncoderInput, kind: str, size: int) -> npt.NDArray[np.float32]:
    """The item's vector of one kind of MEDIA; zeros, which say that there is none, where it has another size."""
    found: npt.NDArray[np.float32] = getattr(asked, kind)
    return found if len(found) == size else np.zeros(size, np.float32)


def fingerprint(asked: EncoderInput) -> int:
    """64 bits that change with what the encoder reads; never NOTHING."""
    digest = blake2b(asked.text.encode("utf-8", "surrogatepass"), digest_size=8)
    digest.update(b"\0")
    digest.update(np.asarray(asked.attributes, "<i8").tobytes())
    for kind in MEDIA:
        if len(vector := getattr(asked, kind)):
            digest.update(kind.encode() + np.asarray(vector, "<f4").tobytes())
    return int.from_bytes(digest.digest(), "little", signed=True) or 1


def content_fingerprint(row: Mapping[str, Any]) -> int:
    """The fingerprint of a row of ``item_content``; NOTHING for an item that is gone, with all that it said."""
    asked = encoder_input(row)
    available = with_defaults("item_content", row)["item_available"]
    known = asked.text or asked.attributes.any() or any(len(getattr(asked, kind)) for kind in MEDIA)
    return fingerprint(asked) if available or known else NOTHING
