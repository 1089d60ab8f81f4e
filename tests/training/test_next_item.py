import torch

from training.model import Ranker
from training.next_item import catalogue_sample, met_before, trimmed, window_loss


def test_a_small_catalogue_is_ranked_as_a_whole() -> None:
    items, log_draws = catalogue_sample(torch.tensor([3, 3]), 6, negatives=10)
    assert items.tolist() == [1, 2, 3, 4, 5] and not log_draws.any()


def test_a_sample_of_a_large_catalogue_holds_all_targets() -> None:
    torch.manual_seed(0)
    items, log_draws = catalogue_sample(torch.tensor([30, 7, 7]), 1000, negatives=20)
    assert {7, 30} <= set(items.tolist()) and 0 not in items
    chances = dict(zip(items.tolist(), log_draws.exp().tolist(), strict=True))
    assert chances[7] > chances[30] > min(chances.values())


def windows(fresh: list[int]) -> dict[str, torch.Tensor]:
    rows = torch.zeros(1, 64, dtype=torch.int64)
    rows[0, -4:] = torch.tensor([1, 2, 3, 1])
    taught = torch.zeros(1, 64, dtype=torch.bool)
    taught[0, fresh] = True
    zeros, nobody = rows * 0.0, torch.zeros(1, 8, dtype=torch.int64)
    times = {"history_gaps": zeros, "request_hour": zeros, "request_weekday": zeros}
    history = {"history_rows": rows, "history_actions": rows.clamp(max=1), "user_attributes": nobody}
    return {**times, **history, "fresh": taught}


def test_only_fresh_entries_teach() -> None:
    torch.manual_seed(0)
    ranker, matrix = Ranker(1, 1, 8, 0.0), torch.randn(9, 64) * 0.1
    one, other, both = (window_loss(ranker, windows(fresh), matrix, 100) for fresh in ([-1], [-2], [-2, -1]))
    assert torch.isclose(both, (one + other) / 2, atol=1e-5)


def test_the_loss_reaches_the_vectors_of_the_history_and_of_the_catalogue() -> None:
    torch.manual_seed(0)
    ranker, matrix = Ranker(1, 1, 8, 0.0), torch.randn(9, 64, requires_grad=True)
    window_loss(ranker, windows([-1]), matrix, 100).backward()
    assert matrix.grad is not None and matrix.grad[1:].abs().sum(1).all()


def test_what_pads_all_histories_changes_nothing() -> None:
    torch.manual_seed(0)
    ranker, matrix, given = Ranker(1, 1, 8, 0.0), torch.randn(9, 64) * 0.1, windows([-2, -1])
    short = trimmed(given)
    assert short["history_rows"].tolist() == [[0, 1, 2, 3, 1]] and short["user_attributes"].shape == (1, 8)
    whole = ranker.history(matrix[given["history_rows"]], given["history_actions"], given["history_gaps"])
    part = ranker.history(matrix[short["history_rows"]], short["history_actions"], short["history_gaps"])
    assert torch.allclose(whole, part, atol=1e-5)
    newest = [ranker.recency.newest(matrix[each["history_rows"]], each["history_actions"]) for each in (given, short)]
    assert torch.allclose(*newest, atol=1e-6)


def test_likeness_along_a_history_ends_at_that_of_the_newest() -> None:
    torch.manual_seed(0)
    ranker, vectors = Ranker(1, 1, 8, 0.0), torch.randn(2, 64, 64)
    actions = (torch.arange(64) > torch.tensor([[40], [61]])).long()
    along = ranker.recency.along(vectors, actions)[:, -1]
    newest = (ranker.recency.pull[:, None] * ranker.recency.newest(vectors, actions)).sum(1)
    assert torch.allclose(along, newest, atol=1e-5)


def test_what_was_met_before_is_no_negative_and_what_comes_later_is_one() -> None:
    rows, taught = torch.tensor([[0, 4, 2, 7, 4]]), torch.tensor([[False, True, False, True]])
    met = met_before(rows[:, :-1], taught, torch.tensor([1, 2, 4, 7, 9]))
    assert met.tolist() == [[False, False, True, False, False], [False, True, True, True, False]]
