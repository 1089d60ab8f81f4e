"""The whole model: item text and attributes -> item vectors; histories and features -> scores.

B batch, L history, D = VECTOR_SIZE, N candidates, T tokens. The ranker never sees an id: an item that was never trained
ranks by the vector of its text.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from feature_repo.vocabulary import ACTIONS, ATTRIBUTE_BUCKETS, HALF_LIVES, HISTORY_LENGTH, VECTOR_SIZE

WINDOWS = tuple(HALF_LIVES)
NEVER = -1e9


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


class Block(nn.Module):
    """One causal transformer block; a learned bias per distance stands for the position."""

    gap: Tensor
    future: Tensor
    itself: Tensor

    def __init__(self, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(VECTOR_SIZE), nn.LayerNorm(VECTOR_SIZE)
        self.query, self.key_value = nn.Linear(VECTOR_SIZE, VECTOR_SIZE), nn.Linear(VECTOR_SIZE, 2 * VECTOR_SIZE)
        self.out = nn.Linear(VECTOR_SIZE, VECTOR_SIZE)
        self.up, self.down = nn.Linear(VECTOR_SIZE, 4 * VECTOR_SIZE), nn.Linear(4 * VECTOR_SIZE, VECTOR_SIZE)
        self.distance = nn.Parameter(torch.zeros(heads, HISTORY_LENGTH))
        self.drop = nn.Dropout(dropout)
        places = torch.arange(HISTORY_LENGTH)
        self.register_buffer("gap", (places[:, None] - places[None]).clamp(min=0), persistent=False)
        self.register_buffer("future", places[None] > places[:, None], persistent=False)
        self.register_buffer("itself", torch.eye(HISTORY_LENGTH, dtype=torch.bool), persistent=False)

    def forward(self, states: Tensor, padding: Tensor, last_only: bool) -> Tensor:
        """``states`` [B, L, D] -> the same, or [B, 1, D] for the newest entry; ``padding`` [B, L] is not attended."""
        batch = states.shape[0]
        start = HISTORY_LENGTH - 1 if last_only else 0
        normed = self.before(states)
        query = self.query(normed[:, start:]).view(batch, -1, self.heads, VECTOR_SIZE // self.heads).transpose(1, 2)
        key, value = self.key_value(normed).view(batch, -1, 2, self.heads, VECTOR_SIZE // self.heads).unbind(2)
        scores = query @ key.permute(0, 2, 3, 1) * (VECTOR_SIZE // self.heads) ** -0.5  # [B, heads, queries, L]
        scores = scores + self.distance[:, self.gap[start:]]
        # An entry always sees itself: an empty history has something to attend to, and no row of the softmax is empty.
        hidden = (self.future[start:] | padding[:, None, :]) & ~self.itself[start:]  # [B, queries, L]
        weights = scores.masked_fill(hidden[:, None], NEVER).softmax(-1)
        mixed = (weights @ value.transpose(1, 2)).transpose(1, 2).reshape(batch, -1, VECTOR_SIZE)
        states = states[:, start:] + self.drop(self.out(mixed))
        states = states + self.drop(self.down(F.gelu(self.up(self.between(states)))))
        return states


class HistoryEncoder(nn.Module):
    """What a user did, right-aligned -> where the user stands after each entry."""

    def __init__(self, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.actions = nn.Embedding(len(ACTIONS) + 1, VECTOR_SIZE)
        self.gaps = nn.Linear(len(GAP_SCALES), VECTOR_SIZE)
        self.blocks = nn.ModuleList(Block(heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(VECTOR_SIZE)
        self.drop = nn.Dropout(dropout)
        nn.init.normal_(self.actions.weight, std=0.02)

    def forward(self, vectors: Tensor, actions: Tensor, gaps: Tensor, last_only: bool = True) -> Tensor:
        """[B, L, D], [B, L], [B, L] seconds before now -> [B, D] for the newest entry, or [B, L, D]."""
        since = (F.pad(gaps[:, :-1], (1, 0)) - gaps).clamp(min=0)  # seconds after the entry before
        states = self.drop(vectors + self.actions(actions) + self.gaps(time_features(since)))
        padding = actions == 0
        for number, block in enumerate(self.blocks, start=1):
            states = block(states, padding, last_only and number == len(self.blocks))
        normed: Tensor = self.norm(states)
        return normed[:, -1] if last_only else normed


GAP_SCALES = (1.0, 60.0, 3_600.0, 86_400.0, 604_800.0)  # seconds


def time_features(seconds: Tensor) -> Tensor:
    """Times [...] on logarithmic scales [..., len(GAP_SCALES)]."""
    return torch.stack([torch.log1p(seconds / scale) for scale in GAP_SCALES], -1) * 0.2


def clock_features(hour: Tensor, weekday: Tensor) -> Tensor:
    """[B, 1] each -> [B, 4] on two circles."""
    angles = torch.cat([hour / 24, weekday / 7], -1) * (2 * torch.pi)
    return torch.cat([angles.sin(), angles.cos()], -1)


class CrossNetwork(nn.Module):
    """Two cross layers beside a small perceptron over one candidate's numbers (DCN-v2, Wang et al., 2021)."""

    def __init__(self, size: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.crosses = nn.ModuleList(nn.Linear(size, size) for _ in range(2))
        self.deep = nn.Sequential(
            nn.Linear(size, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, hidden // 2), nn.GELU()
        )
        self.top = nn.Linear(size + hidden // 2, 1)
        nn.init.zeros_(self.top.weight)
        nn.init.zeros_(self.top.bias)

    def forward(self, numbers: Tensor) -> Tensor:
        """[B, N, size] -> [B, N]."""
        crossed = numbers
        for cross in self.crosses:
            crossed = numbers * cross(crossed) + crossed
        scores: Tensor = self.top(torch.cat([crossed, self.deep(numbers)], -1)).squeeze(-1)
        return scores


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


def item_matrix(tower: ItemTower, residual: Tensor, text: Tensor, attributes: Tensor, cold: Tensor | None) -> Tensor:
    """Vectors of the catalogue after a row of zeros [1 + n, D]; ``cold`` [n] marks items without their residual."""
    learned = residual if cold is None else residual.masked_fill(cold[:, None], 0.0)
    return F.pad(tower(text, attributes) + learned, (0, 0, 1, 0))


def fill_vectors(inputs: dict[str, Tensor], matrix: Tensor, rows: Tensor | None = None) -> dict[str, Tensor]:
    """``history_rows`` -> ``history_vectors`` and ``rows`` -> ``item_vectors``, looked up in ``item_matrix``."""
    filled = {name: tensor for name, tensor in inputs.items() if name not in ("history_rows", "rows", "log_draws")}
    filled["history_vectors"] = matrix[inputs["history_rows"]]
    if rows is not None:
        filled["item_vectors"] = matrix[rows + 1]
    return filled
