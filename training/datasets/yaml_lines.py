"""A YAML text -> plain values, all of them text, and the line where each stands."""

from collections.abc import Iterator
from typing import Any

import yaml

from training.datasets.tables import DatasetError

Path = tuple[str, ...]


def read(text: str, name: str) -> tuple[Any, dict[Path, int]]:
    """The values and, for each path of keys (places of a list as numbers), its line. Raises DatasetError with the line.

    Every scalar is text: `NO` stays a country and `1` a category. A key given twice is an error, not the last one's.
    """
    try:
        root = yaml.compose(text, yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DatasetError(f"{name}, line {line}: it is not YAML: {error.problem}") from error
    if root is None:
        raise DatasetError(f"{name} is empty")
    lines: dict[Path, int] = {}
    for path, line in _lines(root, ()):
        if path in lines:
            raise DatasetError(f"{name}, line {line}: `{'.'.join(path)}` is given a second time")
        lines[path] = line
    return yaml.load(text, yaml.BaseLoader), lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path or, where it is not in the text, of what it would stand in."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _lines(node: Any, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, str(key.value)), key.start_mark.line + 1
            yield from _lines(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield (*path, str(place)), value.start_mark.line + 1
            yield from _lines(value, (*path, str(place)))
