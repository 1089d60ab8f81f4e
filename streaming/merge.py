"""merge (key session) -> handover (key user), both on `interactions`: a session's activity becomes a user's, once.

The session's owner takes the activity as of the merge's place in the topic, hands it over, and empties the session's
row only once the broker has the handover. After a crash in between, the same merge, read again, hands the same activity
over again under the same source and offset. A partition's merges are handed over in the order of their offsets, so the
user's owner, who remembers the last one of each source, knows a second handover however late it comes.
"""

from typing import NamedTuple

import msgspec

from feature_repo.online import Row
from feature_repo.user_activity import UserActivity
from feature_repo.user_merge import merge
from feature_repo.vocabulary import ACTIONS, CATEGORIES_KEPT, HALF_LIVES, HISTORY_ACTIONS, HISTORY_LENGTH
from streaming import events
from streaming.events import AHEAD, EARLIEST, Id, Interaction, InvalidEvent, Merge, Name, epoch_ms, session_key
from streaming.forget import Forget, ForgetVisits, forget, forget_visits
from streaming.ledger import event_key, may_fold, may_merge, partition_key, record_fold, record_merge
from streaming.rows import TrackedUser


class Handover(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="handover"):
    """What a session did until it was merged, on its way from the session's owner to the user's."""

    event_id: Name  # of the merge
    session_id: Id
    user_id: Id
    timestamp: int  # epoch milliseconds, of the merge
    source: int  # which partition of which incarnation of the topic held the merge
    offset: int  # where it lay there
    activity: UserActivity

    @property
    def key(self) -> str:
        return self.user_id


class Place(NamedTuple):
    """Where a message lay."""

    log: int  # which incarnation of the topic
    partition: int
    offset: int


Message = Interaction | Merge | Handover | Forget | ForgetVisits
_handovers = msgspec.json.Decoder(Handover)


def message(raw: bytes, now_ms: int, unnamed: str = "") -> Message:
    """Whatever lies on `interactions`; an interaction without an id is called ``unnamed``. Raises InvalidEvent."""
    try:
        return events.interaction_or_merge(raw, now_ms, unnamed)
    except InvalidEvent:
        match events.action_of(raw):
            case "handover":
                return handover(raw, now_ms)
            case "forget":
                return forget(raw, now_ms)
            case "forget_visits":
                return forget_visits(raw, now_ms)
        raise


def handover(raw: bytes, now_ms: int) -> Handover:
    """One handover, fit to be folded in. Raises InvalidEvent."""
    try:
        sent = _handovers.decode(raw)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(str(error)) from error
    if not _sound(sent.activity, now_ms + AHEAD) or not EARLIEST <= sent.timestamp <= now_ms + AHEAD:
        raise InvalidEvent("`activity` is not one that this version of the worker hands over")
    return sent


def moved(user: TrackedUser, event: Merge | Handover, place: Place) -> tuple[TrackedUser, list[Handover]]:
    """The user or session after the event, and what has to be handed over before that is stored."""
    return _taken(user, event, place) if isinstance(event, Merge) else (_folded(user, event), [])


def _taken(session: TrackedUser, event: Merge, place: Place) -> tuple[TrackedUser, list[Handover]]:
    key, when = event_key(event.event_id), epoch_ms(event.timestamp, 0, "timestamp")
    if not session.activity.at or not may_merge(session.ledger, key, place.log, place.offset):
        return session, []
    sent = Handover(
        event_id=event.event_id,
        session_id=event.session_id,
        user_id=event.user_id,
        timestamp=when,
        source=partition_key(place.log, place.partition),
        offset=place.offset,
        activity=session.activity,
    )
    return TrackedUser(UserActivity(), record_merge(session.ledger, key, place.log, place.offset, when)), [sent]


def _folded(user: TrackedUser, sent: Handover) -> TrackedUser:
    if not may_fold(user.ledger, sent.source, sent.offset) or sent.timestamp <= user.ledger.forgotten:
        return user
    known_from = max(sent.timestamp, sent.activity.at)  # a label before that must not see what the session did
    ledger = record_fold(user.ledger, sent.source, sent.offset, known_from)
    return TrackedUser(merge(user.activity, sent.activity), ledger)


def moves(user: TrackedUser, after: TrackedUser, event: Merge | Handover | ForgetVisits) -> list[Row]:
    """The log entry of a session's move: who is forgotten is so with what they did anonymously.

    A session that arrives when its user is forgotten is written down too, to be found and forgotten with them.
    """
    void = isinstance(event, Handover) and event.timestamp <= user.ledger.forgotten
    if not isinstance(event, Handover) or (after is user and not void):
        return []
    stamp = user.ledger.forgotten * 1000 if void else after.ledger.stamp
    session = session_key(event.session_id)
    return [Row(event.event_id, stamp, {"user_id": event.user_id, "session": session, "timestamp": event.timestamp})]


def _sound(activity: UserActivity, latest: int) -> bool:
    history = activity.timestamps
    return (
        EARLIEST <= activity.at <= latest
        and [len(row) for row in activity.counts] == [len(ACTIONS)] * len(HALF_LIVES)
        and len(activity.item_ids) == len(activity.actions) == len(history) <= HISTORY_LENGTH
        and HISTORY_ACTIONS.issuperset(activity.actions)
        and all(EARLIEST <= when <= activity.at for when in history)
        and len(activity.categories) <= CATEGORIES_KEPT
    )
