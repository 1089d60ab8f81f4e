"""What changes of a message break."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from streaming.compatibility import breaks


def schema(**fields: Any) -> dict[str, Any]:
    """The schema of a message with these fields: type, or (type, default)."""
    listed = [(name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in fields.items()]
    return msgspec.json.schema(msgspec.defstruct("M", listed, kw_only=True))


SHORT, LONG = Annotated[str, msgspec.Meta(max_length=9)], Annotated[str, msgspec.Meta(max_length=99)]
INNER, WIDER = msgspec.defstruct("I", [("b", int)]), msgspec.defstruct("I", [("b", int | str)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": int}, {"a": int}),
        ({"a": int}, {"a": int, "b": (str, "")}),
        ({"a": int}, {"a": int | None}),
        ({"a": int}, {"a": float}),
        ({"a": int | None}, {"a": float | None}),
        ({"a": Literal["x"]}, {"a": Literal["x", "y"]}),
        ({"a": SHORT}, {"a": LONG}),
        ({"a": SHORT}, {"a": str}),
        ({"a": INNER}, {"a": WIDER}),
        ({"a": list[int]}, {"a": list[int | str]}),
    ],
)
def test_compatible_changes_break_nothing(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaks(schema(**old), schema(**new)) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ({"a": int, "b": (int, 0)}, {"a": int}, "$.b is gone"),
        ({"a": int}, {"a": int, "b": str}, "$.b is now required"),
        ({"a": int}, {"a": (int, 0)}, "$.a may now be absent"),
        ({"a": int}, {"a": str}, "$.a no longer takes integer"),
        ({"a": int | None}, {"a": int}, "$.a no longer takes null"),
        ({"a": float}, {"a": int}, "$.a no longer takes number"),
        ({"a": Any}, {"a": int}, "$.a takes integer only"),
        ({"a": Literal["x", "y"]}, {"a": Literal["x"]}, "$.a no longer takes y"),
        ({"a": LONG}, {"a": SHORT}, "$.a maxLength is now 9"),
        ({"a": WIDER}, {"a": INNER}, "$.a.b no longer takes string"),
        ({"a": list[int | str]}, {"a": list[int]}, "$.a[] no longer takes string"),
        ({"a": dict[str, int | str]}, {"a": dict[str, int]}, "$.a.* no longer takes string"),
    ],
)
def test_incompatible_changes_are_named_with_their_place(old: dict[str, Any], new: dict[str, Any], reason: str) -> None:
    assert breaks(schema(**old), schema(**new)) == [reason]
