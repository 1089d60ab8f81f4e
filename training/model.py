"""The ranker: a user's history and features, candidates with theirs -> scores.

B batch, L history, D = VECTOR_SIZE, N candidates.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.vocabulary import ACTIONS, ATTRIBUTE_BUCKETS, HALF_LIVES, HISTORY_LENGTH, VECTOR_SIZE
from training.clock import GAP_SCALES, clock_features, time_features
from training.cross import CrossNetwork
from training.history import HistoryEncoder

WINDOWS = tuple(HALF_LIVES)


class Ranker(nn.Module):
    """The named tensors of feature_repo.inputs -> a score per candidate, which no other candidate changes."""

    def __init__(self, layers: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.history = HistoryEncoder(layers, heads, dropout)
        self.attributes = nn.Embedding(ATTRIBUTE_BUCKETS, 16, padding_idx=0)
        counters = len(WINDOWS) * len(ACTIONS)
        context = counters + 1 + 4 + len(GAP_SCALES)
        self.context_size = 32
        self.context = nn.Sequential(nn.Linear(context + 16, self.context_size), nn.GELU())
        self.fuse = nn.Sequential(
            nn.Linear(VECTOR_SIZE + len(GAP_SCALES) + 32, 128), nn.GELU(), nn.Linear(128, VECTOR_SIZE)
        )
        self.scale = nn.Parameter(torch.tensor(0.0))
        self.cross = CrossNetwork(counters + 3 + 1 + len(KERNELS) + 32, hidden, dropout)
        self.kernels = nn.Parameter(torch.tensor(KERNELS))
        nn.init.normal_(self.attributes.weight, std=0.02)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Scores [B, N]."""
        context = self.context_of(inputs)
        state = self.history(inputs["history_vectors"], inputs["history_actions"], inputs["history_gaps"])
        user = self.user_vector(state, inputs["history_gaps"][:, -1], context)
        return self.scores(user, context, inputs)

    def context_of(self, inputs: dict[str, Tensor]) -> Tensor:
        """What is known of the user and the request beside the history: [B, 32]."""
        counters = torch.cat([inputs[f"user_actions_{window}"] for window in WINDOWS], -1)
        numbers = torch.log1p(torch.cat([counters, inputs["user_session_events"]], -1))
        clock = clock_features(inputs["request_hour"], inputs["request_weekday"])
        waited = time_features(inputs["history_gaps"][:, -1])
        attributes = self.attributes(inputs["user_attributes"]).sum(1)
        context: Tensor = self.context(torch.cat([numbers, clock, waited, attributes], -1))
        return context

    def user_vector(self, state: Tensor, waited: Tensor, context: Tensor) -> Tensor:
        """History states [..., D], seconds since [...] and context [..., 32] (zeros: none) -> user vectors [..., D]."""
        fused: Tensor = state + self.fuse(torch.cat([state, time_features(waited), context], -1))
        return fused

    def scores(self, user: Tensor, context: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """User vectors [B, D] and candidates -> [B, N]."""
        candidates = inputs["item_vectors"]
        dot = self.affinity(user, candidates)  # [B, N]
        counters = torch.cat([inputs[f"item_actions_{window}"] for window in WINDOWS], -1)
        others = torch.stack([inputs["item_age_days"] / 30, inputs["item_ctr_7d"], inputs["user_item_affinity"]], -1)
        similar = self.recent_similarity(candidates, inputs)
        users = context[:, None].expand(-1, candidates.shape[1], -1)
        numbers = [torch.log1p(counters), torch.log1p(others), dot[..., None], similar, users]
        scores: Tensor = dot + self.cross(torch.cat(numbers, -1))
        return scores

    def affinity(self, user: Tensor, candidates: Tensor) -> Tensor:
        """Scaled dot products of users [B, D] with their candidates [B, N, D]: [B, N]."""
        return (candidates @ user.unsqueeze(-1)).squeeze(-1) * self.scale.exp()

    def recent_similarity(self, candidates: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        """How near a candidate [B, N, D] is to the last entries, over several spans of the history: [B, N, kernels]."""
        vectors = F.normalize(inputs["history_vectors"], dim=-1, eps=1e-6)
        places = torch.arange(HISTORY_LENGTH - 1, -1, -1, dtype=torch.float32, device=vectors.device)
        weights = torch.exp2(-places[None] / self.kernels.exp()[:, None])  # [kernels, L], 1 for the newest entry
        return F.normalize(candidates, dim=-1, eps=1e-6) @ (weights @ vectors).transpose(1, 2)


KERNELS = [0.0, 1.5, 3.0]  # log of the half-lives, in entries
