import pytest
import torch
from torch import Tensor

from training.batches import Batch, Data, shuffle_ties


def windows(gaps: list[float]) -> dict[str, Tensor]:
    """One window of rows 1, 2, ...; the first two entries are padding, equal gaps are of one moment."""
    times = -torch.tensor([gaps])
    order = torch.cat([torch.zeros(1, 1), times.diff() != 0], 1).cumsum(1)
    order[:, :2] = -1
    rows = torch.arange(1, len(gaps) + 1)[None]
    return {"history_rows": rows, "history_actions": (rows > 2).long(), "history_order": order, "fresh": rows > 2}


def counted(rows: int) -> Data:
    """Rows that know their number."""
    count = torch.arange(rows)[:, None]
    fixed = {"history_order": count, "fresh": count}
    return Data({"row": count}, {"rows": count}, fixed)


def dealt(data: Data, **options: int) -> list[tuple[list[int], list[int]]]:
    return [
        (batch.windows["fresh"].flatten().tolist(), batch.users["row"].flatten().tolist())
        for batch in data.batches(4, 3, **options)
    ]


def test_events_of_one_moment_come_in_any_order_and_others_keep_theirs() -> None:
    torch.manual_seed(0)
    orders = {tuple(shuffle_ties(windows([0, 0, 9, 5, 5, 1]))["history_rows"][0].tolist()[2:]) for _ in range(50)}
    assert orders == {(3, 4, 5, 6), (3, 5, 4, 6)}


def test_padding_stays_in_front() -> None:
    assert (shuffle_ties(windows([0, 0, 9, 5, 5, 1]))["history_actions"][0] == torch.tensor([0, 0, 1, 1, 1, 1])).all()


def test_every_window_comes_once_an_epoch() -> None:
    found = [rows for rows, _ in dealt(counted(10))]
    assert sorted(row for rows in found for row in rows) == list(range(10))
    assert len(found) == counted(10).steps(4) == 3


def test_users_and_candidates_of_a_step_belong_together() -> None:
    for batch in counted(10).batches(4, 3):
        assert torch.equal(batch.users["row"], batch.candidates["rows"]) and len(batch.users["row"]) == 3


def test_labels_are_dealt_round_and_round() -> None:
    found = [row for _, rows in dealt(counted(10)) for row in rows]
    assert len(set(found)) == 9


def test_a_seed_deals_the_same_epoch_again_and_another_seed_another() -> None:
    assert dealt(counted(10), seed=1) == dealt(counted(10), seed=1) != dealt(counted(10), seed=2)


def test_an_epoch_goes_on_where_it_was_left() -> None:
    assert dealt(counted(10), seed=1, skip=2) == dealt(counted(10), seed=1)[2:]


@pytest.mark.parametrize("parts", [1, 2, 3, 20])
def test_the_parts_of_a_batch_are_the_batch(parts: int) -> None:
    [batch] = counted(10).batches(10, 7)
    cut = [batch.part(number, parts) for number in range(parts)]
    for name in ("windows", "users", "candidates"):
        for key, whole in getattr(batch, name).items():
            assert torch.equal(torch.cat([getattr(each, name)[key] for each in cut]), whole)


def test_a_batch_moves_to_a_device() -> None:
    [batch] = counted(3).batches(3, 3)
    assert isinstance(batch.to(torch.device("meta")), Batch)
    assert batch.to(torch.device("meta")).users["row"].device.type == "meta"
