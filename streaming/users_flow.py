"""Agent: interactions -> users tracked -> envelopes for the items; merged sessions -> their users."""

import time

from faust.types import EventT, StreamT

from streaming import by_item
from streaming.batches import acknowledge
from streaming.events import InvalidEvent
from streaming.flow import Flow, read
from streaming.merge import message
from streaming.metrics import Metrics
from streaming.user_activity import Advanced, Delivery, UserTracker


async def track(interactions: StreamT[bytes], users: UserTracker, flow: Flow) -> None:
    """Keep the users' rows current."""
    async for batch in flow.batches(interactions, "users"):
        deliveries, poison = read(batch, delivery)
        advanced = await flow.keep(lambda: users.advance(deliveries), "reading user rows")  # noqa: B023
        await flow.hand_over(advanced.handovers)  # before the sessions' rows are emptied
        await flow.keep(lambda: users.store(advanced), "writing user rows")  # noqa: B023
        count(advanced, flow.metrics)
        await flow.forward(by_item.envelopes(users.log, advanced.entries, flow.partitions))
        await flow.bury(poison)
        acknowledge(batch)


def count(advanced: Advanced, metrics: Metrics) -> None:
    """Tell what was found in a batch that is stored."""
    metrics.duplicates.inc(advanced.duplicates)
    metrics.late.inc(advanced.late)
    metrics.ignored.inc(advanced.ignored)
    now = time.time()
    for row in advanced.online_rows:
        if row.entity_id not in advanced.rewritten:  # a merge may come long after the newest event
            metrics.fresh.observe(now - row.values["user_activity_at"] / 1000)


def delivery(event: EventT[bytes], now_ms: int) -> Delivery:
    """A raw event, decoded, with its place in the topic. Raises InvalidEvent."""
    raw = event.message
    if raw.value is None:
        raise InvalidEvent("an interaction cannot be null")
    # The time and the id of a message without them must not change when it is read again.
    arrived_ms = int(raw.timestamp * 1000) if raw.timestamp else now_ms
    parsed = message(raw.value, arrived_ms, f"{raw.partition}/{raw.offset}@{arrived_ms}")
    if event.key != parsed.key.encode():  # in another partition it would overtake, or be overtaken by, the same user's
        raise InvalidEvent(f"the key of the message must be its user, {parsed.key!r}, and not {event.key!r}")
    return Delivery(raw.partition, raw.offset, parsed)
