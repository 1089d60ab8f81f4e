"""One sentence that says why."""

import pytest

from serving.explain.explanation import Influence, StageMove
from serving.explain.sentence import NOTHING, Facts, because, sentence


def met(title: str, action: str = "like", adds: float = 1.0) -> Influence:
    return Influence(f"id of {title}", title, action, "2026-02-02T02:40:00.000Z", adds)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts([met("X"), met("Y")], {}, rising=True), "because you liked X and Y; rising today"),
        (Facts([met("X"), met("Y", "purchase")], {}), "because you liked X and bought Y"),
        (Facts([met("X"), met("Y", adds=0.1)], {}), "because you liked X"),
        (Facts([met("")], {}), "because you liked id of "),
        (Facts([met("X", adds=-1)], {"query": 0.5, "context": 0.1}), "it fits what you typed"),
        (Facts([], {}, new=True, source="new"), "new"),
        (Facts([], {"item_popularity": 0.2}, source="popular"), "popular now"),
        (Facts([met("X")], {}, [StageMove("pin", 9, 1)]), "pinned here; because you liked X"),
        (Facts([met("X")], {}, [StageMove("pin", added=1.0)]), "because you liked X"),
        (Facts([], {"item_popularity": -0.2, "history": 3.0}), NOTHING),
    ],
)
def test_a_sentence_names_what_counts(facts: Facts, said: str) -> None:
    assert sentence(facts) == said


def test_what_was_turned_down_is_no_reason() -> None:
    assert because([met("X", "dismiss"), met("Y")]) == ["because you liked Y"]


def test_an_item_without_a_title_is_named_by_its_id() -> None:
    assert because([Influence("50", "", "view", "", 1.0)]) == ["because you looked at 50"]
