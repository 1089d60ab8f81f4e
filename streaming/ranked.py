"""strings -> their ranks in the order of the strings, so that loops compare numbers where Python compares text."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


class Ranked(NamedTuple):
    """``names[codes[i]]`` is the string i; names ascend by code point, as Python's do."""

    codes: npt.NDArray[np.int32]
    names: Any  # pa.StringArray


def ranked(strings: Any) -> Ranked:
    """The strings of an array without gaps."""
    encoded = (strings.combine_chunks() if isinstance(strings, pa.ChunkedArray) else strings).dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return Ranked(ranks[encoded.indices.to_numpy()], encoded.dictionary.take(pa.array(order)))


class Categories(NamedTuple):
    """The categories of ranked items: those of item i are ``codes[ends[i]:ends[i + 1]]``."""

    ends: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int32]
    names: Any  # pa.StringArray


def categories_of(items: Any, catalogue: Any) -> Categories:
    """The categories of these items (an array of ids); the catalogue is a table of ``item_id`` and ``categories``."""
    places = pc.index_in(items, catalogue["item_id"].combine_chunks())
    lists = catalogue["categories"].combine_chunks().take(places)
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy()
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Categories(ends, *ranked(lists.flatten()))
