"""An answered page -> the same with reasons: one batch through Triton for all of its items together."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.item_table import ItemTable
from feature_repo.neighbours import Sought
from serving.answer import ScoredItem
from serving.budget import Budget
from serving.candidates.new import LATELY
from serving.candidates.popular import demand
from serving.candidates.trending import COLUMNS, LEAST, surprise
from serving.catalogue import Candidates
from serving.explain.added import Added, ask
from serving.explain.explanation import Explanation
from serving.explain.influences import Past, features, influences, past
from serving.explain.parts import batch
from serving.explain.sentence import Facts, sentence
from serving.explain.stage_moves import StageMoves, stage_moves
from serving.known_user import iso
from serving.neighbours import Neighbours
from serving.scoring import Scored
from serving.slate.run import Change
from serving.tensors import near, seek

Array = npt.NDArray[Any]
MOST = 50  # items of a page that get reasons, the best ones
UNEXPLAINED = "explain: no contributions"


class Explained(NamedTuple):
    """A page with reasons, what did not work, and the time of the stage."""

    items: list[ScoredItem]
    degraded: tuple[str, ...]
    took_ms: dict[str, float]


class Page(NamedTuple):
    """The n items that are explained."""

    items: Sequence[ScoredItem]
    picks: Array  # [n] their places among the candidates
    rows: Array  # [n] of the item table


async def explain(
    answered: Sequence[ScoredItem],
    scored: Scored,
    candidates: Candidates,
    neighbours: Neighbours,
    now_ms: int,
    budget: Budget,
    changes: Sequence[Change] = (),
) -> Explained:
    """Give the first items of a page their reasons; one without a score has none.

    Where Triton does not answer in what is left of the budget, they are those that need no model.
    """
    page, started = explained(answered, candidates), time.perf_counter()
    if not page.items:
        return Explained(list(answered), (), {})
    model, table, met = scored.model, neighbours.catalogue.table, past(scored.user.activity, now_ms)
    sought = seek(page.rows, table, model.neighbours)
    near_without = partial(near_to_kept, table.rows(met.item_ids), sought, len(page.rows), table)
    asked = batch(scored.inputs, page.picks, met.item_ids, near_without)
    own = model is neighbours.model() and not any(what.startswith(("triton", "model")) for what in scored.degraded)
    found = await ask(asked, model.triton_version, neighbours, budget) if own else None  # of the ranker's own scores
    told = explanations(page, met, found, scored, table, now_ms, stage_moves(changes))
    reasons = {each.item_id: why for each, why in zip(page.items, told, strict=True)}
    items = [msgspec.structs.replace(each, explanation=reasons.get(each.item_id)) for each in answered]
    return Explained(items, () if found else (UNEXPLAINED,), {"explain": (time.perf_counter() - started) * 1000})


def explained(answered: Sequence[ScoredItem], candidates: Candidates) -> Page:
    """Those of a page that can be: they have a score, and are among the first."""
    places = {item_id: place for place, item_id in enumerate(candidates.ids)}
    items = [each for each in answered if each.item_id in places][:MOST]
    picks = np.array([places[each.item_id] for each in items], np.int64)
    return Page(items, picks, candidates.rows[picks])


def near_to_kept(met: Array, sought: Sought | None, count: int, table: ItemTable, kept: Array) -> Array:
    """How near ``count`` items are to those of the history [h] that are kept: [n, NEAR]."""
    return near(met[kept], sought, count, table)


def explanations(
    page: Page, met: Past, found: Added | None, scored: Scored, table: ItemTable, now_ms: int, moves: StageMoves
) -> list[Explanation]:
    """Why each item of the page is there."""
    rising, new = trends(table, page.rows, now_ms)
    told = []
    for number, item in enumerate(page.items):
        history = influences(found, number, met, table) if found else []
        by_group = features(found, number) if found else {}
        stages = list(moves.get(item.item_id, ()))
        facts = Facts(history, by_group, stages, item.source, bool(rising[number]), bool(new[number]))
        why = Explanation(
            sentence=sentence(facts),
            history=history,
            features=by_group,
            stages=stages,
            times=times(scored, int(page.picks[number])),
        )
        told.append(why)
    return told


def trends(table: ItemTable, rows: Array, now_ms: int) -> tuple[Array, Array]:
    """Which items are wanted more in this hour than their week lets expect, and which are new: [n] each."""
    columns = {name: table.column(name)[rows] for name in COLUMNS}
    rising = surprise(demand(columns, "1h", now_ms), demand(columns, "7d", now_ms)) >= LEAST
    published = table.column("item_published_at")[rows]
    return rising, (published > now_ms - LATELY) & (published <= now_ms)


def times(scored: Scored, pick: int) -> dict[str, str]:
    """When what was read of the user and the item was written, by view."""
    stamps = {
        "user_profile": scored.user.profile.get("event_timestamp", 0),
        "user_activity": scored.user.activity.get("event_timestamp", 0),
        "item_content": int(scored.items["item_content_stamp"][pick]),
        "item_activity": int(scored.items["item_activity_stamp"][pick]),
    }
    return {view: iso(stamp // 1000) for view, stamp in stamps.items() if stamp}
