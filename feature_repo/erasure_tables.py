"""The tables of erasure.py. Times are epoch milliseconds but for ``until``."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

metadata = MetaData()
receipts = Table(
    "erasure_receipts",
    metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # user or item
    Column("digest", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("begun_ms", BigInteger),
    Column("done_ms", BigInteger),
)
tasks = Table(
    "erasure_tasks",
    metadata,
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
    metadata,
    Column("view", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),  # epoch microseconds
    Column("before", BigInteger, nullable=False),
    Column("log", Text, nullable=False),  # 64 bits without a sign, which no column type of SQL has
    Column("offset", BigInteger, nullable=False),
)
removals = Table(
    "erasure_removals",
    metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("store", Text, primary_key=True),
    Column("place", Text, primary_key=True),  # a part of a table, or empty
    Column("rows", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
