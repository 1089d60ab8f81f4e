"""What the ranking benchmark reports."""

from benchmarks.rank import Times, figures, tensors_for
from feature_repo.inputs import tensors


def test_the_ratio_is_of_medians() -> None:
    result = figures(Times(rank=[4.0, 3.0, 90.0], feast=[1.0, 1.0, 9.0], triton=[1.0, 1.5, 1.5]), 100, 3)
    assert (result["ratio"], result["met"]) == (1.6, True)
    assert result["ms"]["rank"]["p50"] == 4.0


def test_the_bare_inference_gets_every_tensor_of_the_ranker() -> None:
    assert set(tensors_for(5)) == {tensor.name for tensor in tensors()}
    assert tensors_for(5)["item_vectors"].shape == (5, 64)
