"""Slates among real neighbours: attributes come by Kafka, what was served lies in Redis."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.live import Api, announce, entry, eventually, running_api

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("slates")) as started:
        yield started


def recommend(api: Api, **wish: Any) -> Any:
    return api.ask("/v1/recommend", {"user_id": "nobody", "k": 5} | wish)


def ids(answer: Any) -> set[str]:
    return {place["item_id"] for place in answer["items"]}


def test_a_filter_sees_an_attribute_within_seconds_of_its_announcement(api: Api) -> None:
    wish = {"filter": 'brand == "Acme" and price < 3'}
    status, refused = recommend(api, **wish)
    assert (status, refused["error"]["field"]) == (422, "filter")
    entries = [entry(f"item-{n}", f"title {n}", item_attributes=["brand=Acme", f"price={n}.0"]) for n in range(5)]
    announce(api, *entries)
    eventually(lambda: recommend(api, **wish)[0] == 200)
    eventually(lambda: ids(recommend(api, **wish)[1]) == {"item-0", "item-1", "item-2"})


def test_what_was_served_at_home_is_not_served_again_and_other_surfaces_do_not_mind(api: Api) -> None:
    rehearsed = ids(api.ask("/v1/recommend?dry_run=1", {"user_id": "somebody", "k": 5, "surface": "home"})[1])
    first = ids(recommend(api, user_id="somebody", surface="home")[1])
    assert first == rehearsed
    eventually(lambda: 'freshrank_served_pages_total{outcome="kept"} 1.0' in api.text("/metrics"))
    second = recommend(api, user_id="somebody", surface="home")[1]
    assert second["degraded"] == [] and len(ids(second)) == 5 and not ids(second) & first
    assert ids(recommend(api, user_id="somebody")[1]) & first
