"""messages nobody can use -> the topic ``dead-letters``, as they came, with where from and why in the headers."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from faust.types import EventT, TopicT

log = logging.getLogger(__name__)


class Poison(NamedTuple):
    """A message and why it cannot be used."""

    event: EventT[Any]
    reason: str


async def bury(letters: Sequence[Poison], topic: TopicT[Any]) -> None:
    """Send them and wait until the broker has them."""
    for event, reason in letters:
        message = event.message
        log.warning("dead letter: %s/%d@%d: %s", message.topic, message.partition, message.offset, reason)
        headers = {
            "topic": message.topic.encode(),
            "partition": str(message.partition).encode(),
            "offset": str(message.offset).encode(),
            "reason": reason.encode(),
        }
        delivery = await topic.send(key=message.key, value=message.value or b"", headers=headers)
        await delivery
