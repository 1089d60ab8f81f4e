"""Rankings of users and items that are forgotten since."""

import msgspec

from feature_repo.erasure import Mark
from tests.fakes import MemoryErasures
from tests.training.logged import asked
from training.unforgotten import unforgotten

NOW = 1_750_000_000_000_000
STAMPS = {"user_profile": 0, "user_activity": NOW, "item_content": NOW - 5, "item_activity": NOW - 5}


def test_rankings_that_saw_void_rows_are_left_out() -> None:
    ann, bob = (asked(user_id, ["film", "song"], NOW, STAMPS) for user_id in ("ann", "bob"))
    erasures = MemoryErasures({("user_activity", "ann"): Mark(NOW), ("user_profile", "bob"): Mark(NOW)})
    assert unforgotten([ann, bob], erasures) == [bob]  # type: ignore[arg-type]
    came_back = asked("ann", ["film"], NOW + 9, STAMPS | {"user_activity": NOW + 1})
    assert unforgotten([came_back], erasures) == [came_back]  # type: ignore[arg-type]
    erasures.known["item_content", "song"] = Mark(NOW)
    assert unforgotten([came_back, bob], erasures) == [came_back]  # type: ignore[arg-type]
    assert unforgotten([], erasures) == []  # type: ignore[arg-type]


def test_rankings_that_saw_a_history_with_a_forgotten_item_are_left_out() -> None:
    ann, bob = (asked(user_id, ["film", "song"], NOW, STAMPS) for user_id in ("ann", "bob"))
    ann = msgspec.structs.replace(ann, history_item_ids=["banned", "song"])
    erasures = MemoryErasures({("item_activity", "banned"): Mark(NOW - 9)})
    assert unforgotten([ann, bob], erasures) == [bob]  # type: ignore[arg-type]
