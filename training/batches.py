"""The tensors of a snapshot -> the batches of an epoch, and the part of a batch that one process takes.

The order of an epoch is that of a seed: every process deals the same batches, and a resumed training the same again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.label_columns import read_labels
from training.queries import Queries
from training.recommender import as_tensors
from training.samples import Catalogue
from training.windows import read_windows

Tensors = dict[str, Tensor]
RUN = 32  # batches whose windows are sorted by length together


@dataclass(frozen=True)
class Batch:
    """What a step learns from."""

    windows: Tensors  # [windows, L] histories, ``fresh`` where an entry is taught
    users: Tensors  # [labels, ...]
    candidates: Tensors  # [labels, 1 + negatives, ...], the positive first

    def taught(self) -> tuple[int, int]:
        """How many history entries and how many labels it teaches."""
        return int(self.windows["fresh"].sum()), len(self.candidates["rows"])

    def part(self, number: int, parts: int) -> "Batch":
        """One of ``parts`` nearly equal parts; where there are fewer rows than parts, some of them are empty."""
        return Batch(*(_part(each, number, parts) for each in (self.windows, self.users, self.candidates)))

    def to(self, device: torch.device) -> "Batch":
        """The same on a device: the one place where the tensors of a step are moved."""
        moved = ({name: tensor.to(device) for name, tensor in each.items()} for each in vars(self).values())
        return Batch(*moved)


@dataclass(frozen=True)
class Data:
    """The tensors of one or more splits."""

    users: Tensors  # [labels, ...]
    candidates: Tensors  # [labels, 1 + negatives, ...]
    windows: Tensors  # [windows, L]

    def __str__(self) -> str:
        return f"{len(self.windows['fresh'])} history windows, {len(self.candidates['rows'])} labels"

    def batches(self, windows: int, labels: int, seed: int = 0, skip: int = 0) -> Iterator[Batch]:
        """Batches until the windows are used up, without the first ``skip``; labels are dealt round and round."""
        return islice(self._batches(windows, labels, torch.Generator().manual_seed(seed)), skip, None)

    def _batches(self, windows: int, labels: int, draw: torch.Generator) -> Iterator[Batch]:
        deck = torch.randperm(len(self.candidates["rows"]), generator=draw)
        hand = torch.arange(min(labels, len(deck)))
        for number, chosen in enumerate(self._dealt(windows, draw)):
            dealt = deck[(hand + number * labels) % len(deck)]
            histories = shuffle_ties(_take(self.windows, chosen), draw)
            yield Batch(histories, _take(self.users, dealt), _take(self.candidates, dealt))

    def _dealt(self, windows: int, draw: torch.Generator) -> list[Tensor]:
        """Every window once, in random batches of like lengths: a batch is computed at the length of its longest."""
        lengths = (self.windows["history_order"] > 0).sum(1)
        order = torch.randperm(len(lengths), generator=draw)
        runs = (run[lengths[run].argsort(stable=True)] for run in torch.split(order, windows * RUN))
        batches = [batch for run in runs for batch in torch.split(run, windows)]
        return [batches[place] for place in torch.randperm(len(batches), generator=draw)]

    def steps(self, windows: int) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self.windows["fresh"]) / windows)


def read_data(snapshot: Path, catalogue: Catalogue, splits: list[str], queries: Queries | None = None) -> Data:
    """The tensors of some splits of a snapshot; their query rows are of ``queries``."""
    labels = [read_labels(snapshot, catalogue, split, queries) for split in splits]
    windows = [read_windows(snapshot, catalogue, split) for split in splits]
    return Data(_joined([users for users, _ in labels]), _joined([items for _, items in labels]), _joined(windows))


def shuffle_ties(windows: Tensors, draw: torch.Generator | None = None) -> Tensors:
    """The entries of windows [n, L], those of one moment in random order.

    Histories break ties by item id. A sequence model would learn that the next item of a moment has the higher id.
    """
    order = torch.rand(windows["history_order"].shape, generator=draw).argsort(1)
    order = order.gather(1, windows["history_order"].gather(1, order).argsort(dim=1, stable=True))
    return {name: each.gather(1, order) if each.shape == order.shape else each for name, each in windows.items()}


def _joined(parts: list[dict[str, Any]]) -> Tensors:
    return as_tensors({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _take(tensors: Tensors, rows: Tensor) -> Tensors:
    return {name: tensor[rows] for name, tensor in tensors.items()}


def _part(tensors: Tensors, number: int, parts: int) -> Tensors:
    return {name: tensor.tensor_split(parts)[number] for name, tensor in tensors.items()}
