"""A message that has somebody forgotten -> an empty state that remembers only that it is one.

It lies on `interactions` under the key of the user or session, so the owner of the row meets it after all that they did
before it and before all that they do after it. So does one that has a user's visits of an item forgotten.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from feature_repo.erasure import Mark, Task
from feature_repo.features import item_activity, user_activity
from feature_repo.item_activity import ItemActivity
from feature_repo.user_activity import UserActivity, without
from streaming import ledger
from streaming.events import AHEAD, EARLIEST, LONGEST_ID, Id, InvalidEvent, Name, session_key
from streaming.ledger import ItemLedger, UserLedger
from streaming.rows import TrackedItem, TrackedUser

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=len(session_key("")) + LONGEST_ID)]  # a user or a session
Sent = TypeVar("Sent", "Forget", "ForgetItem", "ForgetVisits")


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="forget"):
    """Forget what this user, or this session, did until then. The worker's own message."""

    event_id: Name  # of the receipt
    user_id: Key
    timestamp: int  # epoch milliseconds, of the deletion

    @property
    def key(self) -> str:
        return self.user_id


class ForgetItem(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="forget"):
    """Forget what happened to this item until then: the same on `interactions-by-item`."""

    event_id: Name
    item_id: Id
    timestamp: int


class ForgetVisits(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="forget_visits"):
    """Forget that this user, or this session, met an item that is forgotten until then. The worker's own message."""

    event_id: Name  # of the receipt
    user_id: Key
    item_id: Id
    timestamp: int

    @property
    def key(self) -> str:
        return self.user_id


class Reached(NamedTuple):
    """Somebody whose rows are void from now on."""

    task: Task
    mark: Mark


_users, _items = msgspec.json.Decoder(Forget), msgspec.json.Decoder(ForgetItem)
_visits = msgspec.json.Decoder(ForgetVisits)


def forget(raw: bytes, now_ms: int) -> Forget:
    """One of a user or session. Raises InvalidEvent."""
    return _checked(_users, raw, now_ms)


def forget_item(raw: bytes, now_ms: int) -> ForgetItem:
    """One of an item. Raises InvalidEvent."""
    return _checked(_items, raw, now_ms)


def forget_visits(raw: bytes, now_ms: int) -> ForgetVisits:
    """One of the visits of an item. Raises InvalidEvent."""
    return _checked(_visits, raw, now_ms)


def _checked(decoder: "msgspec.json.Decoder[Sent]", raw: bytes, now_ms: int) -> Sent:
    try:
        sent = decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(str(error)) from error
    if not EARLIEST <= sent.timestamp <= now_ms + AHEAD:
        raise InvalidEvent(f"`timestamp` {sent.timestamp} is not a time until {now_ms + AHEAD}")
    return sent


def forgotten(user: TrackedUser, sent: Forget, log: int, offset: int) -> tuple[TrackedUser, Reached]:
    """The user after the message at ``offset`` of ``log`` (ledger.partition_key); read again it changes nothing."""
    known, before = user.ledger.forgotten, max(sent.timestamp, user.activity.at)
    task = Task(sent.event_id, user_activity.name, sent.user_id, sent.timestamp)
    if sent.timestamp <= known:
        return user, Reached(task, Mark(known * 1000, known, log, offset))
    left = ledger.forgotten(user.ledger, log, offset, before)  # a clock may be ahead: what is known goes as well
    return TrackedUser(UserActivity(), left), Reached(task, Mark(left.stamp, before, log, offset))


def forgotten_item(item: TrackedItem, sent: ForgetItem) -> tuple[TrackedItem, Reached]:
    """The item after the message: its row stays, empty, since it knows what was counted."""
    known, before = item.ledger.forgotten, max(sent.timestamp, item.activity.at)
    task = Task(sent.event_id, item_activity.name, sent.item_id, sent.timestamp)
    if sent.timestamp <= known:
        return item, Reached(task, Mark(known * 1000 - 1, known))
    left = ledger.forgotten_item(item.ledger, before)
    return TrackedItem(ItemActivity(), left), Reached(task, Mark(left.stamp - 1, before))


def unvisited(user: TrackedUser, void: Mapping[str, int]) -> TrackedUser:
    """The user without visits of items that are forgotten, each until its time; without any, nothing changes.

    The row is stamped just after the one before it: nothing has happened that would make it newer.
    """
    activity = without(user.activity, void)
    if activity is user.activity:
        return user
    return TrackedUser(activity, user.ledger._replace(stamp=user.ledger.stamp + 1))


def reminded(user: TrackedUser | None, mark: Mark) -> TrackedUser:
    """The state that was read of somebody who was forgotten: none, or one from before it, or of somebody new."""
    if user is None or user.ledger.stamp <= mark.until:
        return TrackedUser(UserActivity(), UserLedger(mark.until, mark.log, mark.offset, forgotten=mark.before))
    return user._replace(ledger=user.ledger._replace(forgotten=max(user.ledger.forgotten, mark.before)))


def reminded_item(item: TrackedItem | None, mark: Mark) -> TrackedItem:
    """The same of an item."""
    if item is None or item.ledger.stamp <= mark.until:
        return TrackedItem(ItemActivity(), ItemLedger(mark.until + 1, forgotten=mark.before))
    return item._replace(ledger=item.ledger._replace(forgotten=max(item.ledger.forgotten, mark.before)))


def message(task: Task) -> Forget | ForgetItem:
    """What tells the owner of the rows of a task."""
    if task.view == item_activity.name:
        return ForgetItem(event_id=task.receipt_id, item_id=task.entity_id, timestamp=task.before)
    return Forget(event_id=task.receipt_id, user_id=task.entity_id, timestamp=task.before)
