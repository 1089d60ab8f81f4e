"""data/snapshots/<id>/ -> the arrays a model is trained on, all made by feature_repo.inputs.

Histories hold row numbers of the catalogue plus one (0 is "none") where the ranker takes vectors: those still change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from feature_repo.context import Context
from feature_repo.inputs import user_inputs, with_defaults
from feature_repo.item_text import encoder_input, fingerprint
from feature_repo.vocabulary import ITEM_CATEGORIES
from training.item_media import media_of
from training.queries import Queries

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Catalogue:
    """The items of a snapshot, in one order."""

    ids: list[str]
    texts: list[str]
    attributes: Array  # [n, ATTRIBUTES] hash buckets
    category_codes: Array  # [n, ITEM_CATEGORIES], 0 = none
    codes: dict[str, int]  # category -> code
    categories: list[list[str]]
    published_at: Array  # [n] epoch ms
    index: dict[str, int]  # item_id -> row
    fingerprints: list[int]  # of what each item is encoded from
    media: dict[str, Array]  # image, audio -> [n, k] vectors, zeros where there is none

    def __len__(self) -> int:
        return len(self.ids)

    def look_up(self, item_ids: Sequence[str]) -> Array:
        """Row numbers plus one [k, 1], 0 where unknown: stands in for a look-up of vectors."""
        return np.array([[self.index.get(item_id, -1) + 1] for item_id in item_ids], np.float32).reshape(-1, 1)


def read_catalogue(snapshot: Path) -> Catalogue:
    """The catalogue of a snapshot."""
    rows = [
        with_defaults("item_content", row) | row_id(row)
        for row in pq.read_table(snapshot / "items.parquet").to_pylist()
    ]
    names = sorted({category for row in rows for category in row["item_categories"]})
    codes = {name: code for code, name in enumerate(names, start=1)}
    category_codes = np.zeros((len(rows), ITEM_CATEGORIES), np.int64)
    for place, row in enumerate(rows):
        known = [codes[name] for name in row["item_categories"][:ITEM_CATEGORIES]]
        category_codes[place, : len(known)] = known
    ids = [row["item_id"] for row in rows]
    encoded = [encoder_input(row) for row in rows]
    return Catalogue(
        ids,
        [each.text for each in encoded],
        np.stack([each.attributes for each in encoded]),
        category_codes,
        codes,
        [row["item_categories"] for row in rows],
        np.array([row["item_published_at"] for row in rows], np.int64),
        {item_id: place for place, item_id in enumerate(ids)},
        [fingerprint(each) for each in encoded],
        media_of(ids, encoded),
    )


def row_id(row: Mapping[str, Any]) -> dict[str, str]:
    return {"item_id": row["item_id"]}


def user_arrays(
    row: Mapping[str, Any],
    now_ms: int,
    look_up: Callable[[Sequence[str]], Array],
    context: Context = None,
    queries: Queries | None = None,
) -> Arrays:
    """``user_inputs`` with rows in the place of vectors: ``history_rows`` [L] and ``query_rows`` [], 0 for no query.

    ``context`` is that of the label or case; its query is read where there are ``queries``.
    """
    inputs = user_inputs(row, row, now_ms, look_up, context)
    inputs["history_rows"] = inputs.pop("history_vectors")[:, 0].astype(np.int64)
    del inputs["query_vector"]
    inputs["query_rows"] = np.array(queries.row(context) if queries else 0, np.int64)
    return inputs


def affinity_slots(catalogue: Catalogue) -> int:
    return len(catalogue.codes) + 1
