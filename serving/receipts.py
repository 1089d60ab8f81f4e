"""Deletions -> receipts in their tables, without blocking the event loop; a receipt -> what its asker reads."""

import asyncio
from typing import Protocol
from uuid import uuid4

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from feature_repo.erasure import Erasures, Kind
from feature_repo.erasure_receipts import Receipt, state_of
from serving.errors import NotKnown, ReceiptsUnavailable
from serving.known_user import iso

KEPT = (
    "Kafka topics that are kept by time lose it with their retention; reports, logs and source tables are not changed, "
    "nor snapshots and models that know an item (docs/forgetting.md)"
)


class Removed(msgspec.Struct, frozen=True):
    """What a store lost."""

    store: str
    rows: int
    at: str  # ISO 8601, UTC


class ErasureReceipt(msgspec.Struct, frozen=True):
    """What became of a deletion."""

    request_id: str
    receipt_id: str
    kind: str  # user or item
    state: str  # asked, erasing, erased, done
    asked_at: str
    begun_at: str | None
    done_at: str | None
    removed: list[Removed]
    kept: str


class Receipts(Protocol):
    """Where deletions are written down; everything raises ReceiptsUnavailable."""

    async def ask(self, kind: Kind, entity_id: str) -> str: ...

    async def withdraw(self, receipt_id: str) -> None: ...

    async def receipt(self, receipt_id: str) -> Receipt | None: ...


class StoredReceipts:
    """Receipts in the tables of ``Erasures``."""

    def __init__(self, erasures: Erasures) -> None:
        self._erasures = erasures

    async def ask(self, kind: Kind, entity_id: str) -> str:
        """Write a receipt; returns its id."""
        try:
            return await asyncio.to_thread(self._erasures.ask, kind, entity_id)
        except SQLAlchemyError as error:
            raise _away(error) from error

    async def withdraw(self, receipt_id: str) -> None:
        """Drop the receipt of a deletion that the broker did not take."""
        try:
            await asyncio.to_thread(self._erasures.withdraw, receipt_id)
        except SQLAlchemyError as error:
            raise _away(error) from error

    async def receipt(self, receipt_id: str) -> Receipt | None:
        """The receipt, or None where there is none."""
        try:
            return await asyncio.to_thread(self._erasures.receipt, receipt_id)
        except SQLAlchemyError as error:
            raise _away(error) from error


def told(receipt_id: str, receipt: Receipt | None) -> ErasureReceipt:
    """A receipt as it is answered. Raises NotKnown."""
    if receipt is None:
        raise NotKnown(f"there is no receipt {receipt_id!r}: DELETE of a user or an item answers with its id")
    return ErasureReceipt(
        uuid4().hex,
        receipt_id,
        receipt.kind,
        state_of(receipt),
        iso(receipt.asked_ms),
        iso(receipt.begun_ms) if receipt.begun_ms else None,
        iso(receipt.done_ms) if receipt.done_ms else None,
        [Removed(each.store, each.rows, iso(each.at_ms)) for each in receipt.removals],
        KEPT,
    )


def _away(error: Exception) -> ReceiptsUnavailable:
    return ReceiptsUnavailable(f"receipts of deletions cannot be read or written, so nothing is deleted: {error}")
