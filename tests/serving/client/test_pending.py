"""Events that wait: bounded, in order, none of them ever without a whereabouts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.client.errors import Broken, Event, FreshrankError, Lost, NotTaken, QueueFull, Refused, Unavailable
from serving.client.pending import Pending
from streaming.events import Interaction


def event(number: int) -> Interaction:
    return Interaction(event_id=str(number), user_id="7", item_id="50", action="click", timestamp=1)


def filled(count: int, batch: int = 2) -> Pending:
    pending = Pending(100, batch, draw=lambda low, high: high)
    for number in range(count):
        pending.put(event(number))
    return pending


def names(events: list[Event]) -> list[str]:
    return [each.event_id for each in events]


def test_events_leave_in_batches_in_their_order() -> None:
    pending = filled(3)
    taken = [names(pending.take()) for _ in range(2) if not pending.settle(None)]
    assert taken == [["0", "1"], ["2"]]


def test_no_more_than_the_limit_wait() -> None:
    pending = Pending(1, 1)
    pending.put(event(0))
    with pytest.raises(QueueFull, match="1 events wait"):
        pending.put(event(1))


def test_what_is_under_way_counts_towards_the_limit() -> None:
    pending = Pending(1, 1)
    pending.put(event(0))
    pending.take()
    with pytest.raises(QueueFull):
        pending.put(event(1))


def test_while_the_api_is_away_events_wait_in_their_order_and_ever_longer() -> None:
    pending, pauses = filled(3), []
    for _ in range(3):
        assert names(pending.take()) == ["0", "1"]
        pauses.append(pending.settle(Unavailable("away", 503, retry_after=1.0)))
    assert pauses == [1.2, 1.4, 1.8] and len(pending) == 3 and not pending.lost
    pending.take()
    assert pending.settle(None) == 0.0 and len(pending) == 1


@pytest.mark.parametrize("error", [Refused(401, "unauthorized", "no key"), Broken("it failed")])
def test_what_the_api_will_never_take_is_lost_with_the_reason(error: FreshrankError) -> None:
    pending = filled(2)
    pending.take()
    pending.settle(error)
    assert [(each.message.event_id, each.reason) for each in pending.collect()] == [
        ("0", str(error)),
        ("1", str(error)),
    ]
    assert len(pending) == 0 and pending.collect() == []


def test_of_a_batch_taken_in_part_only_what_may_be_taken_later_waits() -> None:
    pending = filled(3, batch=3)
    first, second, _ = pending.take()
    pending.settle(NotTaken([Lost(first, "wrong"), Lost(second, "not acknowledged", retry=True)], accepted=1))
    assert names([each.message for each in pending.collect()]) == ["0"]
    assert names(pending.take()) == ["1"]


outcomes = st.sampled_from([None, Unavailable("away"), Broken("failed"), "part"])


@given(st.lists(st.one_of(st.none(), outcomes.map(lambda error: (error,))), max_size=60))
def test_every_event_waits_was_taken_or_is_lost(steps: list[tuple[FreshrankError | str | None] | None]) -> None:
    pending, put, taken = Pending(20, 3), 0, 0
    for step in steps:
        if step is None:
            if len(pending) < 20:
                pending.put(event(put))
                put += 1
        else:
            batch, [error] = pending.take(), step
            missing = [Lost(each, "later", place % 2 == 0) for place, each in enumerate(batch[1:])]
            told = NotTaken(missing) if isinstance(error, str) else error
            pending.settle(told)
            taken += len(batch) if told is None else len(batch) - len(missing) if told.__class__ is NotTaken else 0
    assert put == len(pending) + taken + len(pending.lost)
