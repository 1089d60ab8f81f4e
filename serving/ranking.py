"""A rank request -> scores -> the ranking, said and logged: the whole path, two neighbours asked once each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from serving.answer import Ranking, places, ranking
from serving.budget import Budget
from serving.catalogue import Candidates
from serving.neighbours import Neighbours
from serving.ranking_log import Answered
from serving.request import RankRequest
from serving.scoring import Scored, score


class Answer(NamedTuple):
    """A ranking and the row of ``user_activity`` it is based on."""

    ranking: Ranking
    activity: Mapping[str, Any] = {}


async def rank(asked: RankRequest, neighbours: Neighbours, now_ms: int, budget: Budget) -> Answer:
    """Rank the items for the user. Raises NoModel, OnlineStoreUnavailable, TritonUnavailable."""
    model = neighbours.model()
    candidates = neighbours.catalogue.candidates(_wanted(asked))
    if not candidates.ids:
        items = places(candidates, candidates.rows, asked.k, asked.offset)
        return Answer(ranking(model.model_version, items, {"total": budget.spent()}, (), candidates))
    scored = await score(asked.key, candidates, neighbours, now_ms, asked.context, budget)
    items = places(candidates, scored.scores, asked.k, asked.offset)
    took_ms = scored.took_ms | {"total": budget.spent()}
    answer = ranking(scored.model.model_version, items, took_ms, scored.degraded, candidates)
    log(neighbours, answer, asked.key, now_ms, candidates, scored)
    return Answer(answer, scored.user.activity)


def log(neighbours: Neighbours, answer: Ranking, key: str, now_ms: int, candidates: Candidates, scored: Scored) -> None:
    """Have an answer logged; it returns at once."""
    slate = [place.item_id for place in answer.items]
    seen = (key, now_ms, candidates.ids, scored.scores, scored.inputs, scored.user, scored.items, scored.context)
    neighbours.rankings.put(Answered(answer.request_id, answer.model_version, slate, *seen))


def _wanted(asked: RankRequest) -> list[str]:
    if not asked.exclude:
        return asked.items
    excluded = frozenset(asked.exclude)
    return [item_id for item_id in asked.items if item_id not in excluded]
