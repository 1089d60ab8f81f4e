"""Neighbours that hang, die and come back while rankings are asked for, thirty a second."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.faults import FAULTS, Load, during
from serving.aiming import LOST
from tests.serving.live import Api, eventually, running_api

pytestmark = pytest.mark.process
DEADLINE_MS = 1000
LACKING = {"triton": "triton: ", "online-store": "online_store: ", "broker": ""}  # a ranking needs no broker


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("faults")) as started:
        yield started


@pytest.mark.parametrize("fault", FAULTS)
def test_recommendations_look_along_what_was_met_last_while_triton_is_away(api: Api, fault: str) -> None:
    def body(number: int) -> bytes:
        return json.dumps({"user_id": f"user-{number % 3}", "k": 5, "deadline_ms": DEADLINE_MS}).encode()

    eventually(lambda: api.ask("/v1/recommend", {"user_id": "user-0"})[1]["degraded"] == [])
    outcomes = during(api.system, "triton", fault, Load(body, 30, "/v1/recommend"))
    assert {outcome.status for outcome in outcomes} == {200}
    answers = [json.loads(outcome.body) for outcome in outcomes]
    assert any(LOST in answer["degraded"] for answer in answers)
    assert all(len(answer["items"]) == 5 for answer in answers)
    assert np.percentile([answer["took_ms"]["total"] for answer in answers], 99) <= DEADLINE_MS
    eventually(lambda: api.ask("/v1/recommend", {"user_id": "user-0"})[1]["degraded"] == [])


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("process", LACKING)
def test_rankings_go_on_while_a_neighbour_is_away(api: Api, process: str, fault: str) -> None:
    def body(number: int) -> bytes:
        asked = {"user_id": f"user-{number % 3}", "items": api.item_ids, "deadline_ms": DEADLINE_MS}
        return json.dumps(asked).encode()

    eventually(lambda: api.rank()[1]["degraded"] == [])
    outcomes = during(api.system, process, fault, Load(body, rate=30))
    assert {outcome.status for outcome in outcomes} == {200}
    answers = [json.loads(outcome.body) for outcome in outcomes]
    lacked = {what for answer in answers for what in answer["degraded"]}
    assert any(what.startswith(LACKING[process]) for what in lacked) or not LACKING[process], lacked
    assert all(len(answer["items"]) == len(api.item_ids) for answer in answers)
    assert np.percentile([answer["took_ms"]["total"] for answer in answers], 99) <= DEADLINE_MS
    eventually(lambda: api.rank()[1]["degraded"] == [])
