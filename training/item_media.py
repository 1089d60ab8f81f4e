"""What the item encoder reads of each item -> a matrix of vectors for each kind of media the catalogue has."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.item_text import MEDIA, EncoderInput, media_vector

NAMED = 5  # items that a message names


def media_of(item_ids: Sequence[str], encoded: Sequence[EncoderInput]) -> dict[str, npt.NDArray[Any]]:
    """Kind of MEDIA -> [n, k] float32; zeros for an item without, no entry where no item has any.

    All vectors of a kind have to come from one encoder: those of another size than most count as missing and are named.
    """
    return {kind: made for kind in MEDIA if (made := _matrix(item_ids, encoded, kind)) is not None}


def _matrix(item_ids: Sequence[str], encoded: Sequence[EncoderInput], kind: str) -> npt.NDArray[Any] | None:
    lengths = [len(getattr(each, kind)) for each in encoded]
    sizes = Counter(length for length in lengths if length)
    if not sizes:
        return None
    size = sizes.most_common(1)[0][0]
    odd = [item_id for item_id, length in zip(item_ids, lengths, strict=True) if length not in (0, size)]
    if odd:
        more = ", ..." if len(odd) > NAMED else ""
        print(
            f"{len(odd)} items have {kind} vectors of another size than the {size} numbers of most and count as "
            f"without: {', '.join(odd[:NAMED])}{more}"
        )
    return np.stack([media_vector(each, kind, size) for each in encoded])
