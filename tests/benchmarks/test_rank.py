"""What the ranking benchmark reports."""

from benchmarks import rank_drift, rank_load
from benchmarks.faults import figures as fault_figures
from benchmarks.open_loop import Outcome
from benchmarks.rank import numbers, summary
from benchmarks.rank_ratio import Times, figures
from benchmarks.timing import tensors_for
from feature_repo.inputs import tensors

TIMES = Times(rank=[4.0, 3.0, 90.0], feast=[1.0, 1.0, 9.0], read=[0.3, 0.5, 0.5], triton=[1.0, 1.5, 2.5])


def test_the_ratio_is_of_medians() -> None:
    result = figures(TIMES, 100)
    assert (result["ratio"], result["ms"]["rank"]["p50"]) == (1.6, 4.0)
    assert result["strict"] == 2.0


def test_the_chief_figures_are_those_of_the_targets_size() -> None:
    sizes = [figures(TIMES, 10), figures(Times([1.0], [1.0], [1.0], [1.0]), 100)]
    result = summary(sizes, [], None, 3)
    assert (result["candidates"], result["ratio"], result["met"]) == (100, 0.5, True)
    assert summary(sizes[:1], [], None, 3)["met"] is False


def test_drift_is_that_of_the_ratio_to_the_floor_of_the_same_minutes() -> None:
    slower = Times(rank=[8.0], feast=[2.0], read=[1.0], triton=[3.0])  # everything took twice as long: the machine did
    drift = rank_drift.summary([figures(TIMES, 100), figures(slower, 100)], [260.0, 261.0], 20)
    assert (drift["ratios"], drift["ratio_growth"]) == ([1.6, 1.6], 1.0)
    assert rank_drift.line(drift) == (
        "20 in a row: p50 4.00 -> 8.00 ms, p99 88.28 -> 8.00 ms; ratio 1.60 -> 1.60; the API 260.0 -> 261.0 MB"
    )


def test_the_bare_inference_gets_every_tensor_of_the_ranker() -> None:
    assert set(tensors_for(5)) == {tensor.name for tensor in tensors()}
    assert tensors_for(5)["item_vectors"].shape == (5, 64)


def test_sizes_are_numbers_with_commas_between_them() -> None:
    assert (numbers("10,50"), numbers("")) == ([10, 50], [])


WHOLE, LIGHT = b'{"degraded":[],"items":[]}', b'{"degraded":["triton: light score"],"items":[]}'
OUTCOMES = [Outcome(0.0, 0.002, 200, WHOLE), Outcome(0.5, 0.004, 200, LIGHT), Outcome(1.0, 0.001, 503, b"")]


def test_under_load_what_was_shed_and_degraded_is_counted() -> None:
    result = rank_load.figures(OUTCOMES, 2.0, {"api": 0.006})
    assert (result["answered_per_s"], result["shed"], result["failed"], result["degraded"]) == (1.0, 1, 0, 1)
    assert (result["ms"]["p50"], result["cpu_ms"]) == (3.0, {"api": 2.0})


def test_during_a_fault_the_last_degraded_answer_is_known() -> None:
    result = fault_figures(OUTCOMES)
    assert (result["last_degraded_at_s"], result["degraded"]) == (0.5, {"triton: light score": 1})
    assert result["statuses"] == {200: 2, 503: 1} and result["ms"]["p100"] == 4.0
