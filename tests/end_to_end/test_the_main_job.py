"""Events in, rankings out: the whole system, every neighbour real."""

import re
import time
from typing import Any
from uuid import uuid4

from deploy.laptop.demo_probes import wait_until
from tests.end_to_end import world
from tests.end_to_end.conftest import Whole

CATALOGUE = world.items()["item_id"].tolist()


def rank(whole: Whole, user_id: str, items: list[str] = CATALOGUE) -> dict[str, float]:
    answer = whole.api.post("/v1/rank", json={"user_id": user_id, "items": items})
    assert answer.status_code == 200, answer.text
    return {entry["item_id"]: entry["score"] for entry in answer.json()["items"]}


def click(whole: Whole, user_id: str, *item_ids: str) -> None:
    events = [{"user_id": user_id, "item_id": item_id, "action": "click"} for item_id in item_ids]
    answer = whole.api.post("/v1/events", json=events)
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (len(events), [])


def lead(scores: dict[str, float], kind: str) -> float:
    """How far the mean score of one kind is above the other's."""
    own = [score for item_id, score in scores.items() if item_id.startswith(kind)]
    others = [score for item_id, score in scores.items() if not item_id.startswith(kind)]
    return sum(own) / len(own) - sum(others) / len(others)


def test_the_evaluation_prints_the_model_beside_the_baselines(whole: Whole) -> None:
    for name in ("NDCG@10", "recall@10", "MRR", "popularity", "live popularity", "item-kNN"):
        assert name in whole.evaluation, whole.evaluation


def test_a_click_over_http_changes_the_ranking(whole: Whole) -> None:
    user_id = f"newcomer-{uuid4().hex}"
    before = rank(whole, user_id)
    click(whole, user_id, "space-1", "space-2", "space-3")
    wait_until(
        lambda: lead(rank(whole, user_id), "space") > lead(before, "space") + 0.01, 30, "the clicks to be ranked"
    )
    after = rank(whole, user_id)
    assert lead(after, "space") > lead(before, "space")


def test_a_known_user_is_ranked_by_history_and_the_answer_names_the_model(whole: Whole) -> None:
    answer = whole.api.post("/v1/rank", json={"user_id": "space-fan-1", "items": CATALOGUE, "k": 5}).json()
    assert len(answer["items"]) == 5
    assert re.fullmatch(r"\S+", answer["model_version"])
    assert answer["request_id"]


def test_a_new_item_is_rankable_seconds_after_its_upsert(whole: Whole) -> None:
    item_id = f"space-new-{uuid4().hex}"
    item: dict[str, Any] = {"item_id": item_id, "title": "Rocket to Sirius", "categories": ["space"]}
    assert rank(whole, "space-fan-1", [item_id]) == {item_id: None}
    assert whole.api.post("/v1/items", json=item).json()["accepted"] == 1
    wait_until(lambda: rank(whole, "space-fan-1", [item_id])[item_id] is not None, 30, "the new item to be ranked")
    assert whole.api.post("/v1/items", json=item | {"hidden": True}).json()["accepted"] == 1
    wait_until(lambda: item_id not in rank(whole, "space-fan-1", [item_id]), 30, "the item to be hidden")


def test_the_items_of_the_training_are_not_encoded_again(whole: Whole) -> None:
    """What training read of an item has the fingerprint of what the API reads of it."""
    log = whole.system.log("api").read_text()
    before_any_upsert = log.partition("/v1/items")[0]
    assert "ranking with model" in before_any_upsert and "encoded" not in before_any_upsert


def test_a_changed_title_changes_the_score_until_it_changes_back(whole: Whole) -> None:
    """Also of an item the model was trained with; the same text has the same score again."""
    title = {row["item_id"]: row["title"] for row in world.items().to_dict("records")}["space-5"]
    trained = {"item_id": "space-5", "title": title, "categories": ["space"]}
    before = rank(whole, "nobody-yet")["space-5"]
    changed = trained | {"title": "Letters from Paris", "categories": ["romance"]}
    assert whole.api.post("/v1/items", json=changed).json()["accepted"] == 1
    wait_until(lambda: abs(rank(whole, "nobody-yet")["space-5"] - before) > 1e-4, 30, "the new title to be ranked")
    assert whole.api.post("/v1/items", json=trained).json()["accepted"] == 1
    wait_until(lambda: abs(rank(whole, "nobody-yet")["space-5"] - before) < 1e-4, 30, "the old title to be back")


def test_a_deleted_item_is_left_out_until_it_comes_back(whole: Whole) -> None:
    item = {"item_id": f"romance-new-{uuid4().hex}", "title": "Love in Oslo", "categories": ["romance"]}
    item_id = str(item["item_id"])
    assert whole.api.post("/v1/items", json=item).json()["accepted"] == 1
    wait_until(lambda: rank(whole, "space-fan-1", [item_id])[item_id] is not None, 30, "the new item to be ranked")
    assert whole.api.delete(f"/v1/items/{item_id}").status_code == 200
    wait_until(lambda: item_id not in rank(whole, "space-fan-1", [item_id]), 30, "the item to be gone")
    assert whole.api.post("/v1/items", json=item).json()["accepted"] == 1
    wait_until(lambda: rank(whole, "space-fan-1", [item_id]).get(item_id) is not None, 30, "the item to be back")
    measured = re.search(r"freshrank_item_rankable_seconds_count (\S+)", whole.api.get("/metrics").text)
    assert measured and float(measured[1]) > 0


def test_a_killed_worker_loses_nothing(whole: Whole) -> None:
    user_id = f"patient-{uuid4().hex}"
    before = rank(whole, user_id)
    whole.system.kill("worker")
    click(whole, user_id, "romance-1", "romance-2", "romance-3")
    time.sleep(0.5)  # nobody is there to count it
    assert abs(lead(rank(whole, user_id), "romance") - lead(before, "romance")) < 0.01
    whole.system.launch("worker")
    wait_until(
        lambda: lead(rank(whole, user_id), "romance") > lead(before, "romance") + 0.01, 60, "the clicks to count"
    )


def seconds_to_visible(whole: Whole) -> tuple[float, float]:
    """How many rows were met by a ranking for the first time, and the sum of their ages when they were written."""
    text = whole.api.get("/metrics").text
    [count] = re.findall(r"^freshrank_fresh_seconds_count (.+)$", text, re.MULTILINE)
    [total] = re.findall(r"^freshrank_fresh_seconds_sum (.+)$", text, re.MULTILINE)
    return float(count), float(total)


def test_the_time_from_a_click_to_its_being_visible_is_measured(whole: Whole) -> None:
    user_id = f"newcomer-{uuid4().hex}"
    before = seconds_to_visible(whole)
    click(whole, user_id, "space-1")

    def seen() -> bool:
        rank(whole, user_id)
        return seconds_to_visible(whole)[0] > before[0]

    wait_until(seen, 30, "the click to be seen by a ranking")
    count, total = seconds_to_visible(whole)
    assert count == before[0] + 1
    assert 0 < total - before[1] < 30


def test_the_metrics_count_what_was_asked(whole: Whole) -> None:
    rank(whole, "space-fan-1")
    text = whole.api.get("/metrics").text
    assert re.search(r'route="/v1/rank"', text), text[:2000]
