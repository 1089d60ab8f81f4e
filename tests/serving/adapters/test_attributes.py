"""Foreign properties as flat attributes."""

from typing import Any

import pytest

from serving.adapters.attributes import attributes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("red", {"x": "red"}),
        (1.5, {"x": 1.5}),
        (True, {"x": "true"}),
        (["a", "b"], {"x:a": "yes", "x:b": "yes"}),
        ({"y": {"z": 1}, "w": "v"}, {"x.y.z": 1, "x.w": "v"}),
        ([0.1, 0.2], {}),
        (None, {}),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {}),
    ],
)
def test_properties_become_flat(value: Any, expected: dict[str, Any]) -> None:
    assert dict(attributes("x", value)) == expected


def test_the_top_of_an_object_needs_no_name() -> None:
    assert dict(attributes("", {"y": "z"})) == {"y": "z"}
