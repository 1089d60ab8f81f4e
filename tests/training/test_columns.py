import numpy as np
import pyarrow as pa

from training.columns import scalars, vectors


def test_missing_lists_read_as_the_default() -> None:
    table = pa.table({"counts": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float64()))})
    assert vectors(table, "counts", [0.0, 9.0]).tolist() == [[1.0, 2.0], [0.0, 9.0], [3.0, 4.0]]


def test_missing_numbers_read_as_the_default() -> None:
    assert scalars(pa.table({"at": pa.array([5, None], pa.int64())}), "at", 0).tolist() == [5, 0]


def test_columns_in_several_chunks_keep_their_order() -> None:
    part = pa.table({"counts": pa.array([[1.0]], pa.list_(pa.float64())), "at": [1]})
    table = pa.concat_tables([part, part])
    assert vectors(table, "counts", [0.0]).shape == (2, 1)
    assert np.array_equal(scalars(table, "at", 0), [1, 1])
