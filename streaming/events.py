"""Every message on the bus, decoded and validated in one step. No app, no I/O.

Times are UTC: ISO 8601 or epoch milliseconds on the way in, epoch milliseconds inside. Ids are strings. Unknown fields
are ignored; a wrong type, a missing id, an impossible time or a NUL character is an InvalidEvent that says where.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar
from uuid import uuid4

import msgspec

TOPIC_INTERACTIONS: Final = "interactions"  # key user_id or session:<session_id>
TOPIC_ITEMS: Final = "items"  # key item_id; null deletes
TOPIC_USERS: Final = "users"  # key user_id; null deletes
TOPIC_BY_ITEM: Final = "interactions-by-item"  # the worker's own repartition of interactions
TOPIC_ITEM_CHANGES: Final = "item-changes"  # key <view>/<item_id>
TOPIC_DEAD_LETTERS: Final = "dead-letters"  # original key
RECEIPT: Final = "receipt"  # header of a tombstone: under what id its asker reads what became of it

Action = Literal["impression", "view", "click", "like", "cart", "purchase", "rating", "dismiss"]
LONGEST_ID: Final = 256
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID)]
Text = Annotated[str, msgspec.Meta(max_length=20_000)]
When = int | str | None
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Number = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
Vector = Annotated[list[Number], msgspec.Meta(max_length=4096)]

LATEST: Final = 4_102_444_800_000  # 2100-01-01: a later time is seconds or nanoseconds mistaken for milliseconds
EARLIEST: Final = 100_000_000_000  # 1973: an earlier one is epoch seconds
YEAR_ONE: Final = -62_135_596_800_000  # a film or a book may be older than any event
AHEAD: Final = 86_400_000  # a producer's clock may be a day ahead; a later event would outweigh a user's whole past
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # not behind a backslash that is itself escaped


class InvalidEvent(ValueError):
    """A message that cannot be used, with the reason."""


def session_key(session_id: str | None) -> str:
    """The entity that stands for an anonymous session among the users."""
    return f"session:{session_id}"


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """A user (or an anonymous session) did something with an item."""

    event_id: Name = ""  # idempotency key; made up where the producer gives none
    user_id: Id | None = None
    session_id: Id | None = None
    item_id: Id
    action: Action
    timestamp: When = None  # event time
    value: float | None = None  # stars, dwell seconds, price
    request_id: str | None = None  # the ranking that showed the item
    position: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    context: dict[str, Any] | None = None  # device, country, referrer, surface, query, free keys

    @property
    def key(self) -> str:
        """Whose interaction it is: the entity of the user features and the key of the topic."""
        return self.user_id or session_key(self.session_id)


class Merge(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="merge"):
    """An anonymous session turned out to be a user: what it did so far becomes the user's, once."""

    event_id: Name = ""  # idempotency key; made up where the producer gives none
    session_id: Id
    user_id: Id
    timestamp: When = None  # when it turned out

    @property
    def key(self) -> str:
        """The session: who owns its partition meets the merge after all that the session did before it."""
        return session_key(self.session_id)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Upsert of one catalogue entry."""

    item_id: Id
    title: Text = ""
    text: Text = ""
    categories: list[Name] = []
    attributes: dict[str, str | float] = {}
    image_vector: Vector = []  # of an image encoder, the same one for all items; without one there is none
    audio_vector: Vector = []  # likewise of what can be heard
    published_at: When = None
    hidden: bool = False
    timestamp: When = None

    @property
    def key(self) -> str:
        return self.item_id


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Upsert of what is known about a user beside the behaviour."""

    user_id: Id
    attributes: dict[str, str | float] = {}
    timestamp: When = None

    @property
    def key(self) -> str:
        return self.user_id


class Deletion(msgspec.Struct, frozen=True):
    """A tombstone: whoever is under ``key`` of ``topic`` is to be forgotten."""

    topic: str
    key: str
    receipt_id: str = ""  # under which what became of it can be read


class _Action(msgspec.Struct):
    action: Any = None


class ItemChange(msgspec.Struct, frozen=True):
    """A row of an item view as it was just written, for caches."""

    item_id: str
    view: Literal["item_content", "item_activity"]
    stamp: int  # epoch microseconds; rises with every row of one item and view
    row: dict[str, Any]


Message = TypeVar("Message", Interaction, Merge, Item, User)
Publishable = Interaction | Merge | Item | User | Deletion

_interactions = msgspec.json.Decoder(Interaction)
_action = msgspec.json.Decoder(_Action)
_merges = msgspec.json.Decoder(Merge)
_items = msgspec.json.Decoder(Item)
_users = msgspec.json.Decoder(User)
_item_changes = msgspec.json.Decoder(ItemChange)
encode = msgspec.json.Encoder().encode
_TOPICS = {Interaction: TOPIC_INTERACTIONS, Merge: TOPIC_INTERACTIONS, Item: TOPIC_ITEMS, User: TOPIC_USERS}


def interaction(
    raw: bytes, now_ms: int, unnamed: str = "", decoder: "msgspec.json.Decoder[Interaction]" = _interactions
) -> Interaction:
    """One interaction; a missing event_id (by ``unnamed``) or timestamp is filled in. Raises InvalidEvent."""
    event = _decode(decoder, raw)
    if event.user_id is None and event.session_id is None:
        raise InvalidEvent("an interaction needs a `user_id` or a `session_id`")
    when = _moment(event.timestamp, now_ms)
    if event.event_id and event.timestamp == when:
        return event
    return msgspec.structs.replace(event, event_id=event.event_id or unnamed or str(uuid4()), timestamp=when)


def merge(raw: bytes, now_ms: int, decoder: "msgspec.json.Decoder[Merge]" = _merges) -> Merge:
    """One merge; a missing event_id or timestamp is filled in. Raises InvalidEvent."""
    event = _decode(decoder, raw)
    if event.key == event.user_id:
        raise InvalidEvent("`user_id` is the session itself, which cannot be merged into itself")
    when = _moment(event.timestamp, now_ms)
    return msgspec.structs.replace(event, event_id=event.event_id or str(uuid4()), timestamp=when)


def interaction_or_merge(raw: bytes, now_ms: int, unnamed: str = "") -> Interaction | Merge:
    """What producers send to `interactions`; ``unnamed`` names an interaction without an id. Raises InvalidEvent."""
    try:  # first: nearly all of them are, and it costs nothing
        return interaction(raw, now_ms, unnamed)
    except InvalidEvent:
        if action_of(raw) != "merge":
            raise
    return merge(raw, now_ms)


def action_of(raw: bytes) -> object:
    """The `action` of a message that may be anything; None where it has none."""
    try:
        return _action.decode(raw).action
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def item(raw: bytes, now_ms: int, decoder: "msgspec.json.Decoder[Item]" = _items) -> Item:
    """One catalogue entry. Raises InvalidEvent."""
    entry = _decode(decoder, raw)
    published = None if entry.published_at is None else epoch_ms(entry.published_at, now_ms, "published_at")
    when = epoch_ms(entry.timestamp, now_ms, "timestamp")
    return msgspec.structs.replace(entry, published_at=published, timestamp=when)


def user(raw: bytes, now_ms: int, decoder: "msgspec.json.Decoder[User]" = _users) -> User:
    """One user profile. Raises InvalidEvent."""
    profile = _decode(decoder, raw)
    return msgspec.structs.replace(profile, timestamp=epoch_ms(profile.timestamp, now_ms, "timestamp"))


def item_change(raw: bytes) -> ItemChange:
    """One row for the caches. Raises InvalidEvent."""
    try:
        return _item_changes.decode(raw)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(str(error)) from error


def topic_of(message: Publishable) -> str:
    """Where a message belongs."""
    if isinstance(message, Deletion):
        return message.topic
    return next(topic for kind, topic in _TOPICS.items() if isinstance(message, kind))  # subclasses belong there too


def _decode(decoder: msgspec.json.Decoder[Message], raw: bytes) -> Message:
    if b"\\u0000" in raw and _NUL.search(raw):
        raise InvalidEvent("text cannot hold the NUL character \\u0000: PostgreSQL does not keep it")
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(str(error)) from error


def epoch_ms(when: When, now_ms: int, field: str) -> int:
    """A time as epoch milliseconds, ``now_ms`` where there is none. Raises InvalidEvent."""
    if when is None:
        return now_ms
    if isinstance(when, str):
        when = _parse(when, field)
    earliest, year = (YEAR_ONE, 1) if field == "published_at" else (EARLIEST, 1973)
    if not earliest <= when <= LATEST:
        raise InvalidEvent(f"`{field}` {when} is not epoch milliseconds between the years {year} and 2100")
    return when


def _moment(when: When, now_ms: int) -> int:
    if (at := epoch_ms(when, now_ms, "timestamp")) > now_ms + AHEAD:
        raise InvalidEvent(f"`timestamp` {at} lies more than a day ahead of its arrival at {now_ms}")
    return at


def _parse(text: str, field: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidEvent(f"`{field}` {text!r} is neither ISO 8601 nor epoch milliseconds") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)
