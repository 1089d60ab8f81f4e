"""The catalogue among real processes: what a changed, hidden, deleted or new item is in the next rankings."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.rank_system import stores, vectors
from benchmarks.tiny_model import write_bundle
from deploy.laptop.triton import refresh
from feature_repo.features import item_activity, user_activity
from feature_repo.online import OnlineRows
from feature_repo.store import open_store
from tests.serving.live import ITEMS, Api, announce, entry, eventually, eventually_ready, running_api, without

pytestmark = pytest.mark.process
BURST = 300


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("items")) as started:
        yield started


def waiting(api: Api) -> int:
    return int(api.ask("/health/ready")[1]["items_unencoded"])


def measured(api: Api) -> tuple[int, float]:
    """How many changes got their vectors, and the seconds they took together."""
    text = api.text("/metrics")
    count, total = (re.search(rf"freshrank_item_rankable_seconds_{name} (\S+)", text) for name in ("count", "sum"))
    assert count and total
    return int(float(count[1])), float(total[1])


def test_a_new_item_is_rankable_within_seconds_of_its_upsert(api: Api) -> None:
    before = measured(api)
    assert api.rank("brand-new")[1]["unknown_items"] == ["brand-new"]
    announce(api, entry("brand-new", "Brand new", item_categories=["War"]))
    eventually(lambda: api.scores("brand-new")["brand-new"] is not None)
    count, seconds = (now - then for now, then in zip(measured(api), before, strict=True))
    assert count == 1
    print(f"upsert -> rankable: {seconds:.3f} s")


def test_a_changed_title_changes_the_score_and_a_restart_does_not(api: Api) -> None:
    """The tiny encoder counts tokens; rank_system.py says that all of a vector was learned beyond the text."""
    announce(api, entry("item-3", "Four words and more"))
    by_id = dict(zip(api.item_ids, vectors(ITEMS, 0).astype(np.float32), strict=True))
    by_id["item-3"] += 4
    store = open_store(stores(api.system.environment))
    history = OnlineRows(store, user_activity).read(["user-0"])["user-0"].values["history_item_ids"]
    rate = OnlineRows(store, item_activity).read(["item-3"])["item-3"].values["item_ctr_7d"]
    expected = pytest.approx(by_id["item-3"] @ sum(by_id[item_id] for item_id in history) + rate, rel=1e-4)
    eventually(lambda: api.scores("item-3")["item-3"] == expected and not waiting(api))
    before = api.scores()
    with without(api, "api"):
        pass
    eventually_ready(api)
    eventually(lambda: not waiting(api) and api.scores() == before)


def test_an_item_is_hidden_and_shown_again(api: Api) -> None:
    score = api.scores("item-5")["item-5"]
    content = {"item_text": "A text that no ranking reads.", "item_categories": ["Romance", "Action"]}
    announce(api, entry("item-5", "Title 5", item_available=False, **content))
    eventually(lambda: api.rank("item-5", "item-6")[1]["unavailable_items"] == ["item-5"])
    assert "item-5" not in api.scores("item-5", "item-6")
    announce(api, entry("item-5", "Title 5", **content))
    eventually(lambda: not api.rank("item-5", "item-6")[1]["unavailable_items"])
    assert score is not None


def test_an_item_is_deleted_and_comes_back(api: Api) -> None:
    announce(api, entry("item-8", "", item_available=False))
    eventually(lambda: api.rank("item-8")[1]["unavailable_items"] == ["item-8"])
    assert not waiting(api)
    announce(api, entry("item-8", "Back again"))
    eventually(lambda: api.scores("item-8").get("item-8") is not None and not waiting(api))


def test_an_item_that_comes_while_triton_is_away_is_rankable_when_it_is_back(api: Api) -> None:
    with without(api, "triton"):
        announce(api, entry("patient", "Patient"), entry("item-9", "Changed meanwhile"))
        eventually(lambda: waiting(api) == 2)
    eventually(lambda: not waiting(api))
    assert set(api.scores("patient", "item-9")) == {"patient", "item-9"}
    assert None not in api.scores("patient", "item-9").values()


def test_a_burst_of_upserts_is_encoded_while_rankings_are_answered(api: Api) -> None:
    burst = [f"burst-{place}" for place in range(BURST)]
    announce(api, *(entry(item_id, f"Title {place} of a burst") for place, item_id in enumerate(burst)))
    answers = []

    def done() -> bool:
        answers.append(api.rank(*burst))
        return not answers[-1][1]["unknown_items"]

    eventually(done)
    assert {status for status, _ in answers} == {200}
    assert "waiting for their vectors: 0" in api.system.log("api").read_text()


def test_another_model_encodes_what_it_does_not_know(api: Api) -> None:
    settings = api.system.settings
    announce(api, entry("seen-by-one", "Seen by one"))
    eventually(lambda: api.scores("seen-by-one")["seen-by-one"] is not None)
    bundles = Path(api.system.environment["FRESHRANK_BUNDLES"])
    write_bundle(bundles, settings.model_repository, api.item_ids, vectors(ITEMS, 1), version=2)
    refresh(settings)
    eventually(lambda: api.rank("seen-by-one")[1]["model_version"] == "tiny-2")
    eventually(lambda: api.scores("seen-by-one")["seen-by-one"] is not None and not waiting(api))
