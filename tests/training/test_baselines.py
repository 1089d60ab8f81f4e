"""Each baseline on a handful of items, where one can say what it must answer."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from training.baselines import FITS, UnknownBaseline, als, chosen, ease, hybrid, item_knn, popularity, text_knn
from training.baselines.live_popularity import LivePopularity
from training.baselines.past import Past, histories
from training.cases import Case

TEXTS = ("red tea cup", "blue tea cup", "steel saw", "steel nail")


def case(timestamp: int = 0, *seen: int) -> Case:
    return Case("u", "i", 0, np.array(seen, np.int64), timestamp, {}, {})


def past(users: Sequence[int], rows: Sequence[int], texts: Sequence[str] = TEXTS) -> Past:
    times = np.arange(len(rows), dtype=float)
    return Past(np.array(users), np.array(rows), times, np.array([], int), np.array([]), texts)


PAIRS = past([0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 0, 1, 2, 3, 2, 3])  # two groups of users, two groups of items


def live(times: Sequence[float], later: Sequence[float]) -> LivePopularity:
    """Item 0 before the cutoff, item 1 after it."""
    before, after = np.zeros(len(times), int), np.ones(len(later), int)
    return LivePopularity(before, np.array(times), after, np.array(later), 2)


def test_popularity_counts_what_came_before_the_cutoff() -> None:
    assert popularity.fit(past([0, 1, 2], [2, 2, 0]))([case()]).tolist() == [[1, 0, 2, 0]]


def test_live_popularity_goes_on_counting_strictly_before_the_case() -> None:
    scores = live([0.0, 20.0], [30.0, 40.0])([case(30), case(40), case(41), case(99)])[:, 1]
    assert scores[0] == 0 and scores[1] > 0
    assert scores[2] == scores[3] > scores[1]


def test_live_popularity_prefers_the_newer_of_two() -> None:
    newer_last = LivePopularity(np.array([0, 1]), np.array([0.0, 100.0]), np.array([], int), np.array([]), 2)
    older, newer = newer_last([case(100)])[0]
    assert newer == pytest.approx(1.0) and older < 1e-5


def test_the_nearest_items_share_their_users() -> None:
    scores = item_knn.fit(past([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 2, 3]))([case(0, 0)])[0]
    assert scores[1] > scores[2] == scores[3] == 0


def test_only_so_many_neighbours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_knn, "NEIGHBOURS", 2)
    monkeypatch.setattr(item_knn, "CELLS", 8)
    scores = item_knn.fit(past([0, 0, 1, 1, 1, 2, 2], [0, 1, 0, 1, 2, 0, 1]))([case(0, 0)])[0]
    assert np.count_nonzero(scores) == 2  # itself and item 1


def test_texts_with_the_same_words_are_near_whoever_met_them() -> None:
    scores = text_knn.fit(past([0], [3]))([case(0, 0)])[0]
    assert scores[1] > scores[2] == scores[3] == 0


def test_only_the_last_texts_count() -> None:
    long_ago, lately = [0] * 1, [2] * text_knn.LAST
    assert text_knn.fit(past([0], [3]))([case(0, *long_ago, *lately)])[0][1] == 0


def test_texts_without_words_score_nothing() -> None:
    assert text_knn.fit(past([0], [0], ("", "")))([case(0, 0)]).tolist() == [[0, 0]]


def test_the_hybrid_follows_texts_where_behaviour_is_silent() -> None:
    scores = hybrid.fit(past([0, 0], [0, 2]))([case(0, 0), case(0, 1)])
    assert scores[0].argmax() == 2 or scores[0][2] == pytest.approx(scores[0][1])
    assert scores[1].argmax() == 0


def test_ease_withholds_the_diagonal_and_finds_the_pair() -> None:
    scores = ease.fit(PAIRS)([case(0, 0)])[0]
    assert scores[0] == 0 and scores.argmax() == 1


def test_ease_solves_the_ridge_regression_of_each_item_on_the_others() -> None:
    met = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]], float)
    users, rows = met.nonzero()
    scores = ease.fit(past(users.tolist(), rows.tolist(), TEXTS[:3]))([case(0, 1), case(0, 2)])[:, 0]
    others = met[:, 1:]
    weights = np.linalg.solve(others.T @ others + ease.PENALTY * np.eye(2), others.T @ met[:, 0])
    assert scores == pytest.approx(weights, rel=1e-5)


def test_als_tells_the_groups_apart() -> None:
    scores = als.fit(PAIRS)([case(0, 0)])[0]
    assert min(scores[:2]) > 0.5 > 0.01 > max(scores[2:])


def test_als_solves_for_a_user_by_confidence_in_what_was_met() -> None:
    """(Y'Y + Y'(C - I)Y + penalty) x = Y'C p: Hu, Koren and Volinsky, equation 4."""
    scorer = als.fit(PAIRS)
    items = np.asarray(scorer.item_factors, np.float64)
    confidence = np.array([als.CONFIDENCE, 1, als.CONFIDENCE, 1])
    gram = items.T @ (confidence[:, None] * items) + als.PENALTY * np.eye(als.FACTORS)
    expected = items @ np.linalg.solve(gram, items.T @ (als.CONFIDENCE * np.array([1, 0, 1, 0])))
    assert scorer([case(0, 0, 2)])[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", ["item-kNN", "text kNN", "item-kNN + text", "ALS", "EASE"])
def test_a_user_who_saw_nothing_gets_no_preference(name: str) -> None:
    assert FITS[name](PAIRS)([case()]).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("name", FITS)
def test_cases_together_score_as_each_alone(name: str) -> None:
    cases = [case(2, 0, 1), case(3), case(5, 2)]
    alone: npt.NDArray[np.float64] = np.concatenate([FITS[name](PAIRS)([each]) for each in cases])
    single = 1e-6 if name == "ALS" else 0  # solved for in single precision
    np.testing.assert_allclose(FITS[name](PAIRS)(cases), alone, atol=single)


def test_a_repeat_counts_once_in_a_history() -> None:
    assert histories([case(0, 1, 1, 3)], 4).toarray().tolist() == [[0, 1, 0, 1]]


def test_names_choose_baselines_and_unknown_ones_are_refused() -> None:
    assert chosen("none", PAIRS) == [] and chosen("all", PAIRS) == list(FITS)
    assert chosen("ease, popularity,SASRec", PAIRS) == ["EASE", "popularity"]
    with pytest.raises(UnknownBaseline, match="lightgcn"):
        chosen("ease,lightgcn", PAIRS)


def test_the_fast_ones_leave_ease_out_of_large_catalogues() -> None:
    assert "EASE" in chosen("fast", PAIRS)
    assert "EASE" not in chosen("fast", past([0], [0], [""] * (ease.FAST_ITEMS + 1)))
