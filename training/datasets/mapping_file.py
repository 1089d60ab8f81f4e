"""A mapping file -> the mapping and everything it asks for.

What is wrong with the file is a DatasetError with the line and the field.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from training.datasets import yaml_lines
from training.datasets.mapping import Cell, Interactions, Mapping, Table
from training.datasets.mapping_checks import Asked, problem_of
from training.datasets.tables import DatasetError

_TABLES = ("interactions", "impressions", "items", "users")
_AT = re.compile(r"^(.*?)(?: - at `(?:key in )?\$\.?([^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"unknown field `([^`]+)`")


def read(path: Path) -> tuple[Mapping, list[Asked]]:
    """The mapping of a file, and everything it asks for. Raises DatasetError."""
    try:
        plain, lines = yaml_lines.read(path.read_text(), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"--mapping {path} cannot be read: {error}") from error
    try:
        mapping = msgspec.convert(plain, Mapping, strict=False)
    except msgspec.ValidationError as error:
        raise _placed(str(error), path.name, lines) from error
    asked = [each for name in _TABLES for each in _asked(name, getattr(mapping, name), lines)]
    for name in _TABLES:
        _check_table(path.name, name, getattr(mapping, name), lines)
    for each in asked:
        problem = problem_of(each)
        if problem:
            raise DatasetError(f"{path.name}, line {each.line}: {each.table}.{each.field}: {problem}")
    return mapping, asked


def _placed(text: str, name: str, lines: dict[yaml_lines.Path, int]) -> DatasetError:
    """msgspec's reason with the line that it is about."""
    reason, where = _AT.match(text).groups()  # type: ignore[union-attr]
    path = tuple(re.findall(r"[^.\[\]]+", where or ""))
    field = _FIELD.search(reason)
    line = yaml_lines.line_of(lines, (*path, field[1]) if field else path)
    return DatasetError(f"{name}, line {line}: {'.'.join(path) or 'the file'}: {reason[:1].lower()}{reason[1:]}")


def _asked(name: str, table: Table | None, lines: dict[yaml_lines.Path, int]) -> Iterator[Asked]:
    if table is None:
        return
    ours = [field for field in table.__struct_fields__ if field not in Table.__struct_fields__]
    for field in ours:
        given = getattr(table, field)
        for part, one in given.items() if isinstance(given, dict) else [("", given)]:
            if one is not None:
                whole = f"{field}.{part}" if part else field
                line = yaml_lines.line_of(lines, (name, field, part) if part else (name, field))
                yield Asked(name, whole, _cell(one), line)


def _cell(given: Any) -> Cell:
    match given:
        case str():
            return Cell(column=given)
        case list():
            return Cell(columns=given)
    return given  # type: ignore[no-any-return]


def _check_table(name: str, table: str, found: Any, lines: dict[yaml_lines.Path, int]) -> None:
    if found is None:
        return
    line = yaml_lines.line_of(lines, (table,))
    if bool(found.path) == bool(found.url) or bool(found.url) != bool(found.query):
        raise DatasetError(f"{name}, line {line}: {table}: give a `path`, or a `url` and a `query`")
    if isinstance(found, Interactions) and found.user_id is None and found.session_id is None:
        raise DatasetError(f"{name}, line {line}: {table}: give `user_id`, or `session_id`")
