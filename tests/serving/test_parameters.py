"""Parameters of URLs that no route has are told, and nothing is done."""

import pytest

from serving.app import ROUTES
from tests.serving.fakes import World, api

OURS = [(method, path) for method, path, *_ in ROUTES if path.startswith("/v1/")]


@pytest.mark.parametrize(("method", "path"), OURS)
@pytest.mark.parametrize("query", ["dryrun=1", "dryrun=", "dry_run=1&colour=red"])
def test_an_unknown_parameter_is_refused_by_its_name(method: str, path: str, query: str) -> None:
    world = World()
    with api(world) as client:
        answer = client.request(method, f"{path}?{query}", content=b'{"user_id": "u", "items": ["a"]}')
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request")
    assert error["field"] in query and f"`{error['field']}`" in error["message"]
    assert (world.bus.messages, world.ranker.calls) == ([], 0)


def test_the_refusal_says_what_the_route_takes() -> None:
    with api(World()) as client:
        rank = client.post("/v1/rank?dryrun=1", json={"user_id": "u", "items": ["a"]}).json()
        batch = client.post("/v1/batch?dry_run=1", json={"requests": []}).json()
    assert rank["error"]["message"] == "the URL has an unknown parameter `dryrun`: this route takes dry_run"
    assert batch["error"]["message"] == "the URL has an unknown parameter `dry_run`: this route takes none"


def test_routes_of_other_systems_take_what_their_callers_say() -> None:
    world = World()
    with api(world) as client:
        assert client.delete("/api/user/u?cursor=1").status_code == 200
    assert len(world.bus.messages) == 1
