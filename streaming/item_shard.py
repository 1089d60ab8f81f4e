"""the events of some items -> the rows that the stream would have written for them, as Arrow tables."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo import features
from feature_repo.online import Row
from feature_repo.vocabulary import ACTION_CODE, ACTIONS, CTR_PRIOR, HALF_LIVES
from streaming import ledger
from streaming.ledger import HISTORY_LOG, ItemLedger
from streaming.loop_state import Constants, Counters, Steps, new_counters, new_state
from streaming.loops import advance_items
from streaming.parts import ends_of, lists_of, rows_of, table_of
from streaming.ranked import Ranked, ranked

Array = npt.NDArray[Any]
_WEEK = list(HALF_LIVES).index("7d")


class ItemEvents(NamedTuple):
    """Events item by item, each item's in time order, ties in the order of the source."""

    items: Ranked
    numbers: Array  # of the events in their source
    actions: Array
    timestamps: Array


class ItemPart(NamedTuple):
    """Rows of one part of the log and the last rows of the items that end in it."""

    activity: Any  # pa.Table
    last: list[Row]


def item_events(table: Any, twice: Array) -> ItemEvents:
    """The events of a spooled table in order, without those whose numbers are in ``twice``."""
    if len(twice):
        table = table.filter(pa.array(~np.isin(table["number"].to_numpy(), twice)))
    items, when = ranked(table["item_id"]), table["timestamp"].to_numpy()
    order = np.lexsort((when, items.codes))
    numbers, actions = (table[name].to_numpy()[order] for name in ("number", "action"))
    return ItemEvents(Ranked(items.codes[order], items.names), numbers, actions.astype(np.int64), when[order])


def item_parts(events: ItemEvents, rows: int) -> Iterator[ItemPart]:
    """The rows of the events, some at a time."""
    state, counters = new_state(0), new_counters(rows)
    for begin in range(0, len(events.numbers), rows):
        of_part = slice(begin, min(begin + rows, len(events.numbers)))
        own = (events.items.codes, events.items.codes, events.actions, events.timestamps)
        advance_items(Steps(*(each[of_part] for each in own)), Constants(), state, counters)
        count = of_part.stop - of_part.start
        items = pa.DictionaryArray.from_arrays(pa.array(events.items.codes[of_part]), events.items.names)
        columns = {"item_id": items} | _columns(counters, count)
        activity = table_of(features.item_activity.name, columns, counters.stamps[:count].copy())
        yield ItemPart(activity, _last_rows(events, of_part, activity))


def _columns(counters: Counters, count: int) -> dict[str, Any]:
    ends = np.arange(0, (count + 1) * len(ACTIONS), len(ACTIONS), dtype=np.int32)
    windows = {
        f"item_actions_{name}": lists_of(ends, counters.counts[place, :count].reshape(-1))
        for place, name in enumerate(HALF_LIVES)
    }
    week = counters.counts[_WEEK, :count]
    ctr = _smoothed_ctr(week[:, ACTION_CODE["click"] - 1], week[:, ACTION_CODE["impression"] - 1])
    return windows | {"item_activity_at": counters.at[:count].copy(), "item_ctr_7d": ctr}


def _smoothed_ctr(clicks: Array, impressions: Array) -> Array:
    """``item_activity.smoothed_ctr`` of arrays."""
    ratio: Array = (clicks + CTR_PRIOR[0]) / (np.maximum(impressions, clicks) + CTR_PRIOR[1])
    return ratio


def _last_rows(events: ItemEvents, of_part: slice, activity: Any) -> list[Row]:
    """The online rows, with their ledgers, of items whose last event is in this part."""
    ends = ends_of(events.items.codes, of_part)
    numbers = events.numbers[of_part][ends].tolist()
    return [_online(*pair) for pair in zip(rows_of(activity.take(pa.array(ends))), numbers, strict=True)]


def _online(row: Row, number: int) -> Row:
    book = ItemLedger(row.stamp, HISTORY_LOG, {0: number})
    return row._replace(values={**row.values, "item_ledger": ledger.item_to_bytes(book)})
