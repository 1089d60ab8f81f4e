"""Which deliveries a row already counts."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.ledger import (
    REMEMBERED,
    ItemLedger,
    UserLedger,
    Verdict,
    drop,
    event_key,
    is_new,
    item_from_bytes,
    item_to_bytes,
    judge,
    log_key,
    next_stamp,
    record,
    record_item,
    user_from_bytes,
    user_to_bytes,
)

LOG, NEXT_LOG = log_key("first"), log_key("second")
T = 1_750_000_000_000


def filled(count: int, log: int = LOG) -> UserLedger:
    ledger = UserLedger()
    for offset in range(count):
        ledger = record(ledger, event_key(f"e{offset}"), log, offset, T)
    return ledger


def test_an_event_never_seen_is_new() -> None:
    assert judge(filled(3), event_key("e9"), LOG, 3) is Verdict.NEW


def test_a_redelivery_changes_nothing_but_is_passed_on_again() -> None:
    assert judge(filled(3), event_key("e1"), LOG, 1) is Verdict.AGAIN


def test_a_producers_duplicate_is_dropped() -> None:
    assert judge(filled(3), event_key("e1"), LOG, 7) is Verdict.DUPLICATE


def test_a_redelivery_is_recognised_however_long_ago_it_was() -> None:
    assert judge(filled(1000), event_key("e1"), LOG, 1) is Verdict.AGAIN


def test_a_duplicate_that_is_redelivered_is_still_one_when_its_event_is_forgotten() -> None:
    ledger = drop(filled(3), LOG, 3)
    for offset in range(4, 4 + REMEMBERED):
        ledger = record(ledger, event_key(f"e{offset}"), LOG, offset, T)
    assert event_key("e1") not in ledger.offsets
    assert judge(user_from_bytes(user_to_bytes(ledger)), event_key("e1"), LOG, 3) is Verdict.DUPLICATE
    assert judge(ledger, event_key("e1"), LOG, 1) is Verdict.AGAIN
    assert drop(ledger, LOG, 3) == ledger
    assert drop(ledger, NEXT_LOG, 0).dropped == (0,)


def test_a_duplicate_is_recognised_within_64_events() -> None:
    ledger = filled(REMEMBERED + 1)
    assert len(ledger.offsets) == REMEMBERED == 64
    assert judge(ledger, event_key("e0"), LOG, 1000) is Verdict.NEW
    assert judge(ledger, event_key("e1"), LOG, 1000) is Verdict.DUPLICATE


def test_a_recreated_topic_starts_anew_but_its_duplicates_are_still_known() -> None:
    ledger = filled(10)
    assert judge(ledger, event_key("fresh"), NEXT_LOG, 0) is Verdict.NEW
    assert judge(ledger, event_key("e3"), NEXT_LOG, 3) is Verdict.DUPLICATE
    moved = record(ledger, event_key("fresh"), NEXT_LOG, 0, T)
    assert judge(moved, event_key("e3"), NEXT_LOG, 3) is Verdict.DUPLICATE
    assert judge(moved, event_key("other"), NEXT_LOG, 1) is Verdict.NEW


def test_an_item_counts_every_offset_of_every_partition_once() -> None:
    ledger = record_item(ItemLedger(), LOG, 0, 5, T)
    assert [is_new(ledger, LOG, 0, offset) for offset in (4, 5, 6)] == [False, False, True]
    assert is_new(ledger, LOG, 1, 0)


def test_an_item_of_a_recreated_topic_counts_from_the_start() -> None:
    ledger = record_item(ItemLedger(), LOG, 0, 5, T)
    assert is_new(ledger, NEXT_LOG, 0, 0)
    assert record_item(ledger, NEXT_LOG, 1, 2, T).applied == {1: 2}


@given(st.lists(st.integers(T, T + 10), min_size=1, max_size=20))
def test_every_row_is_stamped_later_than_the_one_before(times: list[int]) -> None:
    stamps = [0]
    for when in times:
        stamps.append(next_stamp(stamps[-1], when))
    assert stamps == sorted(set(stamps))
    assert stamps[-1] >= 1000 * max(times)


def test_a_user_ledger_survives_its_bytes() -> None:
    for count in (0, 1, 100):
        assert user_from_bytes(user_to_bytes(filled(count))) == filled(count)
    assert list(user_from_bytes(user_to_bytes(filled(5))).offsets) == list(filled(5).offsets)
    assert user_from_bytes(None) == user_from_bytes(b"") == UserLedger()


def test_an_item_ledger_survives_its_bytes() -> None:
    ledger = record_item(record_item(ItemLedger(), LOG, 3, 9, T), LOG, 0, 2**40, T)
    assert item_from_bytes(item_to_bytes(ledger)) == ledger
    assert item_from_bytes(None) == ItemLedger()
