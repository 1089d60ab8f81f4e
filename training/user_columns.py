"""Label rows -> the users' tensors, whole columns at a time: what feature_repo.inputs.user_inputs makes of one row.

A test compares the two. Histories hold rows of the catalogue plus one in the place of vectors.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.buckets import attribute_buckets
from feature_repo.context import context_buckets, from_json
from feature_repo.decay import decayed
from feature_repo.inputs import ACTIVITY_TTL_MS, hour_of, weekday_of
from feature_repo.vocabulary import ACTIONS, ATTRIBUTES, HALF_LIVES, HISTORY_LENGTH, SESSION_GAP
from training.columns import right_aligned, scalars, vectors
from training.queries import Queries

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


def user_columns(table: pa.Table, now: Array, index: Mapping[str, int], queries: Queries | None) -> Arrays:
    """The tensors [n, ...] of rows of ``user_profile``, ``user_activity`` and a context, at ``now`` [n] (epoch ms)."""
    at = scalars(table, "user_activity_at", 0)
    alive = now - at <= ACTIVITY_TTL_MS
    at = np.where(alive, at, 0)
    session = np.where(alive & (now - at <= SESSION_GAP), scalars(table, "user_session_events", 0), 0)
    return {
        "user_attributes": user_attributes(table),
        **_histories(table, alive, now, index),
        **_counters(table, alive, at, now),
        "user_session_events": session[:, None].astype(np.float32),
        "request_hour": hour_of(now)[:, None].astype(np.float32),
        "request_weekday": weekday_of(now)[:, None].astype(np.float32),
        **_contexts(table, queries or Queries()),
    }


def _histories(table: pa.Table, alive: Array, now: Array, index: Mapping[str, int]) -> Arrays:
    rows, _ = right_aligned(rows_of(table.column("history_item_ids"), index), HISTORY_LENGTH)
    actions, _ = right_aligned(table.column("history_actions"), HISTORY_LENGTH)
    times, _ = right_aligned(table.column("history_timestamps"), HISTORY_LENGTH)
    held = (actions > 0) & alive[:, None]
    gaps = np.where(held, np.maximum(now[:, None] - times, 0) / 1000, 0.0).astype(np.float32)
    return {"history_rows": rows * held, "history_actions": actions * held, "history_gaps": gaps}


def _counters(table: pa.Table, alive: Array, at: Array, now: Array) -> Arrays:
    found = {}
    for window, half_life in HALF_LIVES.items():
        counts = vectors(table, f"user_actions_{window}", [0.0] * len(ACTIONS), np.float64) * alive[:, None]
        found[f"user_actions_{window}"] = decayed(counts, at, now, half_life).astype(np.float32)
    return found


def _contexts(table: pa.Table, queries: Queries) -> Arrays:
    said = cache(lambda text: (context_buckets(from_json(text)), queries.row(from_json(text))))
    texts = table.column("context").to_pylist() if "context" in table.column_names else [None] * len(table)
    found = [said(text) for text in texts]
    buckets = np.stack([each for each, _ in found]) if found else np.zeros((0, ATTRIBUTES), np.int64)
    return {"request_context": buckets, "query_rows": np.array([row for _, row in found], np.int64)}


def rows_of(item_ids: pa.ChunkedArray, index: Mapping[str, int]) -> pa.Array:
    """A column of lists of item ids -> of lists of their rows in the catalogue plus one, 0 where unknown."""
    lists = item_ids.combine_chunks()
    coded = lists.values.dictionary_encode()
    places = np.array([index.get(each, -1) + 1 for each in coded.dictionary.to_pylist()] or [0], np.int64)
    return pa.ListArray.from_arrays(lists.offsets, pa.array(places[np.asarray(coded.indices.fill_null(0))]))


def user_attributes(table: pa.Table) -> Array:
    """Hash buckets [n, ATTRIBUTES] of the users' attributes."""
    buckets = cache(lambda attributes: attribute_buckets(list(attributes)))
    made = [buckets(tuple(each or ())) for each in table.column("user_attributes").to_pylist()]
    return np.stack(made) if made else np.zeros((0, ATTRIBUTES), np.int64)


def affinities(table: pa.Table, codes: Mapping[str, int], size: int) -> Array:
    """Each user's share of attention per category code [n, size], as feature_repo.inputs.user_affinity tells it."""
    weights, lists = (table.column(f"user_{name}").combine_chunks() for name in ("category_weights", "categories"))
    lengths = np.asarray(lists.value_lengths().fill_null(0))
    users = np.repeat(np.arange(len(lists)), lengths)
    flat = np.asarray(weights.flatten(), np.float64)
    totals = np.bincount(users, flat, len(lists))
    coded = lists.flatten().dictionary_encode()
    known = np.array([codes.get(each, 0) for each in coded.dictionary.to_pylist()] or [0], np.int64)
    slots = users * size + known[np.asarray(coded.indices)]
    parts = np.divide(flat, totals[users], out=np.zeros_like(flat), where=totals[users] > 0)
    shares = np.bincount(slots, parts, len(lists) * size).reshape(-1, size).astype(np.float32)
    shares[:, 0] = 0.0
    return shares
