"""Every message on the bus -> its JSON Schema in docs/schemas, for consumers in any language.

python -m streaming.schemas --to docs/schemas             refuses what would break consumers (docs/events.md)
python -m streaming.schemas --to docs/schemas --break     a new major version

The structs that decode messages are the source; what their decoders check beside types is added here.
"""

import argparse
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from feature_repo import rankings
from streaming import by_item, events, merge
from streaming.compatibility import breaks

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMMENT = re.compile(r"^    (\w+): .*?  # (.+)$", re.MULTILINE)
PRIVATE = ("handover", "interactions-by-item")  # any version may change them
_TIMES = {"timestamp": events.EARLIEST, "published_at": events.YEAR_ONE}


class Message(NamedTuple):
    """What a topic carries."""

    topic: str
    kind: type[Any]
    encoding: str = "JSON"


class DeadLetter(msgspec.Struct):
    """The headers of a dead letter, texts in UTF-8; key and value are those of the message, as it came.

    A message with the header ``replayed`` (partition/offset of a letter here) instead says that the letter went back.
    """

    topic: str  # where the message came from
    partition: str  # decimal
    offset: str  # decimal
    reason: str  # why it cannot be used


MESSAGES = {
    "interaction": Message(events.TOPIC_INTERACTIONS, events.Interaction),
    "merge": Message(events.TOPIC_INTERACTIONS, events.Merge),
    "handover": Message(events.TOPIC_INTERACTIONS, merge.Handover, "JSON; private to the worker"),
    "item": Message(events.TOPIC_ITEMS, events.Item),
    "user": Message(events.TOPIC_USERS, events.User),
    "item-change": Message(events.TOPIC_ITEM_CHANGES, events.ItemChange),
    "ranking": Message(rankings.TOPIC, rankings.LoggedRanking, "MessagePack; a base64 string stands for bytes"),
    "interactions-by-item": Message(events.TOPIC_BY_ITEM, by_item.Envelope, "MessagePack; private to the worker"),
    "dead-letter": Message(events.TOPIC_DEAD_LETTERS, DeadLetter, "headers"),
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one message."""
    topic, kind, encoding = MESSAGES[name]
    generated = msgspec.json.schema(kind)
    own = generated["$defs"][kind.__name__]
    own["description"] = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    _describe(own, kind)
    if kind is events.Interaction:
        own["anyOf"] = [
            {"required": [who], "properties": {who: {"type": "string"}}} for who in ("user_id", "session_id")
        ]
    return {"$schema": DIALECT, "$id": f"{name}.json", "x-topic": topic, "x-encoding": encoding, **generated}


def _describe(schema: dict[str, Any], kind: type[Any]) -> None:
    """Comments of the fields become descriptions, times get their bounds."""
    comments = dict(_COMMENT.findall(inspect.getsource(kind)))
    for field, described in schema.get("properties", {}).items():
        if field in comments:
            described["description"] = comments[field]
        for choice in described.get("anyOf", ()):
            if field in _TIMES and choice["type"] == "integer":
                choice |= {"minimum": _TIMES[field], "maximum": events.LATEST}
            if field in _TIMES and choice["type"] == "string":
                choice["description"] = "ISO 8601, UTC unless it says otherwise"


def text(name: str) -> str:
    """The file of one message."""
    return json.dumps(schema(name), indent=2) + "\n"


def broken(folder: Path) -> list[str]:
    """What consumers of the schemas in ``folder`` could no longer rely on."""
    found = []
    for name in MESSAGES:
        path = folder / f"{name}.json"
        if path.exists() and name not in PRIVATE:
            found += [f"{name}: {each}" for each in breaks(json.loads(path.read_text()), schema(name))]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming.schemas", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--break", dest="breaking", action="store_true", help="write them although consumers will break"
    )
    options = parser.parse_args()
    problems = broken(options.to)
    if problems and not options.breaking:
        sys.exit("\n".join(["these changes break consumers (docs/events.md says what to do instead):", *problems]))
    options.to.mkdir(parents=True, exist_ok=True)
    for name in MESSAGES:
        (options.to / f"{name}.json").write_text(text(name))
    print(f"{len(MESSAGES)} schemas in {options.to}")


if __name__ == "__main__":
    main()
