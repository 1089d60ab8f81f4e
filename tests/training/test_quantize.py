"""Smaller files of one small ranker: they load, take the same inputs and say nearly the same."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.example_inputs import Arrays, ranker_inputs
from training.model import Ranker
from training.onnx_models import export_ranker
from training.parity import session
from training.quantize import write_variant
from training.trial import difference


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    ranker = Ranker(layers=1, heads=2, hidden=16, dropout=0.0)
    for weight in ranker.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.05)
    path = tmp_path_factory.mktemp("variants") / "ranker.onnx"
    export_ranker(ranker, path)
    return path


def inputs(batch: int, items: int) -> Arrays:
    """Vectors as they are learned, and gaps of years: more seconds than 16 bits can say."""
    draw = np.random.default_rng(0)
    found: Arrays = ranker_inputs(batch, items)
    for name in ("history_vectors", "item_vectors"):
        found[name] = np.asarray(draw.normal(0, 0.2, found[name].shape), np.float32)
    found["history_gaps"] = -np.sort(-found["history_gaps"] * 1e7, 1)
    return found


@pytest.mark.parametrize(("variant", "tolerance", "share"), [("int8", 0.1, 0.7), ("fp16", 0.01, 0.75)])
def test_a_variant_agrees_to_its_tolerance_and_is_smaller(
    exact: Path, tmp_path: Path, variant: str, tolerance: float, share: float
) -> None:
    write_variant(exact, tmp_path / "model.onnx", variant)
    small, whole = session(tmp_path / "model.onnx"), session(exact)
    assert [(each.name, each.type, each.shape[1:]) for each in small.get_inputs()] == [
        (each.name, each.type, each.shape[1:]) for each in whole.get_inputs()
    ]
    for batch, items in ((1, 1), (3, 50)):
        for found, expected in zip(
            small.run(None, inputs(batch, items)), whole.run(None, inputs(batch, items)), strict=True
        ):
            assert found.dtype == np.float32 and 0 < difference(found, expected) < tolerance
    assert (tmp_path / "model.onnx").stat().st_size < share * exact.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_fp32_is_the_file_itself_and_an_unknown_variant_is_refused(exact: Path, tmp_path: Path) -> None:
    write_variant(exact, tmp_path / "same.onnx", "fp32")
    assert (tmp_path / "same.onnx").read_bytes() == exact.read_bytes()
    with pytest.raises(ValueError, match="'int4': choose one of fp32, int8, fp16"):
        write_variant(exact, tmp_path / "other.onnx", "int4")
