"""Foreign properties of any shape -> our flat attributes.

Text and numbers stay, booleans become `true` and `false`, each text of a list becomes an attribute of its own, objects
are flattened with dots. Numbers in lists (embeddings) and what lies deeper than four objects are left out.
"""

from collections.abc import Iterator
from typing import Any

DEPTH = 4  # objects within objects


def attributes(name: str, value: Any, depth: int = DEPTH) -> Iterator[tuple[str, str | float]]:
    """``color``, ``["white", "black"]`` -> ``color:white`` and ``color:black``, both `yes`."""
    match value:
        case bool():
            yield name, str(value).lower()
        case str() | int() | float():
            yield name, value
        case list():
            yield from ((f"{name}:{each}", "yes") for each in value if isinstance(each, str))
        case dict() if depth:
            for key, inner in value.items():
                yield from attributes(f"{name}.{key}" if name else key, inner, depth - 1)
