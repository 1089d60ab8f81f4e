"""Feature rows + a request -> the named tensors of the ranker, by one path for training, evaluation and serving.

``tensors()`` derives names and shapes from ``ranking_v1``; ``user_inputs`` and ``item_inputs`` fill them. Counters are
read at the time of the request (decay.py); what is missing or older than its view's TTL reads as the field's default.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from feature_repo.buckets import attribute_buckets
from feature_repo.context import Context, context_buckets
from feature_repo.decay import fading
from feature_repo.features import ACTIVITY_TTL, MODEL_TENSORS, REQUEST_TENSORS, VIEWS, ranking_v1
from feature_repo.vocabulary import HALF_LIVES, HISTORY_LENGTH, SESSION_GAP, VECTOR_SIZE

Array = npt.NDArray[Any]
ACTIVITY_TTL_MS = int(ACTIVITY_TTL.total_seconds() * 1000)
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
_HALF_LIVES = np.array(list(HALF_LIVES.values()), np.float64)
_COUNTERS = {scope: [f"{scope}_actions_{window}" for window in HALF_LIVES] for scope in ("user", "item")}
_NO_QUERY = np.zeros(VECTOR_SIZE, np.float32)
_NO_HISTORY: dict[str, Array] = {
    "history_vectors": np.zeros((HISTORY_LENGTH, VECTOR_SIZE), np.float32),
    "history_actions": np.zeros(HISTORY_LENGTH, np.int64),
    "history_gaps": np.zeros(HISTORY_LENGTH, np.float32),
}
for _shared in (_NO_QUERY, *_NO_HISTORY.values()):
    _shared.flags.writeable = False  # many requests share it


class Tensor(NamedTuple):
    """One input of the ranker; ``shape`` leaves the batch out, "N" stands for the candidates."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@cache
def tensors() -> tuple[Tensor, ...]:
    """The ranker's inputs by name: those of ``ranking_v1``, the request's own and those of the model's lists."""
    fields = [field for view in ranking_v1.feature_view_projections for field in view.features]
    featured = (
        Tensor(field.tags["tensor"], tuple(json.loads(field.tags["shape"])), field.tags["type"])
        for field in fields
        if "tensor" in field.tags
    )
    others = REQUEST_TENSORS | MODEL_TENSORS
    return tuple(sorted((*featured, *(Tensor(name, *contract) for name, contract in others.items()))))


@cache
def asking_tensors() -> tuple[Tensor, ...]:
    """Those of ``tensors()`` that say who asks and when, which ``user_inputs`` fills: the user encoder's inputs."""
    return tuple(tensor for tensor in tensors() if "N" not in tensor.shape)


@cache
def feature_names(view: str) -> tuple[str, ...]:
    """The features of one view that ``ranking_v1`` reads."""
    projections = {projection.name: projection for projection in ranking_v1.feature_view_projections}
    return tuple(sorted(field.name for field in projections[view].features))


@cache
def _defaults(view: str) -> Mapping[str, Any]:
    fields = next(each.features for each in VIEWS if each.name == view)
    return {field.name: json.loads(field.tags["default"]) for field in fields}


def with_defaults(view: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every missing value replaced by its field's default."""
    return {name: default if row.get(name) is None else row[name] for name, default in _defaults(view).items()}


def expired(at_ms: int, now_ms: int) -> bool:
    """Whether activity last written at ``at_ms`` is past its TTL (Feast checks this offline, but not online)."""
    return now_ms - at_ms > ACTIVITY_TTL_MS


def unexpired(activity: Mapping[str, Any], now_ms: int) -> Mapping[str, Any]:
    """A row of ``user_activity``, or nothing where there is none or it is past its TTL."""
    return {} if expired(int(activity.get("user_activity_at") or 0), now_ms) else activity


def hour_of(at_ms: Any) -> Any:
    """The hour of the day in UTC, 0 to 23, of one time or of an array of them."""
    return at_ms // HOUR_MS % 24


def weekday_of(at_ms: Any) -> Any:
    """The day of the week in UTC, 0 is Monday; the epoch began on a Thursday."""
    return (at_ms // DAY_MS + 3) % 7


def item_attribute_buckets(categories: Sequence[str], attributes: Sequence[str]) -> Array:
    """What the item encoder reads beside the text: categories first, then the other attributes."""
    return attribute_buckets([*(f"category={category}" for category in categories), *attributes])


def user_inputs(
    profile: Mapping[str, Any],
    activity: Mapping[str, Any],
    now_ms: int,
    vectors: Callable[[Sequence[str]], Array],
    context: Context = None,
    query: Array | None = None,
) -> dict[str, Array]:
    """The user's and the request's tensors, without a batch dimension.

    ``profile`` and ``activity`` are rows of the views ``user_profile`` and ``user_activity``, empty for an unknown
    user; ``vectors`` looks item ids up: k ids -> [k, VECTOR_SIZE], zeros where unknown. Histories are aligned right:
    the newest interaction is last, padding (action 0) comes first. ``query`` [VECTOR_SIZE] is the vector of the
    context's query (context.py), zeros without.
    """
    row = with_defaults("user_profile", profile) | with_defaults("user_activity", unexpired(activity, now_ms))
    at = int(row["user_activity_at"])
    live = now_ms - at <= SESSION_GAP
    return {
        "user_attributes": attribute_buckets(list(row["user_attributes"])),
        **_history(row, now_ms, vectors),
        **_user_counters(row, at, now_ms),
        "user_session_events": np.array([row["user_session_events"] if live else 0], np.float32),
        "request_hour": np.array([hour_of(now_ms)], np.float32),
        "request_weekday": np.array([weekday_of(now_ms)], np.float32),
        "request_context": context_buckets(context),
        "query_vector": _NO_QUERY if query is None else query,
    }


def _history(row: Mapping[str, Any], now_ms: int, vectors: Callable[[Sequence[str]], Array]) -> dict[str, Array]:
    item_ids = list(row["history_item_ids"])[-HISTORY_LENGTH:]
    if not item_ids:
        return _NO_HISTORY
    timestamps = np.asarray(row["history_timestamps"], np.int64)[-HISTORY_LENGTH:]
    return {
        "history_vectors": _at_the_end(np.asarray(vectors(item_ids), np.float32)),
        "history_actions": _at_the_end(np.asarray(row["history_actions"], np.int64)[-HISTORY_LENGTH:]),
        "history_gaps": _at_the_end((np.maximum(now_ms - timestamps, 0) / 1000).astype(np.float32)),
    }


def _at_the_end(entries: Array) -> Array:
    """Entries [h, ...] behind zeros: [HISTORY_LENGTH, ...]."""
    if len(entries) == HISTORY_LENGTH:
        return entries
    padded = np.zeros((HISTORY_LENGTH, *entries.shape[1:]), entries.dtype)
    padded[HISTORY_LENGTH - len(entries) :] = entries
    return padded


def _user_counters(row: Mapping[str, Any], at_ms: int, now_ms: int) -> dict[str, Array]:
    counted = np.array([row[name] for name in _COUNTERS["user"]], np.float64)  # [windows, actions]
    left = (counted * fading(at_ms, now_ms, _HALF_LIVES)[:, None]).astype(np.float32)
    return dict(zip(_COUNTERS["user"], left, strict=True))


def _item_counters(rows: Mapping[str, Array], at_ms: Array, now_ms: Any) -> dict[str, Array]:
    left = fading(at_ms, now_ms, _HALF_LIVES)[..., None]
    if "item_actions" in rows:  # all windows at once
        counted = (rows["item_actions"] * left).astype(np.float32)
        return {name: counted[:, place] for place, name in enumerate(_COUNTERS["item"])}
    return {
        name: (np.asarray(rows[name], np.float64) * left[..., place, :]).astype(np.float32)
        for place, name in enumerate(_COUNTERS["item"])
    }


def item_inputs(items: Mapping[str, Array], affinity: Array, now_ms: Any) -> dict[str, Array]:
    """The candidates' tensors but for their vectors, without a batch dimension.

    ``items`` holds columns of the views ``item_content`` and ``item_activity`` for N candidates (counters [N, actions]
    by window, or ``item_actions`` [N, windows, actions]) and ``item_category_codes`` [N, k]; ``affinity`` [codes] is
    what ``user_affinity`` returned; ``now_ms`` is one time or N.
    """
    return {**item_state(items, now_ms), "user_item_affinity": item_affinity(items, affinity)}


def item_state(items: Mapping[str, Array], now_ms: Any) -> dict[str, Array]:
    """The tensors of ``item_inputs`` that are the same for every user."""
    at = np.where(np.asarray(now_ms) - items["item_activity_at"] > ACTIVITY_TTL_MS, 0, items["item_activity_at"])
    known, published = at > 0, items["item_published_at"]
    default_ctr = _defaults("item_activity")["item_ctr_7d"]
    age = np.where(published != 0, np.maximum(now_ms - published, 0) / DAY_MS, 0.0)
    return {
        **_item_counters(items, at, now_ms),
        "item_ctr_7d": np.where(known, items["item_ctr_7d"], default_ctr).astype(np.float32),
        "item_age_days": age.astype(np.float32),
    }


def item_affinity(items: Mapping[str, Array], affinity: Array) -> Array:
    """The user's share of attention for each candidate's categories, [N]."""
    return np.asarray(np.add.reduce(affinity.take(items["item_category_codes"]), -1), np.float32)


def user_affinity(activity: Mapping[str, Any], codes: Mapping[str, int], size: int) -> Array:
    """A user's share of attention per category code, [size]; code 0 (no category) has none.

    The shares of a user who was never seen are zero; the common decay of all weights cancels.
    """
    shares, weights = np.zeros(size, np.float32), activity.get("user_category_weights", ())
    total = sum(weights)
    if total > 0:
        for category, weight in zip(activity["user_categories"], weights, strict=True):  # a handful
            shares[codes.get(category, 0)] += weight / total
        shares[0] = 0.0
    return shares
