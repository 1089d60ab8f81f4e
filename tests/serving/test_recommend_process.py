"""Recommendations, similar items and search among real processes: what changes in the catalogue changes the answers."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.live import Api, announce, entry, eventually, running_api

pytestmark = pytest.mark.process
ALL = 60  # more than there are items


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API that searches by a graph, however few items there are."""
    patience = {"FRESHRANK_DEADLINE_MS": "5000", "FRESHRANK_CANDIDATES_TIMEOUT_MS": "2000"}
    with running_api(tmp_path_factory.mktemp("recommend"), FRESHRANK_EXACT_SEARCH_ITEMS="10", **patience) as started:
        yield started


def found(api: Api, path: str, **body: Any) -> list[str]:
    status, answer = api.ask(path, body)
    assert status == 200, answer
    return [place["item_id"] for place in answer["items"]]


def test_a_user_gets_the_best_of_the_catalogue(api: Api) -> None:
    eventually(lambda: len(found(api, "/v1/recommend", user_id="user-0", k=ALL)) > 20)  # without what they bought
    answer = api.ask("/v1/recommend", {"user_id": "user-0", "k": 5})[1]
    assert answer["degraded"] == [] and len(answer["items"]) == 5 and answer["took_ms"]["user_vector"] > 0
    scores = [place["score"] for place in answer["items"]]
    assert scores == sorted(scores, reverse=True) and {place["source"] for place in answer["items"]}


def test_many_users_are_answered_in_one_call(api: Api) -> None:
    asked = [{"user_id": f"user-{number}", "k": 3} for number in range(3)]
    status, answer = api.ask("/v1/batch", {"requests": asked})
    assert (status, [len(ranking["items"]) for ranking in answer["rankings"]]) == (200, [3, 3, 3])


def test_a_new_item_is_recommended_searched_and_similar_within_seconds(api: Api) -> None:
    published = {"item_published_at": time.time_ns() // 1_000_000 - 1000}
    announce(api, entry("zebra", "A zebra crossing", item_categories=["War"], **published))
    eventually(lambda: "zebra" in found(api, "/v1/recommend", user_id="nobody", k=ALL))
    eventually(lambda: found(api, "/v1/search", query="zebra", k=1) == ["zebra"])
    eventually(lambda: "zebra" in found(api, "/v1/similar", item_id="item-1", k=ALL))
    assert api.ask("/v1/similar?item_id=zebra&k=3")[0] == 200


def test_a_hidden_item_is_nowhere(api: Api) -> None:
    announce(api, entry("zebra", "A zebra crossing", item_available=False))
    eventually(lambda: "zebra" not in found(api, "/v1/recommend", user_id="nobody", k=ALL))
    assert "zebra" not in found(api, "/v1/search", query="zebra", k=ALL)
    assert "zebra" not in found(api, "/v1/similar", item_id="item-1", k=ALL)
