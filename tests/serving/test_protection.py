"""No way in for strangers: every route without a key, with a wrong one and with one that is good for something else."""

import logging

import pytest
from pydantic import SecretStr

from feature_repo.pseudonym import pseudonym
from serving.app import ROUTES
from serving.keys.key import Scope
from serving.keys.scopes import OPEN, SCOPES
from tests.serving.fakes import FakeBus, World, api
from tests.serving.keys.fakes import TEXTS, FakeTrail, bearer, guarded_api, key_of, unguarded_api

EVERY = [key_of(scope) for scope in Scope]
PATHS = [(method, path) for method, path, *_ in ROUTES]
CLOSED = [(method, path) for method, path in PATHS if SCOPES.get(f"{method} {path}", Scope.ADMIN) is not OPEN]


def concrete(path: str) -> str:
    return path.replace("{user_id}", "7").replace("{item_id}", "a")


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_route_says_which_scope_it_needs(method: str, path: str) -> None:
    assert f"{method} {path}" in SCOPES, "add the route to serving/keys/scopes.py"


def test_no_scope_is_kept_for_a_route_that_is_gone() -> None:
    assert set(SCOPES) == {f"{method} {path}" for method, path in PATHS}


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_a_key_with_a_wrong_one_and_with_an_under_scoped_one_nothing_is_done(method: str, path: str) -> None:
    world, trail = World(), FakeTrail()
    needed = SCOPES[f"{method} {path}"]
    with guarded_api(world, EVERY, trail) as client:
        missing = client.request(method, concrete(path), content=b"{}")
        wrong = [
            client.request(method, concrete(path), content=b"{}", headers=headers)
            for headers in (
                {"authorization": f"Bearer {TEXTS[Scope.ADMIN][:-1]}"},
                {"authorization": "Bearer "},
                {"authorization": f"Basic {TEXTS[Scope.ADMIN]}"},
                {"x-api-key": "frk_" + "0" * 12 + "_guess"},
                {"x-api-key": "é".encode("latin-1")},
            )
        ]
        others = [scope for scope in Scope if scope not in (needed, Scope.ADMIN)]
        scoped = [client.request(method, concrete(path), content=b"{}", headers=bearer(scope)) for scope in others]
    for answer in (missing, *wrong):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    for answer in scoped:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert str(needed) in answer.json()["error"]["message"]
    assert (world.bus.messages, world.ranker.calls, trail.actions) == ([], 0, [])


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_its_scope_and_admin_pass_the_gate(method: str, path: str) -> None:
    needed = SCOPES[f"{method} {path}"]
    assert needed is not None
    with guarded_api(World(), EVERY) as client:
        for scope in (needed, Scope.ADMIN):
            answer = client.request(method, concrete(path), content=b"{}", headers=bearer(scope))
            assert answer.status_code not in (401, 403, 429, 500)


def test_probes_need_no_key() -> None:
    with guarded_api(World(), []) as client:
        assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200


async def broken() -> str:
    return "triton at 10.0.0.7:8001 does not answer"


def test_what_is_wrong_with_a_neighbour_is_told_to_who_may_read_metrics_alone() -> None:
    with guarded_api(World(checks={"triton": broken}), EVERY) as client:
        stranger = client.get("/health/ready")
        scraper = client.get("/health/ready", headers=bearer(Scope.READ_METRICS))
    assert stranger.status_code == scraper.status_code == 503
    assert list(stranger.json()["not_ready"]) == ["triton"] and "10.0.0.7" not in stranger.text
    assert scraper.json()["not_ready"] == {"triton": "triton at 10.0.0.7:8001 does not answer"}


def test_a_key_may_come_in_either_header() -> None:
    with guarded_api(World(), EVERY) as client:
        body = {"user_id": "u", "items": ["a"]}
        header = {"x-api-key": TEXTS[Scope.READ_RANKINGS]}
        assert client.post("/v1/rank", json=body, headers=header).status_code == 200
        assert client.post("/v1/rank", json=body, headers=bearer(Scope.READ_RANKINGS)).status_code == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back_and_others_go_on() -> None:
    slow, other = key_of(Scope.READ_RANKINGS, per_second=0.5), key_of(Scope.ADMIN)
    with guarded_api(World(), [slow, other]) as client:
        body = {"user_id": "u", "items": ["a"]}
        first = client.post("/v1/rank", json=body, headers=bearer(Scope.READ_RANKINGS))
        second = client.post("/v1/rank", json=body, headers=bearer(Scope.READ_RANKINGS))
        third = client.post("/v1/rank", json=body, headers=bearer(Scope.ADMIN))
    assert [each.status_code for each in (first, second, third)] == [200, 429, 200]
    assert second.headers["retry-after"] == "2"
    assert second.json()["error"]["message"] == "this API key may ask 0.5 times a second"


def test_the_log_names_the_key_that_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "serving"), guarded_api(World(), EVERY) as client:
        client.post("/v1/rank", headers=bearer(Scope.READ_METRICS))
    assert " 403 " in caplog.text and f"key={TEXTS[Scope.READ_METRICS][4:16]}" in caplog.text


def test_what_admins_do_is_on_record_before_and_after_with_the_user_under_another_name() -> None:
    trail = FakeTrail()
    with guarded_api(World(), EVERY, trail, salt="pepper") as client:
        client.delete("/v1/users/jane@example.com", headers=bearer(Scope.ADMIN))
        client.delete("/v1/items/a", headers=bearer(Scope.ADMIN))
    asked, done, *item = trail.actions
    assert (asked.who, asked.action) == (f"{TEXTS[Scope.ADMIN][4:16]} admin", "DELETE /v1/users/{user_id}")
    assert (asked.outcome, done.outcome) == ("asked", "200")
    assert "jane" not in asked.subject and asked.subject == done.subject
    assert [each.subject for each in item] == ["a", "a"]


def test_an_id_that_nobody_has_is_on_record_in_letters_that_any_database_keeps() -> None:
    trail = FakeTrail()
    with guarded_api(World(), EVERY, trail) as client:
        client.delete("/v1/items/a%00b", headers=bearer(Scope.ADMIN))
        client.delete("/v1/items/" + "a" * 1000, headers=bearer(Scope.ADMIN))
    assert [each.subject for each in trail.actions] == ["a\\0b"] * 2 + ["a" * 256] * 2


def test_an_action_that_cannot_be_recorded_is_not_done() -> None:
    world = World()
    with guarded_api(world, EVERY, FakeTrail(away=True)) as client:
        answer = client.delete("/v1/users/7", headers=bearer(Scope.ADMIN))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "audit_unavailable")
    assert world.bus.messages == []


def test_with_keys_off_everybody_may_and_admin_actions_are_recorded_still() -> None:
    trail = FakeTrail()
    with unguarded_api(World(), trail) as client:
        assert client.delete("/v1/users/7").status_code == 200
    assert [(each.who, each.outcome) for each in trail.actions] == [("keys are off", "asked"), ("keys are off", "200")]


@pytest.mark.parametrize("path", ["/v1/rank", "/nowhere", "/health/live", "/v1/events"])
def test_every_answer_has_the_security_headers(path: str) -> None:
    with guarded_api(World(), EVERY) as client:
        headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"


def test_an_answer_to_an_unexpected_error_has_them_too_and_tells_nothing() -> None:
    with api(World(bus=FakeBus(error=RuntimeError("secret")))) as client:
        answer = client.post("/v1/users", json={"user_id": "u"})
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_pages_of_other_origins_may_ask_only_where_they_are_named() -> None:
    preflight = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    with api(World()) as client:
        answer = client.options("/v1/rank", headers=preflight)
        assert answer.status_code == 405 and "access-control-allow-origin" not in answer.headers
    world = World()
    world.settings = world.settings.model_copy(update={"cors_origins": ["https://shop.example"]})
    with guarded_api(world, EVERY) as client:
        assert (
            client.options("/v1/rank", headers=preflight).headers["access-control-allow-origin"] == preflight["origin"]
        )
        other = client.options("/v1/rank", headers=preflight | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        refused = client.post("/v1/rank", headers={"origin": "https://shop.example"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://shop.example")


def test_the_log_line_names_the_key_and_never_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "serving"), guarded_api(World(), EVERY) as client:
        client.post("/v1/rank", json={"user_id": "u", "items": ["a"]}, headers=bearer(Scope.READ_RANKINGS))
    text = TEXTS[Scope.READ_RANKINGS]
    assert f"key={text[4:16]}" in caplog.text and text not in caplog.text


def test_with_a_salt_no_log_line_names_a_user(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.settings = world.settings.model_copy(update={"user_salt": SecretStr("pepper")})
    jane = "jane@example.com"
    with caplog.at_level(logging.INFO), api(world) as client:
        client.post("/v1/rank", json={"user_id": jane, "items": ["a"]})
        client.post("/v1/recommend", json={"session_id": jane})
        client.post("/v1/search", json={"query": "a", "user_id": jane})
        client.post(f"/v1/users/{jane}/merge", json={"session_id": "s"})
        client.get(f"/v1/users/{jane}")
        client.get(f"/nowhere/{jane}")
        client.delete(f"/v1/users/{jane}")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("serving")]
    assert f"user='{pseudonym(jane, 'pepper')}'" in lines[0]
    assert len(lines) == 7 and not any("jane" in line for line in lines)
