"""Agent: envelopes of interactions by item -> items tracked -> item-changes."""

import msgspec
from faust.types import EventT, StreamT

from streaming import by_item
from streaming.batches import acknowledge
from streaming.by_item import Envelope
from streaming.events import InvalidEvent
from streaming.flow import Flow, read
from streaming.forget import ForgetItem, forget_item
from streaming.item_activity import ItemTracker


async def track(envelopes: StreamT[bytes], items: ItemTracker, flow: Flow) -> None:
    """Keep the items' rows current."""
    async for batch in flow.batches(envelopes, "items"):
        opened, poison = read(batch, _envelope)
        advanced = await flow.keep(lambda: items.advance(opened), "reading item rows")  # noqa: B023
        await flow.keep(lambda: items.store(advanced), "writing item rows")  # noqa: B023
        await flow.announce(advanced.changes)
        await flow.bury(poison)
        acknowledge(batch)


def _envelope(event: EventT[bytes], now_ms: int) -> Envelope | ForgetItem:
    raw = event.message.value or b""
    if raw.startswith(b"{"):  # which no envelope does
        return forget_item(raw, now_ms)
    try:
        return by_item.decode(raw)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(f"not an envelope: {error}") from error
