"""What is known of an item -> its vector: text and attributes; the catalogue as one matrix.

n items, D = VECTOR_SIZE, T tokens. The ranker never sees an id: an item that was never trained ranks by its vector.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.vocabulary import ATTRIBUTE_BUCKETS, VECTOR_SIZE


class ItemTower(nn.Module):
    """Text vectors and attributes -> item vectors."""

    def __init__(self, text_size: int) -> None:
        super().__init__()
        self.text = nn.Linear(text_size, VECTOR_SIZE)
        self.attributes = nn.Embedding(ATTRIBUTE_BUCKETS, VECTOR_SIZE, padding_idx=0)
        with torch.no_grad():
            self.attributes.weight.normal_(std=0.02)[0] = 0.0

    def forward(self, text: Tensor, attributes: Tensor) -> Tensor:
        """``text`` [n, text_size] and hash buckets [n, k] -> [n, D]."""
        vectors: Tensor = self.text(text) + self.attributes(attributes).sum(1)
        return vectors


class ItemEncoder(nn.Module):
    """Tokens and attributes -> the vector of an item nobody has met yet; what is exported for new items."""

    def __init__(self, language: nn.Module, tower: ItemTower) -> None:
        super().__init__()
        self.language, self.tower = language, tower
        self.vocabulary = int(language.get_input_embeddings().num_embeddings)  # type: ignore[operator]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, item_attributes: Tensor) -> Tensor:
        """[n, T], [n, T], [n, k] -> [n, D]."""
        vectors: Tensor = self.tower(mean_pooled(self.language, input_ids, attention_mask), item_attributes)
        return vectors


def mean_pooled(language: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of a language model's token states, of length one: [n, T] -> [n, text_size] (Sentence-BERT, 2019)."""
    states = language(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return F.normalize((states * weights).sum(1) / weights.sum(1).clamp(min=1), dim=-1)


def item_matrix(tower: ItemTower, residual: Tensor, text: Tensor, attributes: Tensor, cold: Tensor | None) -> Tensor:
    """Vectors of the catalogue after a row of zeros [1 + n, D]; ``cold`` [n] marks items without their residual."""
    learned = residual if cold is None else residual.masked_fill(cold[:, None], 0.0)
    return F.pad(tower(text, attributes) + learned, (0, 0, 1, 0))


def fill_vectors(
    inputs: dict[str, Tensor], matrix: Tensor, rows: Tensor | None = None, queries: Tensor | None = None
) -> dict[str, Tensor]:
    """``history_rows`` -> ``history_vectors`` and ``rows`` -> ``item_vectors``, looked up in ``item_matrix``.

    ``query_rows`` -> ``query_vector``, looked up in ``queries`` [1 + q, D]; without ``queries`` there are none.
    """
    others = ("history_rows", "query_rows", "rows", "log_draws")
    filled = {name: tensor for name, tensor in inputs.items() if name not in others}
    filled["history_vectors"] = matrix[inputs["history_rows"]]
    if "query_rows" in inputs:
        nothing = matrix.new_zeros(1, matrix.shape[1])
        filled["query_vector"] = (nothing if queries is None else queries)[inputs["query_rows"]]
    if rows is not None:
        filled["item_vectors"] = matrix[rows + 1]
    return filled
