"""Liveness, readiness, metrics, and the log line."""

import logging
import time
from typing import Any

import numpy as np
import pytest

from feature_repo.item_text import content_fingerprint
from feature_repo.vocabulary import VECTOR_SIZE
from serving.app import ROUTES
from tests.serving.fakes import World, api
from tests.serving.item_fakes import titled


async def fine() -> str:
    return ""


async def broken() -> str:
    return "triton at 127.0.0.1:8001 does not answer"


def test_a_process_that_answers_is_live_whatever_its_neighbours_do() -> None:
    with api(World(checks={"triton": broken})) as client:
        assert client.get("/health/live").status_code == 200


def test_ready_when_every_neighbour_is() -> None:
    with api(World(checks={"broker": fine, "triton": fine})) as client:
        assert client.get("/health/ready").json() == {"ready": True, "items": 3, "items_unencoded": 0}


def test_items_that_wait_for_their_vectors_are_counted_and_leave_the_api_ready() -> None:
    world = World()
    world.catalogue.put("item_content", "new", titled("New"))
    with api(world) as client:
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["items_unencoded"]) == (200, 1)
        assert "freshrank_items_unencoded 1.0" in client.get("/metrics").text


def test_the_time_from_a_change_to_its_vector_is_measured() -> None:
    world, row = World(), titled("New", stamp=time.time_ns() // 1000 + 1)
    world.catalogue.put("item_content", "new", row)
    with api(world) as client:
        vector = np.ones((1, VECTOR_SIZE), np.float32)
        world.catalogue.vectors.put(["new"], np.array([content_fingerprint(row)]), vector, np.zeros_like(vector))
        assert "freshrank_item_rankable_seconds_count 1.0" in client.get("/metrics").text


def test_what_is_not_ready_is_named_with_the_reason() -> None:
    with api(World(checks={"broker": fine, "triton": broken})) as client:
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["not_ready"] == {"triton": "triton at 127.0.0.1:8001 does not answer"}
    assert answer.json()["request_id"]


def test_requests_stages_candidates_and_the_item_table_are_measured() -> None:
    with api(World()) as client:
        client.post("/v1/rank", json={"user_id": "u", "items": ["a", "b"]})
        metrics = client.get("/metrics").text
    for line in (
        'freshrank_request_seconds_count{route="/v1/rank",status="200"} 1.0',
        'freshrank_rank_stage_seconds_count{stage="triton"} 1.0',
        "freshrank_rank_candidates_sum 2.0",
        "freshrank_items 3.0",
        "freshrank_item_change_age_seconds -1.0",
        'freshrank_logged_rankings_total{outcome="logged"} 7.0',
    ):
        assert line in metrics


def test_unknown_paths_share_one_label() -> None:
    with api(World()) as client:
        client.get("/a")
        client.get("/b")
        assert 'freshrank_request_seconds_count{route="other",status="404"} 2.0' in client.get("/metrics").text


def test_two_apps_do_not_share_counts() -> None:
    with api(World()) as first, api(World()) as second:
        first.post("/v1/rank", json={"user_id": "u", "items": ["a"]})
        assert "freshrank_rank_candidates_count 0.0" in second.get("/metrics").text


def test_a_ranking_is_one_log_line_with_user_items_and_timings(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "serving"), api(World()) as client:
        client.post("/v1/rank", json={"user_id": "u\nforged", "items": ["a", "b"]})
        client.get("/health/live")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "serving.observation"]
    assert "/v1/rank 200" in line and r"user='u\nforged' items=2" in line and "triton=" in line


def test_every_route_is_documented_with_an_example() -> None:
    with api(World()) as client:
        paths: dict[str, Any] = client.get("/openapi.json").json()["paths"]
        assert client.get("/docs").status_code == 200
    assert set(paths) == {path for _, path, *_ in ROUTES}
    posted = [each[method] for each in paths.values() for method in ("post", "put") if method in each]
    bodies = [each["requestBody"]["content"] for each in posted]
    assert all("example" in content for body in bodies for content in body.values())


def test_an_error_can_be_found_in_the_log_by_its_request_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "serving"), api(World()) as client:
        refused = client.post("/v1/rank", json={"items": []}).json()
        lost = client.get("/nowhere").json()
    lines = [record.getMessage() for record in caplog.records if record.name == "serving.observation"]
    assert lines[0].endswith(f"request={refused['request_id']} error=invalid_request")
    assert lines[1].endswith(f"request={lost['request_id']} error=not_found")
