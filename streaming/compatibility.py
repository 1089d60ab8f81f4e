"""Two JSON Schemas of one message, before and after a change -> what the change breaks.

A change is compatible when every message that was valid still is, and no field that somebody reads goes away: new
optional fields, new values and wider limits are; the rest is not. Understands what msgspec generates.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
LOWER = ("minLength", "minItems", "minimum")  # may only fall
UPPER = ("maxLength", "maxItems", "maximum")  # may only rise


def breaks(old: Schema, new: Schema) -> list[str]:
    """Why messages or readers of ``old`` do not fit ``new``, each with its place; empty when they do."""
    return list(_compare(old, new, old, new, "$"))


def _compare(old: Schema, new: Schema, old_root: Schema, new_root: Schema, place: str) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    before, after = _choices(old, old_root), _choices(new, new_root)
    if after and (gone := sorted(before.keys() - after.keys() - _widened(after))):
        yield f"{place} no longer takes {', '.join(gone)}"
    if after and not before:
        yield f"{place} takes {', '.join(sorted(after))} only"
    for kind in sorted(before.keys() & after.keys()):
        yield from _narrowed(before[kind], after[kind], place)
        yield from _inside(before[kind], after[kind], old_root, new_root, place)


def _inside(old: Schema, new: Schema, old_root: Schema, new_root: Schema, place: str) -> Iterator[str]:
    was, now = old.get("properties", {}), new.get("properties", {})
    yield from (f"{place}.{name} is gone" for name in was.keys() - now.keys())
    yield from (
        f"{place}.{name} is now required" for name in set(new.get("required", ())) - set(old.get("required", ()))
    )
    yield from (
        f"{place}.{name} may now be absent" for name in set(old.get("required", ())) - set(new.get("required", ()))
    )
    for name in was.keys() & now.keys():
        yield from _compare(was[name], now[name], old_root, new_root, f"{place}.{name}")
    for inner, shown in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(old.get(inner), dict) and isinstance(new.get(inner), dict):
            yield from _compare(old[inner], new[inner], old_root, new_root, place + shown)


def _narrowed(old: Schema, new: Schema, place: str) -> Iterator[str]:
    if "enum" in new and (gone := set(old.get("enum", ())) - set(new["enum"])):
        yield f"{place} no longer takes {', '.join(sorted(map(str, gone)))}"
    for limit in LOWER:
        if limit in new and new[limit] > old.get(limit, float("-inf")):
            yield f"{place} {limit} is now {new[limit]}"
    for limit in UPPER:
        if limit in new and new[limit] < old.get(limit, float("inf")):
            yield f"{place} {limit} is now {new[limit]}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _choices(schema: Schema, root: Schema) -> dict[str, Schema]:
    """Type -> what may be said of it; empty where anything goes."""
    options = [schema] if "type" in schema or "enum" in schema else schema.get("anyOf", ())
    resolved = [_resolved(option, root) for option in options]
    return {option.get("type", "string"): option for option in resolved}


def _widened(after: dict[str, Schema]) -> set[str]:
    return {"integer"} if "number" in after else set()
