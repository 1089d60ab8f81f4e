"""a seed -> what is sent: events with duplicates, late ones and poison among them, and what must come of it."""

import random
from collections import defaultdict
from typing import NamedTuple

from msgspec.structs import replace

from feature_repo.vocabulary import ACTIONS
from streaming.events import (
    TOPIC_BY_ITEM,
    TOPIC_INTERACTIONS,
    TOPIC_ITEMS,
    TOPIC_USERS,
    Interaction,
    Item,
    Merge,
    User,
    encode,
)

T = 1_750_000_000_000
STEP_MS = 400  # the clock of the events goes on by so much from one to the next
CATEGORIES = ("war", "drama", "crime", "noir", "west", "sci-fi")
LATE_MS = 10 * 86_400_000
LARGE = 1_000_000  # bytes of the largest poison: with its headers it is larger than any producer may send by default
AGAIN_WITHIN = 60  # a user's later events before a duplicate comes; a ledger remembers 64


class Poison(NamedTuple):
    """A message that cannot be used, a part of the reason, and whether a replay repairs it (its key, that is)."""

    topic: str
    key: bytes | None
    value: bytes | None
    reason: str
    goes_back: bool = False
    lost: Interaction | None = None  # the interaction that comes to light


class Plan(NamedTuple):
    """What is sent, in this order, and the distinct events in it."""

    seed: int
    items: list[Item]
    sent: list[Interaction | Merge | Poison]
    events: list[Interaction]
    owners: dict[str, str]  # the key of a session that is merged -> its user
    late: int

    @property
    def poison(self) -> list[Poison]:
        return [each for each in self.sent if isinstance(each, Poison)]

    @property
    def duplicates(self) -> int:
        return len(self.sent) - len(self.events) - len(self.poison) - len(self.owners)


def draw(seed: int, events: int, users: int, items: int) -> Plan:
    """A plan of so many distinct events; a few users and items have most of them."""
    chance = random.Random(seed)
    catalogue = [Item(item_id=f"i{n}", categories=chance.sample(CATEGORIES, n % 3)) for n in range(items)]
    plan = Plan(seed, catalogue, [], [], {}, 0)
    plan.sent.append(Poison(TOPIC_INTERACTIONS, b"u0", b"x" * LARGE, "malformed"))
    due: dict[str, dict[int, list[Interaction]]] = defaultdict(lambda: defaultdict(list))
    counts: dict[str, int] = defaultdict(int)
    late = 0
    for number in range(events):
        event = _event(chance, number, users, items)
        user = event.key
        counts[user] += 1
        late += event.timestamp < T + number * STEP_MS  # type: ignore[operator]
        plan.events.append(event)
        plan.sent.append(event)
        if chance.random() < 0.03:
            due[user][counts[user] + chance.randrange(AGAIN_WITHIN)].append(event)
        plan.sent.extend(due[user].pop(counts[user], []))
        if chance.random() < 0.003:
            plan.sent.append(_poison(chance, number))
        if chance.random() < 0.005:
            _visit(chance, number, items, plan)
    return plan._replace(late=late)


def _event(chance: random.Random, number: int, users: int, items: int) -> Interaction:
    late = chance.randrange(LATE_MS) if chance.random() < 0.1 else 0
    return Interaction(
        event_id=f"e{number}",
        user_id=f"u{_skewed(chance, users)}",
        item_id=f"i{_skewed(chance, items)}",
        action=chance.choice(ACTIONS),  # type: ignore[arg-type]
        timestamp=T + number * STEP_MS - late,
    )


def _visit(chance: random.Random, number: int, items: int, plan: Plan) -> None:
    """An anonymous session that is merged into a user, who clicked as well; some merges are sent twice."""
    session, user = f"{number}", f"m{number % 40}"
    clicks = [_event(chance, number, 1, items) for _ in range(chance.randrange(1, 9))]
    anonymous = [
        replace(each, event_id=f"s{number}-{n}", user_id=None, session_id=session) for n, each in enumerate(clicks)
    ]
    own = replace(clicks[0], event_id=f"o{number}", user_id=user)
    merge = Merge(event_id=f"m{number}", session_id=session, user_id=user, timestamp=T + number * STEP_MS)
    plan.events.extend([*anonymous, own])
    plan.sent.extend([*anonymous, own, merge, *[merge] * chance.randrange(2)])
    plan.owners[merge.key] = user


def _skewed(chance: random.Random, count: int) -> int:
    return int(count * chance.random() ** 2.5)


def _poison(chance: random.Random, number: int) -> Poison:
    lost = Interaction(event_id=f"p{number}", user_id=f"p{number}", item_id="i0", action="click", timestamp=T)
    return chance.choice(
        [
            Poison(TOPIC_INTERACTIONS, b"u1", b"{not json", "malformed"),
            Poison(TOPIC_INTERACTIONS, b"u1", b'{"user_id": "u1", "item_id": 5, "action": "view"}', "$.item_id"),
            Poison(TOPIC_INTERACTIONS, b"u2", None, "null"),
            Poison(TOPIC_ITEMS, b"i1", b'{"item_id": 2}', "$.item_id"),
            Poison(TOPIC_ITEMS, b"i1", encode(Item(item_id=f"p{number}")), "the key is 'i1'", True),
            Poison(TOPIC_USERS, b"\xff", encode(User(user_id=f"p{number}")), "not UTF-8", True),
            Poison(TOPIC_BY_ITEM, None, b"garbage", "not an envelope"),
            Poison(TOPIC_INTERACTIONS, b"somebody else", encode(lost), "must be its user", True, lost),
        ]
    )
