"""An exported ranker against PyTorch and against the features of this code."""

from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto

from training.example_inputs import ranker_inputs
from training.model import Ranker
from training.onnx_models import Served, export_ranker
from training.parity import ParityError, check_parity, check_signature


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    torch.manual_seed(0)
    return Ranker(1, 2, 8, 0.0, scorer="bilinear", blend={"click": 1.0, "conversion": 0.5, "rating": 0.1}).eval()


@pytest.fixture(scope="module")
def exported(ranker: Ranker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("parity") / "ranker.onnx"
    ranker.calibration.set(0.5, -2.0)
    export_ranker(ranker, path)
    return path


def changed(exported: Path, target: Path, field: str) -> Path:
    model = onnx.load(exported)
    tensor = next(each for each in model.graph.input if each.name == "item_ctr_7d")
    if field == "name":
        tensor.name = "item_ctr_1d"
        for node in model.graph.node:
            node.input[:] = ["item_ctr_1d" if name == "item_ctr_7d" else name for name in node.input]
    elif field == "shape":
        tensor.type.tensor_type.shape.dim[1].dim_value = 7
    else:
        tensor.type.tensor_type.elem_type = TensorProto.DOUBLE
        cast = onnx.helper.make_node("Cast", ["item_ctr_7d"], ["narrow"], to=TensorProto.FLOAT)
        for node in model.graph.node:
            node.input[:] = ["narrow" if name == "item_ctr_7d" else name for name in node.input]
        model.graph.node.insert(0, cast)
    onnx.save(model, target)
    return target


def test_both_outputs_are_what_pytorch_says_with_every_head_and_a_bilinear_form(ranker: Ranker, exported: Path) -> None:
    rows = [ranker_inputs(1, 2), ranker_inputs(3, 7)]
    assert check_parity(Served(ranker), exported, rows) < 1e-4
    check_signature(exported)


def test_a_probability_that_is_calibrated_anew_differs_from_its_export(ranker: Ranker, exported: Path) -> None:
    ranker.calibration.set(0.5, 1.0)
    with pytest.raises(ParityError, match="differs from PyTorch"):
        check_parity(Served(ranker), exported, [ranker_inputs(1, 2)])
    ranker.calibration.set(0.5, -2.0)


@pytest.mark.parametrize("field", ["name", "shape", "type"])
def test_a_ranker_with_other_inputs_than_this_code_makes_is_refused(exported: Path, tmp_path: Path, field: str) -> None:
    with pytest.raises(ParityError, match=r"other inputs than this code makes: .*item_ctr_7d"):
        check_signature(changed(exported, tmp_path / "ranker.onnx", field))
