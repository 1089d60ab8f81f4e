"""Tables of erasures -> a receipt: what became of a deletion, and what was removed where."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from feature_repo.erasure_tables import receipts, removals, tasks


class Removal(NamedTuple):
    """What a store lost."""

    store: str
    rows: int
    at_ms: int


class Receipt(NamedTuple):
    """What became of a deletion; times are epoch milliseconds."""

    receipt_id: str
    kind: str
    asked_ms: int
    begun_ms: int | None
    done_ms: int | None
    waits: int  # tasks whose stores have not been searched
    removals: Sequence[Removal]


def read(connection: Connection, receipt_id: str) -> Receipt | None:
    """The receipt, or None where there is none."""
    mine = connection.execute(select(receipts).where(receipts.c.receipt_id == receipt_id)).first()
    if mine is None:
        return None
    todo = select(func.count()).where(tasks.c.receipt_id == receipt_id, tasks.c.looked_ms.is_(None))
    per_store = select(removals.c.store, func.sum(removals.c.rows), func.max(removals.c.at_ms))
    per_store = per_store.where(removals.c.receipt_id == receipt_id).group_by(removals.c.store)
    found = [Removal(store, int(rows), at) for store, rows, at in connection.execute(per_store)]
    waits = connection.execute(todo).scalar() or 0
    return Receipt(receipt_id, mine.kind, mine.asked_ms, mine.begun_ms, mine.done_ms, waits, sorted(found))


def state_of(receipt: Receipt) -> str:
    """asked (the worker has not heard of it), erasing, erased (the stores are looked over once more), or done."""
    if receipt.done_ms:
        return "done"
    if receipt.begun_ms is None:
        return "asked"
    return "erasing" if receipt.waits else "erased"
