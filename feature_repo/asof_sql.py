"""Views and rows asked -> one DuckDB query that finds the newest features at or before each row's time.

The ASOF join is of keys, stamps and places in the files only; the features are read afterwards, of the rows found.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

ROW = "__row"  # the place of a row asked


class Join(NamedTuple):
    """One view to be joined; names are quoted."""

    source: str
    keys: Mapping[str, str]  # column of the log -> column asked with
    at: str
    created: str | None
    features: Mapping[str, str]  # column of the log -> column of the answer
    ttl_us: int  # 0: for ever


def query(columns: Sequence[str], stamp: str, joins: Sequence[Join], as_written: bool) -> str:
    """The table ``asked`` (``columns`` and ROW) with the features of ``joins``, ordered by ROW."""
    parts = [part for number, join in enumerate(joins) for part in _parts(number, join, quoted(stamp), as_written)]
    names = [f"asked.{quoted(name)}" for name in columns]
    names += [f"read_{number}.{name}" for number, join in enumerate(joins) for name in join.features.values()]
    reads = [f"LEFT JOIN read_{number} USING ({ROW})" for number in range(len(joins))]
    return f"""WITH {", ".join(parts)}
        SELECT {", ".join(names)} FROM asked {" ".join(reads)} ORDER BY asked.{ROW}"""


def _parts(number: int, join: Join, stamp: str, as_written: bool) -> tuple[str, str, str]:
    """What was known of each entity from when on; what each row asked finds of it; the features of what it finds."""
    known = _known_as_written(join) if as_written and join.created else _known(join)
    alive = f"WHERE best.at + to_microseconds({join.ttl_us}) >= asked.{stamp}" if join.ttl_us else ""
    found = f"""SELECT asked.{ROW}, best.file AS file, best.line AS line
        FROM asked ASOF JOIN known_{number} log ON {_same(join)} AND asked.{stamp} >= log.seen {alive}"""
    features = ", ".join(f"log.{name} AS {alias}" for name, alias in join.features.items())
    read = f"""SELECT found.{ROW}, {features} FROM found_{number} found
        JOIN {join.source} log ON log.file_index = found.file AND log.file_row_number = found.line"""
    return f"known_{number} AS ({known})", f"found_{number} AS ({found})", f"read_{number} AS ({read})"


def _known(join: Join) -> str:
    """Of each entity at each stamp, where its row is: of several, the one created last."""
    created = f"log.{join.created}::TIMESTAMPTZ" if join.created else "NULL::TIMESTAMPTZ"
    return _newest(join, _at(join), f"coalesce({created}, '-infinity'::TIMESTAMPTZ)", "true")


def _known_as_written(join: Join) -> str:
    """The same for a reader who sees a row from its creation on: what came late counts if nothing newer came before."""
    created = f"log.{join.created}::TIMESTAMPTZ"
    rank = f"struct_pack(at := {_at(join)}, created := {created})"
    each = _newest(join, f"greatest({_at(join)}, {created})", rank, f"log.{join.created} IS NOT NULL")
    keys = ", ".join(join.keys)
    return f"SELECT * FROM ({each}) QUALIFY rank = max(rank) OVER (PARTITION BY {keys} ORDER BY seen)"


def _newest(join: Join, seen: str, rank: str, told: str) -> str:
    keys = ", ".join(f"log.{key}" for key in join.keys)
    place = f"struct_pack(at := {_at(join)}, file := log.file_index, line := log.file_row_number)"
    return f"""SELECT {keys}, {seen} AS seen, max({rank}) AS rank, max_by({place}, {rank}) AS best
        FROM {join.source} log SEMI JOIN asked ON {_same(join)}
        WHERE log.{join.at} IS NOT NULL AND {told} GROUP BY ALL"""


def _at(join: Join) -> str:
    return f"log.{join.at}::TIMESTAMPTZ"


def _same(join: Join) -> str:
    return " AND ".join(f"log.{theirs} = asked.{ours}" for theirs, ours in join.keys.items())


def quoted(name: str) -> str:
    """A name, for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text, for SQL."""
    return "'" + value.replace("'", "''") + "'"
