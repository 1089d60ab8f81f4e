"""The measurement of ids, briefly; it compares the answers itself."""

from benchmarks.ids import measure, table


def test_both_ways_are_measured() -> None:
    found = measure(500, 20, rounds=3)
    assert found["us"] > 0 and found["dict_us"] > 0
    assert "500" in table([found])
