"""What is known of an item -> its vector: text, attributes, image, sound; the catalogue as one matrix.

n items, D = VECTOR_SIZE, T tokens. The ranker never sees an id: an item that was never trained ranks by its vector.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.item_text import MEDIA
from feature_repo.neighbours import NEAR
from feature_repo.vocabulary import ATTRIBUTE_BUCKETS, VECTOR_SIZE

Media = Mapping[str, Tensor]  # image, audio -> [n, k]; a row of zeros where an item has none


class ItemTower(nn.Module):
    """Text vectors, attributes and media vectors -> item vectors.

    ``media`` names the kinds there are with their sizes. What an item lacks adds nothing to its vector, and in training
    a share ``media_dropout`` of the items lacks each kind, so that the others learn to stand alone.
    """

    def __init__(self, text_size: int, media: Mapping[str, int] | None = None, media_dropout: float = 0.0) -> None:
        super().__init__()
        self.text = nn.Linear(text_size, VECTOR_SIZE)
        self.media = nn.ModuleDict({kind: nn.Linear(size, VECTOR_SIZE) for kind, size in (media or {}).items()})
        self.media_dropout = media_dropout
        self.attributes = nn.Embedding(ATTRIBUTE_BUCKETS, VECTOR_SIZE, padding_idx=0)
        with torch.no_grad():
            self.attributes.weight.normal_(std=0.02)[0] = 0.0

    def forward(self, text: Tensor, attributes: Tensor, media: Media | None = None) -> Tensor:
        """``text`` [n, text_size], hash buckets [n, k] and what there is of ``media`` -> [n, D]."""
        vectors: Tensor = self.text(text) + self.attributes(attributes).sum(1)
        for kind, given in (media or {}).items():
            vectors = vectors + self.media[kind](F.normalize(given, dim=-1)) * self._there(given)
        return vectors

    def _there(self, given: Tensor) -> Tensor:
        """[n, 1]: 1 where a media vector is given and not dropped, 0 elsewhere."""
        there = given.abs().amax(-1, keepdim=True) > 0
        if self.training and self.media_dropout:
            there = there & (torch.rand(len(given), 1, device=given.device) >= self.media_dropout)
        return there.to(given.dtype)


class ItemEncoder(nn.Module):
    """Tokens, attributes, media -> the vector of an item nobody has met yet; what is exported for new items."""

    def __init__(self, language: nn.Module, tower: ItemTower) -> None:
        super().__init__()
        self.language, self.tower = language, tower
        self.vocabulary = int(language.get_input_embeddings().num_embeddings)  # type: ignore[operator]

    @property
    def media(self) -> dict[str, int]:
        """The kinds of media that it reads, with their sizes."""
        return media_sizes(self.tower)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        item_attributes: Tensor,
        item_image: Tensor | None = None,
        item_audio: Tensor | None = None,
    ) -> Tensor:
        """[n, T], [n, T], [n, k] and, where it reads them, [n, image] and [n, audio] -> [n, D]."""
        given = {"image": item_image, "audio": item_audio}
        media = {kind: vectors for kind, vectors in given.items() if vectors is not None}
        made: Tensor = self.tower(mean_pooled(self.language, input_ids, attention_mask), item_attributes, media)
        return made


def media_sizes(tower: ItemTower) -> dict[str, int]:
    """Kind of media -> numbers of its vectors, for the kinds a tower reads, in the order of MEDIA."""
    branches: dict[str, Any] = dict(tower.media.items())
    return {kind: int(branches[kind].in_features) for kind in MEDIA if kind in branches}


def mean_pooled(language: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean of a language model's token states, of length one: [n, T] -> [n, text_size] (Sentence-BERT, 2019)."""
    states = language(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return F.normalize((states * weights).sum(1) / weights.sum(1).clamp(min=1), dim=-1)


def item_matrix(
    tower: ItemTower,
    residual: Tensor,
    text: Tensor,
    attributes: Tensor,
    cold: Tensor | None,
    media: Media | None = None,
) -> Tensor:
    """Vectors of the catalogue after a row of zeros [1 + n, D]; ``cold`` [n] marks items without their residual."""
    learned = residual if cold is None else residual.masked_fill(cold[:, None], 0.0)
    return F.pad(tower(text, attributes, media) + learned, (0, 0, 1, 0))


def fill_vectors(
    inputs: dict[str, Tensor], matrix: Tensor, rows: Tensor | None = None, queries: Tensor | None = None
) -> dict[str, Tensor]:
    """``history_rows`` -> ``history_vectors`` and ``rows`` -> ``item_vectors``, looked up in ``item_matrix``.

    ``query_rows`` -> ``query_vector``, looked up in ``queries`` [1 + q, D]; without ``queries`` there are none.
    Candidates whose ``user_item_near`` is not given are near nothing.
    """
    others = ("history_rows", "query_rows", "rows", "log_draws")
    filled = {name: tensor for name, tensor in inputs.items() if name not in others}
    filled["history_vectors"] = matrix[inputs["history_rows"]]
    if "query_rows" in inputs:
        nothing = matrix.new_zeros(1, matrix.shape[1])
        filled["query_vector"] = (nothing if queries is None else queries)[inputs["query_rows"]]
    if rows is not None:
        filled["item_vectors"] = matrix[rows + 1]
    if "user_item_near" not in filled:
        count = len(matrix) - 1 if rows is None else rows.shape[1]
        filled["user_item_near"] = matrix.new_zeros(1, 1, NEAR).expand(len(inputs["history_rows"]), count, -1)
    return filled
