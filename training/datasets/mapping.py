"""What a mapping file may say: which of your columns are what. docs/data.md describes it."""

from typing import Literal

import msgspec


class Cell(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How one of our values is made of yours: from a column, from several, or the same in every row."""

    column: str | None = None
    columns: list[str] = []  # several, with ``join`` between them
    value: str | None = None  # a constant
    join: str = " "
    map: dict[str, str] = {}  # your value -> ours; a row with another one is rejected
    split: str = ""  # what parts a list that is text
    unit: Literal["s", "ms", "us", "ns"] | None = None  # of a time that is a number
    format: str = ""  # of a time that is text, as strptime has it; without: ISO 8601
    zone: str = "UTC"  # of a time that names none
    folder: str = ""  # that paths are in, seen from the mapping file

    @property
    def names(self) -> list[str]:
        """The columns that are read."""
        return [self.column] if self.column is not None else self.columns


Given = str | list[str] | Cell | None


class Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where rows are: a .parquet, .csv or .jsonl file, or a query of a database."""

    path: str = ""  # seen from the mapping file
    separator: str = ","  # of a CSV
    url: str = ""  # SQLAlchemy
    query: str = ""


class Interactions(Table, frozen=True, kw_only=True):
    """One row per interaction."""

    item_id: Given
    timestamp: Given
    action: Given
    user_id: Given = None
    session_id: Given = None
    event_id: Given = None
    value: Given = None
    request_id: Given = None
    position: Given = None
    context: dict[str, Given] = {}


class Impressions(Interactions, frozen=True, kw_only=True):
    """One row per item shown or, where ``item_id`` is split, per slate."""

    action: Given = Cell(value="impression")


class Items(Table, frozen=True, kw_only=True):
    """The catalogue."""

    item_id: Given
    title: Given = None
    text: Given = None
    categories: Given = None
    attributes: dict[str, Given] = {}
    published_at: Given = None
    hidden: Given = None
    timestamp: Given = None
    image: Given = None  # a file
    image_vector: Given = None
    audio: Given = None
    audio_vector: Given = None


class Users(Table, frozen=True, kw_only=True):
    """What is known of users beside their behaviour."""

    user_id: Given
    attributes: dict[str, Given] = {}
    timestamp: Given = None


class Mapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole file."""

    name: str
    terms: str = ""
    until: str = "0.8"
    validation_from: str | None = None
    protocol: Literal["streaming", "leave-one-out"] = "streaming"
    interactions: Interactions
    impressions: Impressions | None = None
    items: Items | None = None
    users: Users | None = None
