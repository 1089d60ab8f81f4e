"""Records of item-changes -> changes."""

from types import SimpleNamespace

import pytest

from serving.item_changes import decoded
from streaming.events import ItemChange, encode


def record(value: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(value=value, offset=5)


def test_a_record_is_a_change() -> None:
    change = ItemChange("a", "item_content", 1, {"item_title": "A"})
    assert decoded(record(encode(change))) == [change]


def test_a_tombstone_is_no_change() -> None:
    assert decoded(record(None)) == []


def test_a_record_that_cannot_be_read_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert decoded(record(b"{")) == []
    assert "offset 5" in caplog.text
