"""data/snapshots/<id>/ -> labels as tensors, read a block at a time: memory holds the tensors and one block."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.inputs import item_inputs, with_defaults
from feature_repo.vocabulary import HALF_LIVES
from training.columns import scalars, vectors
from training.heads import targets
from training.log import EmptyLog
from training.queries import Queries
from training.samples import Arrays, Catalogue, affinity_slots
from training.user_columns import affinities, user_columns

Array = npt.NDArray[Any]
BLOCK = 8192  # labels


def read_labels(
    snapshot: Path, catalogue: Catalogue, split: str, queries: Queries | None = None
) -> tuple[Arrays, Arrays]:
    """User tensors [n, ...] and candidate tensors [n, N, ...] of one split's labels; ``queries`` meets the labels'.

    N is 1 + negatives + the most that was shown beside one label of the snapshot. The candidates also have ``rows``
    (their place in the catalogue) and ``log_draws``, ``shown`` (True for what the label's request showed and the user
    passed over) and ``candidate_mask`` (False behind the last candidate, where all is zero).
    """
    counts = np.bincount(np.asarray(pq.read_table(snapshot / "candidates.parquet", columns=["label"]).column("label")))
    splits = np.asarray(pc.equal(pq.read_table(snapshot / "labels.parquet", columns=["split"]).column("split"), split))
    users: list[Arrays] = []
    candidates: list[Arrays] = []
    labels = _taken(snapshot / "labels.parquet", [len(part) for part in _blocks(splits)])
    sampled = _taken(snapshot / "candidates.parquet", [int(part.sum()) for part in _blocks(counts)])
    for table, asked, chosen, count in zip(labels, sampled, _blocks(splits), _blocks(counts), strict=True):
        if chosen.any():
            table, asked = table.filter(pa.array(chosen)), asked.filter(pa.array(chosen.repeat(count)))
            now = np.asarray(table.column("decided_at"))
            users.append(user_columns(table, now, catalogue.index, queries) | _targets(table))
            shares = affinities(table, catalogue.codes, affinity_slots(catalogue))
            found = _candidates(asked, catalogue, shares, now, count[chosen])
            candidates.append(_padded(found, count[chosen], int(counts.max())))
    if not users:
        raise EmptyLog(f"{snapshot} has no {split} labels: take a snapshot with more --max-labels or --validation")
    return _stacked(users), _stacked(candidates)


def _blocks(array: Array) -> list[Array]:
    return [array[start : start + BLOCK] for start in range(0, len(array), BLOCK)]


def _taken(path: Path, sizes: Sequence[int]) -> Iterator[pa.Table]:
    """The rows of a file, so many at a time."""
    with pq.ParquetFile(path) as file:
        batches, rest = file.iter_batches(), file.schema_arrow.empty_table()
        for size in sizes:
            while rest.num_rows < size:
                rest = pa.concat_tables([rest, pa.Table.from_batches([next(batches)])])
            yield rest.slice(0, size).combine_chunks()
            rest = rest.slice(size)


def _targets(table: pa.Table) -> Arrays:
    return targets(table.select([name for name in ("action", "value") if name in table.column_names]).to_pylist())


def _candidates(table: pa.Table, catalogue: Catalogue, shares: Array, times: Array, count: Array) -> Arrays:
    """The tensors of all candidates, one after the other."""
    coded = table.column("item_id").combine_chunks().dictionary_encode()
    rows = np.array([catalogue.index[each] for each in coded.dictionary.to_pylist()], np.int64)[
        np.asarray(coded.indices)
    ]
    defaults = with_defaults("item_activity", {})
    names = [f"item_actions_{window}" for window in HALF_LIVES]
    label = np.repeat(np.arange(len(times)), count)
    columns = {name: vectors(table, name, defaults[name]) for name in names}
    columns |= {name: scalars(table, name, defaults[name]) for name in ("item_activity_at", "item_ctr_7d")}
    columns["item_published_at"] = catalogue.published_at[rows]
    columns["item_category_codes"] = catalogue.category_codes[rows] + label[:, None] * shares.shape[1]
    inputs = item_inputs(columns, shares.ravel(), times[label])
    drawn = {"log_draws": scalars(table, "log_draws", 0.0), "shown": scalars(table, "shown", False)}
    return inputs | {"rows": rows} | drawn


def _padded(found: Arrays, count: Array, width: int) -> Arrays:
    """Candidates of labels that have ``count`` [n] each -> [n, width, ...] and ``candidate_mask``."""
    mask = np.arange(width) < count[:, None]
    padded = {name: np.zeros((*mask.shape, *array.shape[1:]), array.dtype) for name, array in found.items()}
    for name, array in found.items():
        padded[name][mask] = array
    return padded | {"candidate_mask": mask}


def _stacked(parts: list[Arrays]) -> Arrays:
    """Blocks one after the other, each let go as soon as it is copied."""
    names = list(parts[0])
    return {name: np.concatenate([part.pop(name) for part in parts]) for name in names}
