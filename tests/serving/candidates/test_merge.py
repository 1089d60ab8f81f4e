"""How what several sources found becomes one list."""

from hypothesis import given
from hypothesis import strategies as st

from serving.candidates.merge import merge

FOUND = st.dictionaries(
    st.sampled_from(["similar", "together", "popular", "new"]), st.lists(st.integers(0, 60), unique=True, max_size=40)
)
SHARES = st.dictionaries(st.sampled_from(["similar", "together", "popular"]), st.floats(0, 1))


def test_each_source_gets_its_share_and_the_rest_goes_round() -> None:
    found = {"a": [1, 2, 3, 4], "b": [2, 5, 6, 7]}
    assert merge(found, {"a": 0.25, "b": 0.25}, 4) == {1: "a", 2: "b", 3: "a", 5: "b"}


def test_an_item_belongs_to_the_first_source_that_claims_it() -> None:
    assert merge({"a": [1], "b": [1, 2]}, {"a": 1, "b": 1}, 5) == {1: "a", 2: "b"}


def test_a_source_without_candidates_leaves_its_place_to_others() -> None:
    assert merge({"a": [], "b": [1, 2, 3]}, {"a": 0.9, "b": 0.1}, 3) == {1: "b", 2: "b", 3: "b"}


@given(FOUND, SHARES, st.integers(1, 50))
def test_nothing_is_invented_or_repeated_and_no_place_is_wasted(
    found: dict[str, list[int]], quotas: dict[str, float], size: int
) -> None:
    merged = merge(found, quotas, size)
    everything = {row for rows in found.values() for row in rows}
    assert len(merged) == min(size, len(everything))
    assert all(row in found[source] for row, source in merged.items())


@given(FOUND, SHARES, st.integers(1, 50))
def test_the_best_of_every_source_with_a_share_is_there_as_long_as_shares_fit(
    found: dict[str, list[int]], quotas: dict[str, float], size: int
) -> None:
    shared = {source: quotas.get(source, 0.0) for source, rows in found.items() if rows}
    if sum(shared.values()) * size + len(shared) <= size:
        merged = merge(found, quotas, size)
        assert all(found[source][0] in merged for source, share in shared.items() if share > 0)
