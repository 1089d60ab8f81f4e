"""Rows a worker remembers."""

from streaming.cache import RowCache


class Store:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def read(self, keys: list[str]) -> dict[str, str]:
        self.asked.append(keys)
        return {key: key.upper() for key in keys if key != "unknown"}


def test_missing_rows_are_read_in_one_batch_and_once() -> None:
    store = Store()
    cache = RowCache(store.read, 10)
    assert cache.get_all(["a", "b", "a"]) == {"a": "A", "b": "B"}
    assert cache.get_all(["b", "c"]) == {"b": "B", "c": "C"}
    assert store.asked == [["a", "b"], ["c"]]


def test_what_the_store_does_not_have_is_not_in_the_answer() -> None:
    assert RowCache(Store().read, 10).get_all(["unknown", "a"]) == {"a": "A"}


def test_the_least_recently_written_row_makes_room() -> None:
    store = Store()
    cache = RowCache(store.read, 2)
    cache.put_all({"a": "1", "b": "2"})
    cache.put_all({"a": "3"})
    cache.put_all({"c": "4"})
    assert len(cache) == 2
    assert cache.get_all(["a", "c"]) == {"a": "3", "c": "4"}
    assert store.asked == []


def test_a_batch_larger_than_the_cache_is_answered_whole() -> None:
    assert len(RowCache(Store().read, 2).get_all("abcdef")) == 6


def test_what_was_kept_too_long_is_read_again() -> None:
    store = Store()
    cache = RowCache(store.read, 10, keep_s=0)
    cache.get_all(["a"])
    cache.get_all(["a"])
    assert store.asked == [["a"], ["a"]]


def test_a_cleared_cache_reads_everything_again() -> None:
    store = Store()
    cache = RowCache(store.read, 10)
    cache.get_all(["a"])
    cache.clear()
    cache.get_all(["a"])
    assert store.asked == [["a"], ["a"]]
