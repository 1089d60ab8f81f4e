"""Records of item-changes -> changes -> the event loop."""

import asyncio
from types import SimpleNamespace

import pytest

from serving.item_changes import CHUNK, ItemChanges, decoded
from streaming.events import ItemChange, encode


def record(value: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(topic="item-changes", value=value, offset=5)


def test_a_record_is_a_change() -> None:
    change = ItemChange("a", "item_content", 1, {"item_title": "A"})
    assert decoded(record(encode(change))) == [change]


def test_a_tombstone_is_no_change() -> None:
    assert decoded(record(None)) == []


def test_a_record_that_cannot_be_read_is_skipped_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert decoded(record(b"{")) == []
    assert "offset 5" in caplog.text


def test_a_burst_is_handed_over_in_pieces_with_room_in_between() -> None:
    count, pieces = 5 * CHUNK + 1, list[int]()

    async def burst() -> list[int]:
        changes = ItemChanges("", lambda taken: pieces.append(len(taken)), asyncio.get_running_loop())
        values = [encode(ItemChange(str(place), "item_content", 1, {})) for place in range(count)]
        handing = asyncio.create_task(asyncio.to_thread(changes._hand_over, {0: [record(value) for value in values]}))
        seen = []
        while not handing.done():
            seen.append(len(pieces))
            await asyncio.sleep(0)
        return seen

    seen = asyncio.run(burst())
    assert pieces == [CHUNK] * 5 + [1]
    assert set(seen) >= {1, 2, 3, 4, 5}  # the loop turned between any two of them
