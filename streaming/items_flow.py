"""Agent: envelopes of interactions by item -> items tracked -> item-changes."""

from faust.types import StreamT

from streaming import by_item
from streaming.batches import acknowledge, batches
from streaming.flow import Flow
from streaming.item_activity import ItemTracker


async def track(envelopes: StreamT[bytes], items: ItemTracker, flow: Flow) -> None:
    """Keep the items' rows current."""
    async for batch in batches(envelopes, flow.batch_size):
        opened = [by_item.decode(event.message.value) for event in batch]
        advanced = await flow.keep(lambda: items.advance(opened), "reading item rows")  # noqa: B023
        await flow.keep(lambda: items.store(advanced), "writing item rows")  # noqa: B023
        await flow.announce(advanced.changes)
        acknowledge(batch)
