"""Cases and a catalogue's texts -> what an exported ranker or item encoder makes of them: scores, vectors, NDCG, time.

C cases, n items, D = VECTOR_SIZE. All by ONNX Runtime on one thread, as it is served.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from tokenizers import Tokenizer
from torch import Tensor
from tqdm import tqdm

from training.cases import Case
from training.example_inputs import Array, Arrays
from training.item_tower import fill_vectors
from training.metrics import ndcg, rank
from training.recommender import SCORED, Recommender, as_tensors, stacked
from training.samples import Catalogue

TEXTS = 32  # a call of the item encoder
TIMES = 50  # calls that are timed, after five that are not


@dataclass(frozen=True)
class Trial:
    """What variants are compared on."""

    cases: Sequence[Case]
    catalogue: Catalogue
    recommender: Recommender
    matrix: Tensor  # [1 + n, D] item vectors as they are exported
    queries: Tensor | None  # [1 + q, D]


def scores(opened: Any, trial: Trial, matrix: Tensor, title: str) -> Array:
    """What a ranker's session scores the catalogue for every case, with these item vectors: [C, n]."""
    parts = [trial.cases[start : start + SCORED] for start in range(0, len(trial.cases), SCORED)]
    found = [opened.run(["scores"], _given(opened, _inputs(part, trial, matrix)))[0] for part in tqdm(parts, title)]
    return np.concatenate(found)


def _inputs(part: Sequence[Case], trial: Trial, matrix: Tensor) -> Arrays:
    known = as_tensors(stacked(part))
    if trial.recommender.neighbours is not None:
        known["user_item_near"] = trial.recommender.near(known["history_rows"])
    filled = fill_vectors(known, matrix, queries=trial.queries)
    filled["item_vectors"] = matrix[1:].expand(len(part), -1, -1)
    return {name: tensor.numpy() for name, tensor in filled.items()}


def vectors(opened: Any, trial: Trial, tokenizer: Path, title: str) -> Array:
    """What an item encoder's session makes of the catalogue: [n, D] without residuals."""
    calls = list(texts(trial.catalogue, tokenizer))
    return np.concatenate([opened.run(["item_vector"], _given(opened, call))[0] for call in tqdm(calls, title)])


def texts(catalogue: Catalogue, tokenizer: Path) -> Iterator[Arrays]:
    """The item encoder's inputs for the catalogue, TEXTS items a call, in its order."""
    read = Tokenizer.from_file(str(tokenizer))
    for start in range(0, len(catalogue), TEXTS):
        rows = slice(start, start + TEXTS)
        encoded = read.encode_batch(catalogue.texts[rows])
        yield {
            "input_ids": np.array([each.ids for each in encoded], np.int64),
            "attention_mask": np.array([each.attention_mask for each in encoded], np.int64),
            "item_attributes": catalogue.attributes[rows],
            **{f"item_{kind}": values[rows] for kind, values in catalogue.media.items()},
        }


def with_residual(trial: Trial, found: Array) -> Tensor:
    """Item vectors [1 + n, D] of what an encoder made of the texts [n, D]."""
    return torch.nn.functional.pad(torch.from_numpy(found) + trial.recommender.residual.detach(), (0, 0, 1, 0))


def quality(trial: Trial, found: Array) -> float:
    """NDCG@10 of scores [C, n], each case's seen items left out."""
    places = [rank(row, case.target, case.seen) for row, case in zip(found, trial.cases, strict=True)]
    return float(ndcg(np.array(places)).mean())


def difference(found: Array, expected: Array) -> float:
    """The largest difference, in units of the largest number above one."""
    return float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max())))


def rank_correlation(found: Array, expected: Array) -> float:
    """Spearman's correlation of two scorings [C, n], the mean over cases."""
    return float(np.mean([spearmanr(*pair).statistic for pair in zip(found, expected, strict=True)]))


def milliseconds(opened: Any, inputs: Arrays) -> float:
    """The median time of a call that asks for the first output."""
    output, given, taken = opened.get_outputs()[0].name, _given(opened, inputs), []
    for _ in range(TIMES + 5):
        began = time.perf_counter()
        opened.run([output], given)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[5:]) * 1000)


def _given(opened: Any, inputs: Arrays) -> Arrays:
    return {each.name: inputs[each.name] for each in opened.get_inputs()}
