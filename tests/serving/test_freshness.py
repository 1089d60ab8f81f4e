"""How long after an event a ranking could see it."""

from prometheus_client import CollectorRegistry, Histogram

from serving import freshness
from serving.freshness import Freshness

T = 1_750_000_000_000


def observed(*sights: tuple[str, dict[str, int]]) -> tuple[float, float]:
    """How many times were observed, and their sum."""
    registry = CollectorRegistry()
    watch = Freshness(Histogram("fresh", "text", registry=registry))
    for user_id, activity in sights:
        watch.see(user_id, activity)
    return registry.get_sample_value("fresh_count") or 0, round(registry.get_sample_value("fresh_sum") or 0, 6)


def row(at: int, written: int) -> dict[str, int]:
    return {"user_activity_at": T + at, "user_written_at": T + written}


def test_a_row_counts_when_a_ranking_meets_it_first() -> None:
    assert observed(("ann", row(0, 30)), ("ann", row(0, 30)), ("ann", row(50, 90)), ("bob", row(0, 20))) == (3, 0.09)


def test_an_event_that_says_it_is_of_the_future_was_there_at_once() -> None:
    assert observed(("ann", row(10, 0))) == (1, 0)


def test_unknown_users_and_backfilled_rows_say_nothing() -> None:
    assert observed(
        ("ann", {}), ("bob", {"user_activity_at": T}), ("eve", {"user_activity_at": T, "user_written_at": 0})
    ) == (
        0,
        0,
    )


def test_the_memory_of_users_is_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(freshness, "REMEMBERED", 2)
    watch = Freshness(Histogram("fresh", "text", registry=CollectorRegistry()))
    for user_id in "abcd":
        watch.see(user_id, row(0, 1))
    assert list(watch._seen) == ["c", "d"]
