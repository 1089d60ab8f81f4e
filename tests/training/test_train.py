import pytest
import torch

from training.train import Data, pace, shuffle_ties


def windows(gaps: list[float]) -> dict[str, torch.Tensor]:
    rows = torch.arange(1, len(gaps) + 1)[None]
    return {"history_rows": rows, "history_actions": (rows > 2).long(), "history_gaps": torch.tensor([gaps]).float()}


def test_events_of_one_moment_come_in_any_order_and_others_keep_theirs() -> None:
    torch.manual_seed(0)
    orders = {tuple(shuffle_ties(windows([0, 0, 9, 5, 5, 1]))["history_rows"][0].tolist()[2:]) for _ in range(50)}
    assert orders == {(3, 4, 5, 6), (3, 5, 4, 6)}


def test_padding_stays_in_front() -> None:
    assert (shuffle_ties(windows([0, 0, 9, 5, 5, 1]))["history_actions"][0] == torch.tensor([0, 0, 1, 1, 1, 1])).all()


def test_every_window_comes_once_an_epoch() -> None:
    count = torch.arange(10)[:, None]
    fixed = {"history_gaps": count * 1.0, "history_actions": count + 1, "fresh": count}
    data = Data({"row": count}, {"rows": count}, fixed)
    dealt = [batch["fresh"].flatten().tolist() for batch, _, _ in data.batches(4, 3)]
    assert sorted(row for rows in dealt for row in rows) == list(range(10))
    assert len(dealt) == data.steps(4) == 3


def test_users_and_candidates_of_a_step_belong_together() -> None:
    count = torch.arange(10)[:, None]
    fixed = {"history_gaps": count * 1.0, "history_actions": count + 1, "fresh": count}
    for _, users, candidates in Data({"row": count}, {"rows": count}, fixed).batches(4, 3):
        assert torch.equal(users["row"], candidates["rows"]) and len(users["row"]) == 3


def test_the_learning_rate_rises_and_then_falls_to_its_end() -> None:
    assert pace(5, 10, 1000, 0.1) == pytest.approx(0.5, rel=0.01)
    assert pace(1000, 10, 1000, 0.1) == pytest.approx(0.1)
