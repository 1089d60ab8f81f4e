"""items and users of a source -> rows of their views, kept in the spool until they are written."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from feature_repo.erasure import Erasures
from feature_repo.features import item_content, user_profile
from feature_repo.online import Row
from streaming import unforgotten
from streaming.events import Item, User, epoch_ms
from streaming.history import messages
from streaming.rejects import Rejects
from streaming.rows import content_row, profile_row
from streaming.sources import Source, catalogue
from streaming.spool import CATEGORIES

_CATEGORIES = pa.schema({"item_id": pa.string(), "categories": pa.list_(pa.string())})


def save(source: Source, folder: Path, begin: int, rejects: Rejects, erasures: Erasures) -> None:
    """Keep the rows of all items and users; where an entry has no time it was known when the history begins."""
    items, users = catalogue(source, "items"), catalogue(source, "users")
    contents = () if items is None else messages(items, Item, rejects.of("items"))
    profiles = () if users is None else messages(users, User, rejects.of("users"))
    rows = [content_row(each, 1000 * epoch_ms(each.timestamp, begin, "timestamp")) for each in contents]
    _save_categories(folder, rows)
    _save_rows(folder, item_content.name, unforgotten.rows(item_content.name, rows, erasures))
    known = [profile_row(each, 1000 * epoch_ms(each.timestamp, begin, "timestamp")) for each in profiles]
    _save_rows(folder, user_profile.name, unforgotten.rows(user_profile.name, known, erasures))


def saved_rows(folder: Path, view: str) -> list[Row]:
    """The rows that were kept for a view."""
    return msgspec.msgpack.decode((folder / f"{view}.rows").read_bytes(), type=list[Row])


def _save_rows(folder: Path, view: str, rows: Sequence[Row]) -> None:
    (folder / f"{view}.rows").write_bytes(msgspec.msgpack.encode(rows))


def _save_categories(folder: Path, rows: Sequence[Row]) -> None:
    of_item = {row.entity_id: list(row.values["item_categories"]) for row in rows}  # the last entry of an item counts
    table = pa.table([pa.array(of_item), pa.array(of_item.values(), pa.list_(pa.string()))], schema=_CATEGORIES)
    with pa.ipc.new_file(str(folder / CATEGORIES), table.schema) as file:
        file.write_table(table)
