"""What a context says, whoever asks: the same online and offline."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.buckets import attribute_buckets
from feature_repo.context import (
    KEY_LENGTH,
    NAMED,
    QUERY_LENGTH,
    VALUE_LENGTH,
    context_buckets,
    from_json,
    query_text,
    to_json,
    understood,
    without_query,
)
from feature_repo.inputs import user_inputs
from feature_repo.vocabulary import ATTRIBUTES, VECTOR_SIZE

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=VALUE_LENGTH + 9)
keys = st.sampled_from([*NAMED, "query", "", "a"]) | text
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | text
contexts = st.dictionaries(keys, scalars | st.lists(scalars, max_size=2) | st.dictionaries(keys, scalars, max_size=2))


def buckets(context: Mapping[str, Any] | None) -> list[int]:
    found: list[int] = context_buckets(context).tolist()
    return found


@given(contexts, st.randoms())
def test_request_log_and_ranking_give_the_same_tensors(context: dict[str, Any], shuffle: Any) -> None:
    request = msgspec.json.decode(msgspec.json.encode(context))  # as a client sends it
    pairs = list(request.items())
    shuffle.shuffle(pairs)
    offline = from_json(to_json(dict(pairs)))  # as a label has it
    logged = msgspec.msgpack.decode(msgspec.msgpack.encode(understood(request)))  # as the skew check has it
    assert buckets(request) == buckets(offline) == buckets(logged)
    assert query_text(request) == query_text(offline) == query_text(logged)


@given(contexts)
def test_any_context_gives_tensors_of_one_shape_within_their_range(context: dict[str, Any]) -> None:
    found = context_buckets(context)
    assert (found.shape, found.dtype) == ((ATTRIBUTES,), np.int64)
    assert ((found >= 0) & (found < 4096)).all()
    assert len(query_text(context)) <= QUERY_LENGTH
    assert understood(understood(context)) == understood(context)


def test_named_keys_come_first_and_the_others_by_name() -> None:
    given = {"z": "1", "a": "2", "referrer": "r", "country": "DE", "device": "tv", "surface": "home", "query": "tea"}
    expected = ["device=tv", "country=DE", "surface=home", "referrer=r", "a=2", "z=1"]
    assert buckets(given) == attribute_buckets(expected).tolist()


def test_what_is_beyond_the_limit_is_the_last_by_name() -> None:
    given = {f"k{number}": "v" for number in range(20)} | {"device": "tv"}
    kept = understood(given)
    assert kept is not None and list(kept) == ["device", "k0", "k1", "k10", "k11", "k12", "k13", "k14"]


@pytest.mark.parametrize(
    ("value", "read_as"),
    [(" tv ", "tv"), (1, "1"), (1.0, "1"), (1.5, "1.5"), (True, "true"), ("TV", "TV"), ("x" * 999, "x" * VALUE_LENGTH)],
)
def test_text_numbers_and_booleans_count_as_text(value: Any, read_as: str) -> None:
    assert understood({"device": value}) == {"device": read_as}


@pytest.mark.parametrize("value", [None, "", "  ", [], ["tv"], {}, {"a": 1}, 2**63, -1e300])
def test_what_says_nothing_is_left_out(value: Any) -> None:
    assert understood({"device": value}) is None and not any(buckets({"device": value}))


def test_a_key_that_is_too_long_is_cut() -> None:
    assert understood({"k" * 999: "v"}) == {"k" * KEY_LENGTH: "v"}


def test_keys_nobody_planned_for_have_buckets_of_their_own() -> None:
    assert len({buckets({key: "1"})[0] for key in ("a", "b", "c")}) == 3


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("  blue \n cup ", "blue cup"), (1984, "1984"), (["tea"], ""), (None, ""), ("x" * 9999, "x" * QUERY_LENGTH)],
)
def test_a_query_is_its_text_with_blanks_settled(typed: Any, expected: str) -> None:
    assert query_text({"query": typed}) == expected
    assert not any(buckets({"query": typed}))


def test_a_query_that_is_lost_leaves_the_rest() -> None:
    assert without_query({"query": "tea", "device": "tv"}) == {"device": "tv"}
    assert without_query(None) is None


def test_the_log_keeps_what_was_said_and_no_more() -> None:
    assert to_json({"b": {"y": 1, "x": None}, "a": None, "c": float("nan")}) == '{"b":{"x":null,"y":1}}'
    assert [to_json(None), to_json({}), to_json({"a": None}), from_json(""), from_json(None)] == [None] * 5


def test_a_request_without_context_shares_its_tensors_with_others() -> None:
    one, other = (user_inputs({}, {}, 0, lambda ids: np.zeros((len(ids), VECTOR_SIZE)), None) for _ in range(2))
    for name in ("request_context", "query_vector"):
        assert one[name] is other[name] and not one[name].any() and not one[name].flags.writeable


def test_context_and_query_reach_the_tensors() -> None:
    query = np.ones(VECTOR_SIZE, np.float32)
    inputs = user_inputs({}, {}, 0, lambda ids: np.zeros((len(ids), VECTOR_SIZE)), {"device": "tv"}, query)
    assert inputs["request_context"].tolist() == attribute_buckets(["device=tv"]).tolist()
    assert inputs["query_vector"] is query
