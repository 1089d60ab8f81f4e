"""A rank request -> features -> tensors -> scores -> the ranking: the whole path, two neighbours asked once each."""

import asyncio
import time
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.context import Context, query_text, without_query
from feature_repo.inputs import item_affinity, item_state, unexpired, user_affinity, user_inputs
from feature_repo.item_table import ItemTable
from feature_repo.neighbours import Neighbours as ItemNeighbours
from feature_repo.neighbours import nearness
from feature_repo.vocabulary import HISTORY_LENGTH
from serving.catalogue import Candidates
from serving.neighbours import Neighbours
from serving.ranking_log import Answered
from serving.user_features import UserRows
from streaming.events import Id, session_key

Array = npt.NDArray[Any]


class RankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose ranking (a user's or an anonymous session's), of which items, and how many of them to answer."""

    user_id: Id | None = None
    session_id: Id | None = None  # where no user is known
    items: list[str]
    context: dict[str, Any] | None = None  # device, country, surface, referrer, query, free keys
    k: Annotated[int, msgspec.Meta(ge=1)] | None = None

    @property
    def key(self) -> str:
        """The entity of the user features, as in an interaction."""
        return self.user_id or session_key(self.session_id)


class ScoredItem(msgspec.Struct, frozen=True):
    """One place of a ranking; an unknown item has no score."""

    item_id: str
    score: float | None


class Ranking(msgspec.Struct, frozen=True):
    """The answer: items by falling score, then the unknown ones in the caller's order; the first k of these."""

    request_id: str
    model_version: str
    items: list[ScoredItem]
    unknown_items: list[str]
    unavailable_items: list[str]


class Timings(NamedTuple):
    """Seconds spent on each stage of a ranking."""

    features: float = 0.0
    inputs: float = 0.0
    triton: float = 0.0


class Answer(NamedTuple):
    """A ranking, how long its stages took and the row of ``user_activity`` it is based on."""

    ranking: Ranking
    timings: Timings = Timings()
    activity: Mapping[str, Any] = {}
    query_lost: bool = False  # there was one, and the encoder did not answer


async def rank(asked: RankRequest, neighbours: Neighbours, now_ms: int) -> Answer:
    """Rank the items for the user. Raises NoModel, OnlineStoreUnavailable, TritonUnavailable."""
    model = neighbours.model()
    candidates = neighbours.catalogue.candidates(asked.items)
    if not candidates.ids:
        return Answer(ranking(model.model_version, candidates, np.zeros(0), asked.k))
    started = time.perf_counter()
    reading = asyncio.ensure_future(neighbours.users.read(asked.key))
    query = query_text(asked.context)
    encoding = asyncio.ensure_future(neighbours.queries.vector(query, model)) if query else None
    await asyncio.sleep(0)  # the question leaves; the items' tensors are made while the answer is on its way
    items = neighbours.catalogue.table.take(candidates.rows)
    state = item_state(items, now_ms)
    user = await reading
    typed = await encoding if encoding else None
    read = time.perf_counter()
    if neighbours.model() is not model:
        return await rank(asked, neighbours, now_ms)  # another model took over: its vectors are other numbers
    lost = bool(query) and typed is None
    context = without_query(asked.context) if lost else asked.context
    table = neighbours.catalogue.table
    inputs = {**state, **user_tensors(user, items, table, now_ms, context, typed)}
    inputs["user_item_near"] = near(user, candidates.rows, table, now_ms, model.neighbours)
    filled = time.perf_counter()
    scores = await neighbours.ranker.score(inputs, len(candidates.ids), model.triton_version)
    timings = Timings(read - started, filled - read, time.perf_counter() - filled)
    answer = ranking(model.model_version, candidates, scores, asked.k)
    slate = [place.item_id for place in answer.items]
    seen = (asked.key, now_ms, candidates.ids, scores, inputs, user, items, context)
    neighbours.rankings.put(Answered(answer.request_id, model.model_version, slate, *seen))
    return Answer(answer, timings, user.activity, lost)


def user_tensors(
    user: UserRows,
    items: Mapping[str, Array],
    table: ItemTable,
    now_ms: int,
    context: Context = None,
    query: Array | None = None,
) -> dict[str, Array]:
    """The ranker's tensors that depend on the user and the request, and the vectors of these items."""
    activity = unexpired(user.activity, now_ms)  # as Feast's history: an expired row has no affinities either
    affinity = user_affinity(activity, table.category_codes, len(table.category_codes) + 1)
    return {
        **user_inputs(user.profile, user.activity, now_ms, table.vectors, context, query),
        "user_item_affinity": item_affinity(items, affinity),
        "item_vectors": items["item_vectors"],
    }


def near(user: UserRows, rows: Array, table: ItemTable, now_ms: int, neighbours: ItemNeighbours | None) -> Array:
    """How near candidates, by their rows of the table [N], are to the user's history: [N, NEAR]."""
    trained = table.column("item_trained")
    met = table.rows(list(unexpired(user.activity, now_ms).get("history_item_ids") or ())[-HISTORY_LENGTH:])
    return nearness(neighbours, np.where(met >= 0, trained[met], 0) - 1, trained[rows] - 1)


def ranking(model_version: str, candidates: Candidates, scores: Array, k: int | None) -> Ranking:
    """Scores [len(candidates.ids)] -> the answer; equal scores keep the caller's order."""
    order = np.argsort(-scores, kind="stable")[:k]
    rounded = np.round(scores[order].astype(np.float64), 6).tolist()
    ranked = [ScoredItem(candidates.ids[place], score) for place, score in zip(order.tolist(), rounded, strict=True)]
    unscored = [ScoredItem(item_id, None) for item_id in candidates.unknown]
    items = [*ranked, *unscored][:k]
    return Ranking(uuid4().hex, model_version, items, candidates.unknown, candidates.unavailable)
