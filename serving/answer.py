"""Scores -> the answer of a ranking: its page of items, what could not be ranked and what did not work as it should."""

from collections.abc import Sequence
from secrets import token_hex
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from serving.catalogue import Candidates
from serving.explain.explanation import Explanation
from serving.slate.run import Change

Array = npt.NDArray[Any]


class ScoredItem(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One place of a ranking; an unknown item has no score."""

    item_id: str
    score: float | None
    source: str | None = None  # where a candidate of ours came from
    explanation: Explanation | None = None  # where it was asked for


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """Items by falling score, then the unknown ones in the caller's order; one page of these."""

    request_id: str
    model_version: str
    degraded: list[str]  # what did not work as it should; empty when all is well
    took_ms: dict[str, float]  # by stage, and in total
    items: list[ScoredItem]
    unknown_items: list[str] = []
    unavailable_items: list[str] = []
    stages: list[Change] | msgspec.UnsetType = msgspec.UNSET  # of a dry run: what each of them changed


def places(
    candidates: Candidates,
    scores: Array,
    order: Array,
    k: int | None,
    offset: int = 0,
    sources: Sequence[str] | None = None,
    unscored: bool = False,
) -> list[ScoredItem]:
    """Scores [len(candidates.ids)], the order of what is left -> one page; ``unscored`` lets unknown items follow."""
    shown = order[offset : None if k is None else offset + k]
    at, rounded = shown.tolist(), scores.take(shown).astype(np.float64).round(6).tolist()
    ids = map(candidates.ids.__getitem__, at)
    if sources:
        return list(map(ScoredItem, ids, rounded, map(sources.__getitem__, at)))
    ranked = list(map(ScoredItem, ids, rounded))
    if not unscored or not candidates.unknown:
        return ranked
    skipped = max(0, offset - len(order))
    return [*ranked, *(ScoredItem(item_id, None) for item_id in candidates.unknown[skipped:])][:k]


def ranking(
    model_version: str,
    items: list[ScoredItem],
    took_ms: dict[str, float],
    degraded: Sequence[str] = (),
    candidates: Candidates | None = None,
    changes: list[Change] | None = None,
) -> Ranking:
    """The answer, with an id of its own."""
    return Ranking(
        request_id=token_hex(16),
        model_version=model_version,
        degraded=list(degraded),
        took_ms={stage: round(took, 3) for stage, took in took_ms.items()},
        items=items,
        unknown_items=candidates.unknown if candidates else [],
        unavailable_items=candidates.unavailable if candidates else [],
        stages=msgspec.UNSET if changes is None else changes,
    )
