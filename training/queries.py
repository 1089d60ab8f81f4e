"""Contexts of labels and cases -> the distinct queries in them, each with a row; texts of queries -> their vectors.

Queries stand behind the items in the text cache, so they are encoded, tuned and refreshed with them: text vectors
[n + q, text_size]. Without a query there is nothing of this.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from feature_repo.context import query_text
from feature_repo.vocabulary import ATTRIBUTES
from training.item_tower import ItemTower


class Queries:
    """The queries met so far; row 0 is "none"."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """Every query once, in the order of their rows."""
        return list(self._rows)

    def row(self, context: Mapping[str, Any] | None) -> int:
        """The row of a context's query; a new one gets the next."""
        text = query_text(context)
        return self._rows.setdefault(text, len(self._rows) + 1) if text else 0


def query_matrix(tower: ItemTower, text: Tensor) -> Tensor | None:
    """Text vectors of queries [q, text_size] -> their vectors after a row of zeros [1 + q, D]; None without queries.

    They are what the item encoder makes of a text without attributes.
    """
    if not len(text):
        return None
    return F.pad(tower(text, torch.zeros(len(text), ATTRIBUTES, dtype=torch.int64)), (0, 0, 1, 0))
