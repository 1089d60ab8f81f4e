"""item texts -> text vectors, kept for the whole catalogue, and the way back into the language model.

How gradients reach it (GradCache, Gao et al., 2021): the cached vectors are leaves of the training's graph. A step of
the ranker costs one look-up and adds d loss / d vector to the cache. After some hundred steps a refresh encodes each
text that collected a gradient once more, now with a graph, multiplies by what was collected (the chain rule), takes a
step of the encoder's own optimizer and fills the cache anew. Between refreshes the encoder does not move, so this is
the exact gradient of the sum of those steps' losses, at a few passes over the catalogue instead of one per batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.item_tower import mean_pooled
from training.language import restore_weights, trained

BATCH = 64  # texts a pass
Tokens = dict[str, Tensor]


class TextCache:
    """Text vectors [n, text_size] of a catalogue, and the way back into the model they came from.

    ``warmup`` counts the refreshes over which the learning rate rises, ``steps`` the optimizer steps of a refresh, each
    by the gradients of another part of the texts.
    """

    def __init__(
        self,
        tokenizer: Any,
        language: nn.Module,
        texts: Sequence[str],
        tokens: int,
        learning_rate: float,
        warmup: int = 0,
        steps: int = 1,
    ) -> None:
        self.language, self._steps = language, steps
        self.batches = batches(tokenizer, texts, tokens)
        weights = list(trained(language).values())
        self._optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.0) if weights else None
        self._rate, self._warmup, self._refreshes = learning_rate, warmup, 0
        size = int(cast(Any, language).config.hidden_size)
        self.vectors = torch.zeros(len(texts), size, device=_device(language), requires_grad=bool(weights))
        self._fill(tqdm(self.batches, desc="reading texts", leave=False))

    def refresh(self) -> None:
        """Tune the language model by the gradients the cache has collected, then fill the cache anew."""
        gradients, self.vectors.grad = self.vectors.grad, None
        if self._optimizer is None or gradients is None:
            return
        self._refreshes += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * min(1.0, self._refreshes / (self._warmup + 1))
        pulled = gradients.any(1).cpu()
        asked = [part for part in (_only(pulled, *batch) for batch in self.batches) if len(part[0])]
        for start in range(min(self._steps, len(asked))):
            self._step(asked[start :: self._steps], gradients)
        self._fill(tqdm(self.batches, desc="reading texts anew", leave=False))

    def _step(self, asked: list[tuple[Tensor, Tokens]], gradients: Tensor) -> None:
        assert self._optimizer is not None
        self._optimizer.zero_grad()
        for rows, tokens in tqdm(asked, desc="tuning the language model", leave=False):
            encode(self.language, tokens).backward(gradients[rows])  # type: ignore[no-untyped-call]
        weights = [weight for group in self._optimizer.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        self._optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """The cache (``text``) and the trained weights behind it, copied."""
        weights: dict[str, Tensor] = {"text": self.vectors, **trained(self.language)}
        return {name: tensor.detach().clone() for name, tensor in weights.items()}

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what ``state`` returned."""
        self.vectors.copy_(state["text"])
        restore_weights(self.language, {name: tensor for name, tensor in state.items() if name != "text"})

    def checkpoint(self) -> dict[str, Any]:
        """All that a refresh depends on: ``state``, the gradients collected since the last one, the optimizer."""
        optimizer = self._optimizer.state_dict() if self._optimizer else {}
        collected = {"gradients": self.vectors.grad, "optimizer": optimizer, "refreshes": self._refreshes}
        return {**collected, "state": self.state()}

    def resume(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on where ``checkpoint`` was taken."""
        self.restore(checkpoint["state"])
        gradients = checkpoint["gradients"]
        self.vectors.grad = None if gradients is None else gradients.to(self.vectors.device)
        self._refreshes = checkpoint["refreshes"]
        if self._optimizer:
            self._optimizer.load_state_dict(checkpoint["optimizer"])

    @torch.no_grad()
    def _fill(self, batches: Iterable[tuple[Tensor, Tokens]]) -> None:
        for rows, tokens in batches:
            self.vectors[rows] = encode(self.language, tokens)


def encode(language: nn.Module, tokens: Tokens) -> Tensor:
    """Text vectors [n, text_size] of length one, in bfloat16 arithmetic where the device has it."""
    device = _device(language)
    ids, mask = (tokens[name].to(device) for name in ("input_ids", "attention_mask"))
    with torch.autocast(device.type, torch.bfloat16):
        return mean_pooled(language, ids, mask).float()


def tokenized(tokenizer: Any, texts: Sequence[str], tokens: int) -> Tokens:
    """input_ids and attention_mask [n, T] of at most ``tokens`` each."""
    made = tokenizer(list(texts), padding=True, truncation=True, max_length=tokens, return_tensors="pt")
    return {name: made[name] for name in ("input_ids", "attention_mask")}


def batches(tokenizer: Any, texts: Sequence[str], tokens: int) -> list[tuple[Tensor, Tokens]]:
    """Texts of like length together: (rows, tokens) each."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    parts = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    return [(torch.tensor(rows), tokenized(tokenizer, [texts[row] for row in rows], tokens)) for rows in parts]


def _only(pulled: Tensor, rows: Tensor, tokens: Tokens) -> tuple[Tensor, Tokens]:
    """The part of a batch whose rows collected a gradient: the others would add nothing."""
    kept = pulled[rows]
    return rows[kept], {name: tensor[kept] for name, tensor in tokens.items()}


def _device(language: nn.Module) -> torch.device:
    return next(language.parameters()).device
