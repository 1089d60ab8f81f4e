"""Attributes such as ``brand=acme`` -> hash buckets: a model reads any of them, and no vocabulary is kept."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from feature_repo.vocabulary import ATTRIBUTE_BUCKETS, ATTRIBUTES


def attribute_buckets(attributes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Attributes -> [ATTRIBUTES] hash buckets, 0 where there is none."""
    buckets = np.zeros(ATTRIBUTES, np.int64)
    for place, attribute in enumerate(attributes[:ATTRIBUTES]):
        buckets[place] = crc32(attribute.encode("utf-8", "surrogatepass")) % (ATTRIBUTE_BUCKETS - 1) + 1
    return buckets
