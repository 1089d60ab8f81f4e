"""pairs of items that users met shortly after each other -> a language model that puts their texts close together.

Backpropagation through the encoder itself, in bfloat16 where the device has it. Each anchor has to tell the item that
came next from all the other texts of its step (InfoNCE, van den Oord et al., 2018). Those come as often as they are
popular, so the log of the chance that they came is subtracted (logQ, Yi et al., 2019), and items of the same history or
known to follow the anchor elsewhere are no negatives. A step takes whole stretches of histories: an encoded text is
anchor and target of several pairs, which makes an epoch about three times cheaper than pairs drawn one by one.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from training.language import EncoderMissing, trained
from training.text_cache import BATCH, Tokens, encode, tokenized

Rows = npt.NDArray[np.int64]
TEMPERATURE = 0.05
STRETCH = 16  # neighbouring pairs that are drawn together
WARMUP = 0.1  # share of the steps over which the learning rate rises; then it falls to zero


class Batch(NamedTuple):
    """The pairs of a step."""

    items: Rows  # [m] rows of the catalogue, sorted, each once
    anchors: Rows  # [p] places among ``items``
    targets: Rows  # [p]
    stretches: Rows  # [p] which stretch of history a pair is of


def neighbours(windows: Mapping[str, npt.NDArray[Any]], distance: int) -> Rows:
    """History windows (windows.read_windows) -> [n, 2] rows of the catalogue: an item and a fresh one soon after it.

    ``distance`` is how many events apart they may be. Neighbouring pairs are of one history.
    """
    rows, found = windows["history_rows"], []
    for apart in range(1, distance + 1):
        before, after = rows[:, :-apart], rows[:, apart:]
        window, place = np.nonzero((before > 0) & (before != after) & windows["fresh"][:, apart:])
        found.append(np.stack([window, place + apart, before[window, place], after[window, place]]))
    made = np.concatenate(found, 1)
    pairs: Rows = made[2:, np.lexsort((made[1], made[0]))].T - 1
    return pairs


def tune(
    tokenizer: Any,
    language: nn.Module,
    texts: Sequence[str],
    pairs: Rows,
    steps: int,
    batch: int,
    tokens: int,
    learning_rate: float,
    seed: int,
) -> list[float]:
    """Tune what learns of the language model on ``pairs`` [n, 2] of rows of ``texts``; returns the loss of each step.

    ``batch`` is texts a step (about 2 MB of memory each for a small language model), ``tokens`` what is read of a text.
    Raises EncoderMissing where nothing of the language model learns or there are no pairs.
    """
    weights = list(trained(language).values())
    if not weights:
        raise EncoderMissing("encoder_pretrain_steps needs an encoder that learns: set encoder_tuning or no steps")
    if not len(pairs):
        raise EncoderMissing("no two items follow each other in a history: encoder_pretrain_steps has nothing to teach")
    optimizer = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.01)
    pace = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, steps))
    read = {name: tensor.to(weights[0].device) for name, tensor in tokenized(tokenizer, texts, tokens).items()}
    known = _Known(pairs, len(texts))
    losses, began = [], time.monotonic()
    bar = tqdm(_batches(pairs, steps, batch, seed), "tuning the encoder on pairs", steps, unit="step", leave=False)
    for drawn in bar:
        loss = info_nce(_vectors(language, read, drawn.items), drawn, known)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        pace.step()
        losses.append(loss.item())
        bar.set_postfix(loss=f"{np.mean(losses[-20:]):.3f}")
    first, last = np.mean(losses[:20]), np.mean(losses[-20:])
    print(f"encoder tuned on pairs: {steps} steps, {time.monotonic() - began:.0f} s, loss {first:.3f} -> {last:.3f}")
    return losses


class _Known:
    """Which item follows which, and how often an item is among the texts of a step."""

    def __init__(self, pairs: Rows, size: int) -> None:
        self._size, self._codes = size, np.unique(pairs[:, 0] * size + pairs[:, 1])
        self._share = np.bincount(pairs.ravel(), minlength=size) / pairs.size

    def follows(self, anchors: Rows, items: Rows) -> Tensor:
        """[p, m]: whether an item is known to follow an anchor, or is the anchor itself."""
        asked = anchors[:, None] * self._size + items[None]
        place = np.searchsorted(self._codes, asked).clip(max=len(self._codes) - 1)
        return torch.from_numpy((self._codes[place] == asked) | (anchors[:, None] == items[None]))

    def log_chance(self, items: Rows) -> Tensor:
        """[m]: the log of the chance to be among the texts of a step of this size."""
        return torch.from_numpy(np.log(-np.expm1(-self._share[items] * len(items)))).float()


def info_nce(vectors: Tensor, drawn: Batch, known: "_Known") -> Tensor:
    """The loss of a step; ``vectors`` [m, d] are those of ``drawn.items``."""
    device, targets = vectors.device, torch.from_numpy(drawn.targets)
    logits = vectors[drawn.anchors] @ vectors.T / TEMPERATURE - known.log_chance(drawn.items).to(device)
    of_stretch = torch.zeros(int(drawn.stretches.max()) + 1, len(vectors), dtype=torch.bool)
    of_stretch[drawn.stretches, drawn.anchors] = True
    of_stretch[drawn.stretches, drawn.targets] = True
    hidden = of_stretch[drawn.stretches] | known.follows(drawn.items[drawn.anchors], drawn.items)
    hidden = hidden.scatter(1, targets[:, None], False)
    return F.cross_entropy(logits.masked_fill(hidden.to(device), -1e4), targets.to(device))


def _batches(pairs: Rows, steps: int, size: int, seed: int) -> Iterator[Batch]:
    """Stretches of pairs in random order, round and round, ``size`` distinct items a step."""
    draw, starts = np.random.default_rng(seed), np.zeros(0, np.int64)
    for _ in range(steps):
        chosen, met = list[Rows](), set[int]()
        while len(met) < size and len(chosen) < size:
            if not len(starts):
                starts = draw.permutation(np.arange(0, len(pairs), STRETCH))
            chosen.append(pairs[starts[0] : starts[0] + STRETCH])
            starts = starts[1:]
            met.update(chosen[-1].ravel().tolist())
        items, places = np.unique(np.concatenate(chosen), return_inverse=True)
        anchors, targets = places.reshape(-1, 2).T
        yield Batch(items, anchors, targets, np.repeat(np.arange(len(chosen)), [len(part) for part in chosen]))


def _vectors(language: nn.Module, read: Tokens, items: Rows) -> Tensor:
    """Vectors [m, d] of texts, encoded with those of like length."""
    rows = torch.from_numpy(items)
    lengths = read["attention_mask"][rows].sum(1)
    order = lengths.argsort()
    parts = [
        encode(language, {name: tensor[rows[some], : int(lengths[some].max())] for name, tensor in read.items()})
        for some in torch.split(order, BATCH)
    ]
    return torch.cat(parts)[order.argsort()]


def _pace(step: int, steps: int) -> float:
    return min((step + 1) / (WARMUP * steps + 1), (steps - step) / steps)
