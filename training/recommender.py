"""The parts that are trained together, and how they rank."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from feature_repo.neighbours import Neighbours, nearness
from training.ablation import parts, silenced
from training.cases import Case
from training.config import TrainConfig
from training.heads import blend_of
from training.item_tower import ItemTower, fill_vectors, item_matrix
from training.metrics import rank
from training.model import Ranker
from training.queries import query_matrix
from training.samples import Arrays

SCORED, PAIRS = 16, 65_536  # cases a pass, and cases times items: what comes first (memory)


@dataclass
class Recommender:
    """A ranker, an item tower, and a learned residual per known item [n, D]."""

    ranker: Ranker
    tower: ItemTower
    residual: nn.Parameter
    attributes: Tensor  # [n, ATTRIBUTES] hash buckets of the catalogue
    media: dict[str, Tensor] = field(default_factory=dict)  # image, audio -> [n, k] vectors of the catalogue
    neighbours: Neighbours | None = None  # the nearest items of each, made when all else is trained
    without: frozenset[str] = frozenset()  # parts it is trained without: ablation.py

    def matrix(self, text: Tensor, cold_share: float = 0.0) -> Tensor:
        """Item vectors [1 + n, D] of text vectors [n + q, text_size], "none" in front; a share lacks its residual."""
        cold_share = 1.0 if "residual" in self.without else cold_share
        cold = torch.rand(len(self.residual), device=self.residual.device) < cold_share if cold_share else None
        return item_matrix(self.tower, self.residual, text[: len(self.residual)], self.attributes, cold, self.media)

    def queries(self, text: Tensor) -> Tensor | None:
        """Vectors of the queries whose texts stand behind the items', "none" in front [1 + q, D]; None without any."""
        return query_matrix(self.tower, text[len(self.residual) :])

    def near(self, history_rows: Tensor, rows: Tensor | None = None) -> Tensor:
        """How near candidates ``rows`` [B, N] (none: the catalogue) are to histories [B, L] of rows plus one."""
        every = np.arange(len(self.residual))
        asked = [every] * len(history_rows) if rows is None else rows.cpu().numpy()
        pairs = zip(history_rows.cpu().numpy() - 1, asked, strict=True)
        found = np.stack([nearness(self.neighbours, history, candidates) for history, candidates in pairs])
        return torch.from_numpy(found).to(self.residual.device)

    def modules(self) -> nn.ModuleDict:
        return nn.ModuleDict({"ranker": self.ranker, "tower": self.tower})

    def weights(self) -> list[nn.Parameter]:
        return [*self.modules().parameters(), self.residual]

    def to(self, device: torch.device) -> None:
        """Move everything to a device."""
        self.modules().to(device)
        self.residual.data = self.residual.data.to(device)
        self.attributes = self.attributes.to(device)
        self.media = {kind: vectors.to(device) for kind, vectors in self.media.items()}

    @torch.no_grad()
    def follow(self, other: "Recommender", share: float) -> None:
        """Move all weights towards another's by a share: a running average of a training (Polyak, 1992)."""
        for mine, theirs in zip(self.weights(), other.weights(), strict=True):
            mine.lerp_(theirs, share)

    def state(self) -> dict[str, Tensor]:
        """All weights, copied."""
        state = {**self.modules().state_dict(), "residual": self.residual}
        return {name: tensor.detach().clone() for name, tensor in state.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over weights that ``state`` returned."""
        self.modules().load_state_dict({name: tensor for name, tensor in state.items() if name != "residual"})
        with torch.no_grad():
            self.residual.copy_(state["residual"])

    def ranks(self, cases: Sequence[Case], text: Tensor, by_vectors: bool = False) -> list[float]:
        """The place of each case's target in the whole catalogue without what the user has seen."""
        scorer, found = self.scorer(text, by_vectors), list[float]()
        for start in range(0, len(cases), SCORED):
            part = cases[start : start + SCORED]
            found += [rank(row, case.target, case.seen) for row, case in zip(scorer(part), part, strict=True)]
        return found

    @torch.no_grad()
    def scorer(self, text: Tensor, by_vectors: bool = False) -> Callable[[Sequence[Case]], npt.NDArray[Any]]:
        """What scores the catalogue for cases [cases, n], by text vectors [n + q, text_size] and the weights of now.

        ``by_vectors`` leaves out what numbers and lists add.
        """
        self.modules().eval()
        score = self.ranker.by_vectors if by_vectors else self.ranker
        matrix, queries = self.matrix(text), self.queries(text)

        @torch.no_grad()
        def scores(cases: Sequence[Case]) -> npt.NDArray[Any]:
            parts = []
            step = max(1, min(SCORED, PAIRS // len(matrix)))
            for start in range(0, len(cases), step):
                part = cases[start : start + step]
                there = {name: tensor.to(matrix.device) for name, tensor in as_tensors(stacked(part)).items()}
                if self.neighbours is not None and not by_vectors:
                    there["user_item_near"] = self.near(there["history_rows"])
                inputs = fill_vectors(there, matrix, queries=queries)
                inputs["item_vectors"] = matrix[1:].expand(len(part), -1, -1)
                parts.append(score(inputs).cpu().numpy())
            return np.concatenate(parts)

        return scores


def build(
    config: TrainConfig, text_size: int, attributes: Tensor, media: dict[str, Tensor] | None = None
) -> Recommender:
    """An untrained recommender for a catalogue."""
    blend = blend_of(config.head_weights)
    shape = config.layers, config.heads, config.hidden, config.dropout
    ranker = Ranker(*shape, config.scorer, blend, silenced(config.without))
    sizes = {kind: vectors.shape[1] for kind, vectors in (media or {}).items()}
    tower = ItemTower(text_size, sizes, config.media_dropout)
    residual = nn.Parameter(torch.randn(len(attributes), tower.text.out_features) * 0.02)
    return Recommender(ranker, tower, residual, attributes, media or {}, without=parts(config.without))


def stacked(cases: Sequence[Case]) -> Arrays:
    return {
        name: np.stack([(case.user | case.items)[name] for case in cases]) for name in cases[0].user | cases[0].items
    }


def as_tensors(arrays: Arrays) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
