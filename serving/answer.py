"""Scores -> the answer of a ranking: its page of items, what could not be ranked and what did not work as it should."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import numpy.typing as npt

from serving.catalogue import Candidates

Array = npt.NDArray[Any]


class ScoredItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place of a ranking; an unknown item has no score."""

    item_id: str
    score: float | None
    source: str | None = None  # where a candidate of ours came from
    explanation: dict[str, Any] | None = None


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """Items by falling score, then the unknown ones in the caller's order; one page of these."""

    request_id: str
    model_version: str
    degraded: list[str]  # what did not work as it should; empty when all is well
    took_ms: dict[str, float]  # by stage, and in total
    items: list[ScoredItem]
    unknown_items: list[str] = []
    unavailable_items: list[str] = []


def places(candidates: Candidates, scores: Array, k: int | None, offset: int = 0) -> list[ScoredItem]:
    """Scores [len(candidates.ids)] -> one page of the ranking; equal scores keep the caller's order."""
    end = None if k is None else offset + k
    order = np.argsort(-scores, kind="stable")[offset:end]
    rounded = np.round(scores[order].astype(np.float64), 6).tolist()
    ids = candidates.ids
    ranked = [ScoredItem(ids[place], score) for place, score in zip(order.tolist(), rounded, strict=True)]
    if not candidates.unknown:
        return ranked
    skipped = max(0, offset - len(ids))
    unscored = [ScoredItem(item_id, None) for item_id in candidates.unknown[skipped:]]
    return [*ranked, *unscored][:k]


def ranking(
    model_version: str,
    items: list[ScoredItem],
    took_ms: dict[str, float],
    degraded: Sequence[str] = (),
    candidates: Candidates | None = None,
) -> Ranking:
    """The answer, with an id of its own."""
    return Ranking(
        request_id=uuid4().hex,
        model_version=model_version,
        degraded=list(degraded),
        took_ms={stage: round(took, 3) for stage, took in took_ms.items()},
        items=items,
        unknown_items=candidates.unknown if candidates else [],
        unavailable_items=candidates.unavailable if candidates else [],
    )
