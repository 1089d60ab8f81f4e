"""messages nobody can use -> the topic ``dead-letters``, as they came, with where from and why in the headers.

python -m streaming.dead_letters list                     what lies there, and why
python -m streaming.dead_letters replay                   put back what can be read by now
python -m streaming.dead_letters replay --topic interactions --limit 100
"""

import argparse
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from faust.types import EventT, TopicT

from streaming.replay import Letter, letters, replay
from streaming.settings import StreamSettings

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


def line(letter: Letter) -> str:
    """One letter as `list` prints it."""
    return f"{letter.topic}/{letter.partition}@{letter.offset}  {letter.reason}  {letter.value[:60]!r}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming.dead_letters",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["list", "replay"])
    parser.add_argument("--topic", help="letters of this topic only")
    parser.add_argument("--limit", type=int, help="at most so many, the oldest first")
    options = parser.parse_args()
    broker = StreamSettings().broker
    waiting = letters(broker, options.topic)[: options.limit]
    if options.command == "list":
        print("\n".join([*map(line, waiting), f"{len(waiting)} dead letters"]))
        return
    back = replay(broker, waiting)
    print(f"{len(back)} of {len(waiting)} dead letters went back; the others still cannot be read")


if __name__ == "__main__":
    main()
