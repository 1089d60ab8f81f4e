"""One of our values, as a mapping asks for it -> does that make sense?"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from feature_repo.vocabulary import ACTIONS
from training.datasets.mapping import Cell

KINDS = {
    "timestamp": "time",
    "published_at": "time",
    "categories": "list",
    "value": "number",
    "position": "whole",
    "hidden": "truth",
    "image": "file",
    "audio": "file",
    "image_vector": "vector",
    "audio_vector": "vector",
}
MAY = {  # what of a Cell means something for which kind
    "text": {"columns", "join", "value", "map"},
    "list": {"columns", "value", "map", "split"},
    "time": {"value", "unit", "format", "zone"},
    "number": {"value"},
    "whole": {"value"},
    "truth": {"value", "map"},
    "file": {"folder"},
    "vector": {"split"},
}


class Asked(msgspec.Struct, frozen=True):
    """One of our values, where the mapping says how it is made."""

    table: str
    field: str  # item_id, or attributes.brand
    cell: Cell
    line: int

    @property
    def kind(self) -> str:
        """What its values are."""
        return KINDS.get(self.field, "list" if self.cell.split and self.field.startswith("attributes.") else "text")


def problem_of(asked: Asked) -> str:
    """What is wrong with how a value is to be made; nothing where all is well."""
    cell, kind = asked.cell, asked.kind
    if [cell.column is not None, bool(cell.columns), cell.value is not None].count(True) != 1:
        return "give one of `column`, `columns` and `value`"
    slate = asked.table == "impressions" and asked.field == "item_id"
    usual = Cell()
    odd = [name for name in Cell.__struct_fields__ if getattr(cell, name) != getattr(usual, name)]
    wrong = [name for name in odd if name not in MAY[kind] | {"column"} | ({"split"} if slate else set())]
    if wrong:
        return f"`{wrong[0]}` means nothing for {_A[kind]}"
    if asked.field == "action":
        names = cell.map.values() if cell.map else [cell.value] if cell.value is not None else []
        unknown = [name for name in names if name not in ACTIONS]
        return f"`{unknown[0]}` is no action; they are {', '.join(ACTIONS)}" if unknown else ""
    if cell.unit and cell.format:
        return "`unit` is for numbers and `format` for text: give one of them"
    return _unknown_zone(cell.zone)


def _unknown_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return f"`{zone}` is no time zone such as Europe/Berlin"
    return ""


_A = {kind: f"a {kind}" for kind in MAY} | {"text": "text", "whole": "a whole number", "truth": "true or false"}
