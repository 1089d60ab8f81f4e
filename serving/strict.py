"""Events as the API takes them: as on the bus, but a field nobody knows is refused.

On the bus such a field is ignored, so that producers may be newer than the worker. A caller of the API can be told, and
what is told at once is a misspelling that would have been lost for months.
"""

import msgspec

from streaming import events
from streaming.events import InvalidEvent


class Interaction(events.Interaction, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An interaction without unknown fields."""


class Merge(events.Merge, frozen=True, kw_only=True, tag_field="action", tag="merge", forbid_unknown_fields=True):
    """A merge without unknown fields."""


class Item(events.Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item without unknown fields."""


class User(events.User, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user without unknown fields."""


_interactions: "msgspec.json.Decoder[events.Interaction]" = msgspec.json.Decoder(Interaction)
_merges: "msgspec.json.Decoder[events.Merge]" = msgspec.json.Decoder(Merge)
_items: "msgspec.json.Decoder[events.Item]" = msgspec.json.Decoder(Item)
_users: "msgspec.json.Decoder[events.User]" = msgspec.json.Decoder(User)


def interaction_or_merge(raw: bytes, now_ms: int) -> events.Interaction | events.Merge:
    """What `/v1/events` takes. Raises InvalidEvent."""
    try:
        return events.interaction(raw, now_ms, decoder=_interactions)
    except InvalidEvent:
        if events.action_of(raw) != "merge":
            raise
    return events.merge(raw, now_ms, _merges)


def item(raw: bytes, now_ms: int) -> events.Item:
    """What `/v1/items` takes. Raises InvalidEvent."""
    return events.item(raw, now_ms, _items)


def user(raw: bytes, now_ms: int) -> events.User:
    """What `/v1/users` takes. Raises InvalidEvent."""
    return events.user(raw, now_ms, _users)
