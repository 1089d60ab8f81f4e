"""Windows of histories, read from whole columns, against the inputs the ranker is given in serving."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.inputs import user_inputs
from training.columns import right_aligned
from training.samples import read_catalogue
from training.windows import fresh, read_windows


def test_windows_know_which_entries_teach(snapshot: Path) -> None:
    windows = read_windows(snapshot, read_catalogue(snapshot), "train")
    assert windows["fresh"].any() and not (windows["fresh"] & (windows["history_actions"] == 0)).any()
    assert (np.diff(windows["history_gaps"][:, -2:]) <= 0).all()


def test_windows_hold_what_the_ranker_would_be_given(snapshot: Path) -> None:
    catalogue = read_catalogue(snapshot)
    windows = read_windows(snapshot, catalogue, "train")
    rows = pq.read_table(snapshot / "windows.parquet", filters=[("split", "==", "train")]).to_pylist()
    for place, row in enumerate(rows):
        given_to_it = user_inputs(row, row, row["user_activity_at"], catalogue.look_up)
        for name in ("history_actions", "history_gaps", "user_attributes"):
            assert np.array_equal(windows[name][place], given_to_it[name]), name
        assert np.array_equal(windows["history_rows"][place], given_to_it["history_vectors"][:, 0])
        clock = (windows["request_hour"][place, -1], windows["request_weekday"][place, -1])
        assert clock == (given_to_it["request_hour"][0], given_to_it["request_weekday"][0])


def test_entries_of_one_moment_have_one_place_in_the_order(snapshot: Path) -> None:
    windows = read_windows(snapshot, read_catalogue(snapshot), "train")
    held = windows["history_actions"] > 0
    both = held[:, 1:] & held[:, :-1]
    same = np.diff(windows["history_gaps"], axis=1) == 0
    assert (same & both).any()
    assert np.array_equal((np.diff(windows["history_order"], axis=1) == 0)[both], same[both])


def test_the_newest_labels_teach_and_never_the_first_entry() -> None:
    labels = np.array([[True, False, True, True], [True, True, True, True]])
    assert fresh(labels, np.array([1, 9])).tolist() == [[False, False, False, True], [False, True, True, True]]


@given(st.lists(st.lists(st.integers(1, 9), max_size=7), min_size=1, max_size=5), st.integers(1, 5))
def test_lists_are_aligned_right_and_cut_in_front(lists: list[list[int]], length: int) -> None:
    dense, held = right_aligned(pa.chunked_array([pa.array(lists, pa.list_(pa.int64()))]), length)
    for row, kept, count in zip(lists, dense.tolist(), held.tolist(), strict=True):
        cut = row[-length:]
        assert kept == [0] * (length - len(cut)) + cut and count == len(cut)
