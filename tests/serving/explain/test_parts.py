"""The batch that lacks one part a row."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.inputs import tensors
from feature_repo.neighbours import NEAR
from feature_repo.vocabulary import HISTORY_LENGTH
from serving.explain.parts import BLANK, GROUPS, HISTORY, MOST, NEVER_LEFT_OUT, Batch, batch, without

CANDIDATES = 5


def inputs(met: list[str], filled: bool = True) -> dict[str, npt.NDArray[np.float32]]:
    """A request's tensors, of ones where ``filled``; the n-th interaction has action n + 1."""
    made = {}
    for name, shape, dtype in tensors():
        sizes = [CANDIDATES if isinstance(size, str) else size for size in shape]
        made[name] = np.full(sizes, 1 if filled else BLANK.get(name, 0), dtype)
    for name in HISTORY:
        made[name] = np.zeros_like(made[name])
        made[name][HISTORY_LENGTH - len(met) :] += np.arange(1, len(met) + 1).reshape(-1, *[1] * (made[name].ndim - 1))
    return made


def made(met: list[str], filled: bool = True, picks: tuple[int, ...] = (3, 1)) -> Batch:
    return batch(inputs(met, filled), np.array(picks), met, lambda kept: np.full((len(picks), NEAR), kept.sum()))


def test_the_first_row_is_the_request_for_the_picked_candidates() -> None:
    found, asked = made(["a", "b"]), inputs(["a", "b"])
    for name, shape, _ in tensors():
        expected = asked[name][[3, 1]] if "N" in shape else asked[name]
        assert (found.inputs[name][0] == expected).all()


def test_every_other_row_lacks_an_item_or_a_group() -> None:
    found = made(["a", "b", "a"])
    assert (found.item_ids, found.groups) == (["a", "b"], list(GROUPS))
    actions = found.inputs["history_actions"][:, -3:].tolist()
    assert actions[:3] == [[1, 2, 3], [0, 0, 2], [0, 1, 3]]
    assert found.inputs["user_item_near"][:3, 0, 0].tolist() == [1, 1, 2]
    for row, group in enumerate(found.groups, 3):
        for name in {tensor.name for tensor in tensors()} - set(HISTORY):
            lacking = name in GROUPS[group]
            assert (found.inputs[name][row] == (BLANK.get(name, 0) if lacking else 1)).all(), (group, name)


def test_what_is_not_there_needs_no_row() -> None:
    found = made([], filled=False)
    assert (found.item_ids, found.groups, len(found.inputs["history_actions"])) == ([], [], 1)


def test_the_newest_items_of_a_long_history_come_first_and_one_batch_of_triton_holds_them() -> None:
    found = made([str(number) for number in range(HISTORY_LENGTH)])
    assert found.item_ids == [str(number) for number in range(HISTORY_LENGTH - 1, HISTORY_LENGTH - 1 - MOST, -1)]
    assert len(found.inputs["history_actions"]) <= 64  # max_batch_size of triton_models/ranker/config.pbtxt


def test_every_tensor_belongs_to_a_part_or_is_said_to_belong_to_none() -> None:
    parts = {name for names in GROUPS.values() for name in names}
    assert parts | set(NEVER_LEFT_OUT) == {tensor.name for tensor in tensors()}


@given(st.lists(st.booleans(), max_size=8))
def test_what_is_kept_of_a_history_keeps_its_order_at_the_end(kept: list[bool]) -> None:
    entries = np.concatenate([np.zeros(8 - len(kept), np.int64), np.arange(1, len(kept) + 1)])
    left = without(entries, np.array(kept, bool))
    expected = [place for place, keeps in enumerate(kept, 1) if keeps]
    assert left.tolist() == [0] * (8 - len(expected)) + expected
