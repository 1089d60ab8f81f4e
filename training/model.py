"""The ranker: a user's history and features, candidates with theirs -> scores.

B batch, L history, D = VECTOR_SIZE, N candidates.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from feature_repo.vocabulary import ACTIONS, ATTRIBUTE_BUCKETS, HALF_LIVES, VECTOR_SIZE
from training.calibration import Calibration
from training.clock import GAP_SCALES, clock_features, time_features
from training.cross import CrossNetwork
from training.heads import ActionHeads
from training.history import HistoryEncoder
from training.nearby import Nearby
from training.recency import SPANS, Recency, unit
from training.scorer import Scorer

WINDOWS = tuple(HALF_LIVES)
CLICK_ALONE = {"click": 1.0}


class Ranker(nn.Module):
    """The named tensors of feature_repo.inputs -> a score per candidate, which no other candidate changes."""

    def __init__(
        self,
        layers: int,
        heads: int,
        hidden: int,
        dropout: float,
        scorer: str = "dot",
        blend: Mapping[str, float] = CLICK_ALONE,
        silenced: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self.silenced = silenced  # inputs that read as zero: ablation.py
        self.history = HistoryEncoder(layers, heads, dropout)
        self.attributes = nn.Embedding(ATTRIBUTE_BUCKETS, 16, padding_idx=0)
        self.request = nn.Embedding(ATTRIBUTE_BUCKETS, 16, padding_idx=0)  # of the request's context
        self.query = nn.Linear(VECTOR_SIZE, VECTOR_SIZE, bias=False)
        counters = len(WINDOWS) * len(ACTIONS)
        context = counters + 1 + 4 + len(GAP_SCALES)
        self.context = nn.Sequential(nn.Linear(context + 16 + 16, 32), nn.GELU())
        self.fuse = nn.Sequential(
            nn.Linear(VECTOR_SIZE + len(GAP_SCALES) + 4 + 16 + 16, 128), nn.GELU(), nn.Linear(128, VECTOR_SIZE)
        )
        self.recency = Recency()
        self.scorer = Scorer(scorer, VECTOR_SIZE)
        self.cross = CrossNetwork(counters + 3 + 1 + SPANS + 1 + 32, hidden, dropout)
        self.heads = ActionHeads(self.cross.width, blend)
        self.calibration = Calibration()  # fitted after training; says what probability a score stands for
        self.nearby = Nearby()  # fitted after training
        nn.init.normal_(self.attributes.weight, std=0.02)
        with torch.no_grad():
            self.request.weight.normal_(std=0.02)[0] = 0.0
            self.query.weight.zero_()  # the cross network sees at once how like a candidate is to the query

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Scores [B, N]."""
        return self.scores(*self.asking(inputs), inputs)

    def heard(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The inputs, those that are silenced as zeros."""
        return inputs | {name: torch.zeros_like(inputs[name]) for name in self.silenced & inputs.keys()}

    def asking(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Who asks: user vectors [B, D] and context [B, 32]."""
        inputs = self.heard(inputs)
        context = self.context_of(inputs)
        state = self.history(inputs["history_vectors"], inputs["history_actions"], inputs["history_gaps"])
        moment = self.moment(inputs["request_hour"], inputs["request_weekday"], inputs)[:, -1]
        user = self.user_vector(state, inputs["history_gaps"][:, -1], moment) + self.query(inputs["query_vector"])
        return user, context

    def context_of(self, inputs: dict[str, Tensor]) -> Tensor:
        """What is known of the user and the request beside the history: [B, 32]."""
        counters = torch.cat([inputs[f"user_actions_{window}"] for window in WINDOWS], -1)
        numbers = torch.log1p(torch.cat([counters, inputs["user_session_events"]], -1))
        clock = clock_features(inputs["request_hour"], inputs["request_weekday"])[:, 0]
        waited = time_features(inputs["history_gaps"][:, -1])
        attributes = self.attributes(inputs["user_attributes"]).sum(1)
        request = self.request(inputs["request_context"]).sum(1)
        context: Tensor = self.context(torch.cat([numbers, clock, waited, attributes, request], -1))
        return context

    def moment(self, hour: Tensor, weekday: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """Who asks, and when: hours and weekdays [B, k], ``user_attributes``, ``request_context`` -> [B, k, 36]."""
        clock = clock_features(hour, weekday)
        tables = (self.attributes, inputs["user_attributes"]), (self.request, inputs["request_context"])
        known = torch.cat([table(codes).sum(1) for table, codes in tables], -1)
        return torch.cat([clock, known[:, None].expand(-1, hour.shape[1], -1)], -1)

    def user_vector(self, state: Tensor, waited: Tensor, moment: Tensor) -> Tensor:
        """History states [..., D], seconds since [...] and ``moment`` [..., 36] -> user vectors [..., D]."""
        fused: Tensor = state + self.fuse(torch.cat([state, time_features(waited), moment], -1))
        return fused

    def scores(self, user: Tensor, context: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """User vectors [B, D] and candidates -> [B, N]."""
        own = self.heads.blended(*self.pairs(user, context, inputs))
        scores: Tensor = own + self.nearby(inputs["user_item_near"])
        return scores

    def by_vectors(self, inputs: dict[str, Tensor]) -> Tensor:
        """What the vectors alone say of the candidates, which is most of their scores: [B, N]."""
        return self.affinities(self.asking(inputs)[0], inputs)[0]

    def affinities(self, user: Tensor, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """How candidates suit user vectors [B, D] and newest entries [B, N], and how like these they are [B, N, K]."""
        candidates = inputs["item_vectors"]
        recent = self.recency.newest(inputs["history_vectors"], inputs["history_actions"])
        similar = unit(candidates) @ recent.transpose(1, 2)
        affinity: Tensor = self.scorer(user, candidates) + similar @ self.recency.pull
        return affinity, similar

    def pairs(self, user: Tensor, context: Tensor, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """User vectors [B, D] and candidates -> what the heads read: affinities [B, N] and features [B, N, F]."""
        inputs = self.heard(inputs)
        candidates = inputs["item_vectors"]
        affinity, similar = self.affinities(user, inputs)
        counters = [inputs[f"item_actions_{window}"] for window in WINDOWS]
        others = torch.stack([inputs["item_age_days"] / 30, inputs["item_ctr_7d"], inputs["user_item_affinity"]], -1)
        asked = cosine(candidates, inputs["query_vector"][:, None])
        users = context[:, None].expand(-1, candidates.shape[1], -1)
        numbers = [torch.log1p(torch.cat([*counters, others], -1)), affinity[..., None], similar, asked, users]
        return affinity, self.cross(torch.cat(numbers, -1))


def cosine(candidates: Tensor, others: Tensor) -> Tensor:
    """Of candidates [B, N, D] and other vectors [B, k, D]: [B, N, k], 0 where a vector is zero."""
    return unit(candidates) @ unit(others).transpose(1, 2)
