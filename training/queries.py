"""Contexts of labels and cases -> the distinct queries in them, each with a row; texts of queries -> their vectors.

Queries stand behind the items in the text cache, so they are encoded, tuned and refreshed with them: text vectors
[n + q, text_size]. Without a query there is nothing of this.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.nn import functional as F

from feature_repo.context import QUERY, from_json, query_text
from feature_repo.vocabulary import ATTRIBUTES
from training.item_tower import ItemTower

FILE = "queries.parquet"  # of a snapshot
_MARK = f'"{QUERY}":'  # in a context's JSON, which is read only where it may have one


class Queries:
    """Distinct queries; row 0 is "none"."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = sorted(set(texts))  # in the order of their rows, from 1 on
        self._rows = {text: row for row, text in enumerate(self.texts, start=1)}

    def row(self, context: Mapping[str, Any] | None) -> int:
        """The row of a context's query, 0 where it has none or one that is not among these."""
        return self._rows.get(query_text(context), 0)


def queries_among(contexts: Iterable[str]) -> Queries:
    """The queries of contexts as the offline log has them (JSON text, "" where there is none)."""
    different = {context for context in contexts if context and _MARK in context}
    return Queries(text for context in different if (text := query_text(from_json(context))))


def write_queries(snapshot: Path, contexts: Iterable[str]) -> None:
    """Keep the queries of all of a snapshot's labels."""
    texts = pa.array(queries_among(contexts).texts, pa.string())
    pq.write_table(pa.table({"text": texts}), snapshot / FILE)


def read_queries(snapshot: Path) -> Queries:
    """The queries of a snapshot; one of before they were kept has none."""
    if not (snapshot / FILE).exists():
        return Queries()
    return Queries(pq.read_table(snapshot / FILE).column("text").to_pylist())


def query_matrix(tower: ItemTower, text: Tensor) -> Tensor | None:
    """Text vectors of queries [q, text_size] -> their vectors after a row of zeros [1 + q, D]; None without queries.

    They are what the item encoder makes of a text without attributes.
    """
    if not len(text):
        return None
    attributes = torch.zeros(len(text), ATTRIBUTES, dtype=torch.int64, device=text.device)
    return F.pad(tower(text, attributes), (0, 0, 1, 0))
