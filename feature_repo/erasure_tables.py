"""The tables of erasure.py, made by whoever comes first. Times are epoch milliseconds but for ``until``."""

import logging
import random
import time

from sqlalchemy import BigInteger, Column, Engine, MetaData, Table, Text
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

_metadata = MetaData()
receipts = Table(
    "erasure_receipts",
    _metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # user or item
    Column("digest", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("begun_ms", BigInteger),
    Column("done_ms", BigInteger),
)
tasks = Table(
    "erasure_tasks",
    _metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("view", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("before", BigInteger, nullable=False),
    Column("until", BigInteger),  # epoch microseconds
    Column("told_ms", BigInteger),
    Column("looked_ms", BigInteger),
)
marks = Table(
    "erasure_marks",
    _metadata,
    Column("view", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),  # epoch microseconds
    Column("before", BigInteger, nullable=False),
    Column("log", Text, nullable=False),  # 64 bits without a sign, which no column type of SQL has
    Column("offset", BigInteger, nullable=False),
)
removals = Table(
    "erasure_removals",
    _metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("place", Text, primary_key=True),  # a part of a table, or empty
    Column("rows", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


def make(engine: Engine, attempts: int = 6) -> None:
    """Create the tables that are missing; again where another process does the same right now."""
    for left in reversed(range(attempts)):
        try:
            _metadata.create_all(engine)
        except SQLAlchemyError as error:
            if not left:
                raise
            log.info("the tables of erasures could not be made, trying again: %s", error)
            time.sleep(random.uniform(0.1, 1))
        else:
            return
