"""Triton requests -> ONNX Runtime: stacking, and errors that stay with their request."""

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save

CONFIG = {
    "input": [{"name": "ids", "data_type": "TYPE_INT64"}],
    "output": [{"name": name, "data_type": "TYPE_FP32"} for name in ("values", "doubles", "newer")],
}


class Request:
    """One user's ids; what Triton hands to the model."""

    def __init__(self, *ids: int, wanted: tuple[str, ...] = ("values",)) -> None:
        self.ids, self.wanted = np.array([ids]), wanted

    def inputs(self) -> list[Any]:
        given = [("unread", np.zeros(1)), ("ids", self.ids)]
        return [
            SimpleNamespace(name=lambda name=name: name, as_numpy=lambda array=array: array) for name, array in given
        ]

    def requested_output_names(self) -> list[str]:
        return list(self.wanted)


def tensor(name: str, values: Any) -> Any:
    return SimpleNamespace(name=lambda: name, as_numpy=lambda: values)


def fake_backend() -> Any:
    """The part of triton_python_backend_utils that the model uses."""
    return SimpleNamespace(
        TritonError=type("TritonError", (Exception,), {"INVALID_ARG": 2}),
        InferenceResponse=lambda tensors, error=None: SimpleNamespace(tensors=tensors, error=error),
        Tensor=lambda name, values: (name, values),
        triton_string_to_numpy={"TYPE_FP32": np.float32}.__getitem__,
    )


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """values = table[ids] with a table of four entries: id 4 and above fail; it has no output ``newer``."""
    table = helper.make_tensor("table", TensorProto.FLOAT, [4], [0.0, 10.0, 20.0, 30.0])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["users", "n"])
    values = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["users", "n"])
    doubles = helper.make_tensor_value_info("doubles", TensorProto.FLOAT, ["users", "n"])
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["values"]),
        helper.make_node("Add", ["values", "values"], ["doubles"]),
    ]
    graph = helper.make_graph(nodes, "g", [ids], [values, doubles], [table])
    (tmp_path / "1").mkdir()
    opset = helper.make_opsetid("", 18)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=9), tmp_path / "1/model.onnx")
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", fake_backend())
    monkeypatch.delitem(sys.modules, "deploy.laptop.onnx_model", raising=False)
    opened = importlib.import_module("deploy.laptop.onnx_model").TritonPythonModel()
    arguments = {"model_config": json.dumps(CONFIG), "model_repository": str(tmp_path), "model_version": "1"}
    opened.initialize(arguments)
    return opened


def values(response: Any) -> list[list[float]]:
    [(_, array)] = response.tensors
    return array.tolist()  # type: ignore[no-any-return]


def test_requests_of_any_shapes_are_answered_in_order(model: Any) -> None:
    responses = model.execute([Request(1), Request(2), Request(3, 1), Request(1, 0), Request(2)])
    assert [values(r) for r in responses] == [[[10.0]], [[20.0]], [[30.0, 10.0]], [[10.0, 0.0]], [[20.0]]]


def test_a_request_that_fails_spoils_no_other(model: Any) -> None:
    first, failed, last = model.execute([Request(1), Request(99), Request(3)])
    assert (values(first), values(last)) == ([[10.0]], [[30.0]])
    assert failed.error is not None and not failed.tensors


def test_a_request_gets_the_outputs_it_asks_for(model: Any) -> None:
    one, both = model.execute([Request(1), Request(2, wanted=("values", "doubles"))])
    assert values(one) == [[10.0]]
    assert {name: array.tolist() for name, array in both.tensors} == {"values": [[20.0]], "doubles": [[40.0]]}


def test_a_version_of_before_an_output_existed_answers_with_the_others(model: Any) -> None:
    [answered] = model.execute([Request(1)])
    assert values(answered) == [[10.0]]
    [refused] = model.execute([Request(1, wanted=("newer",))])
    assert refused.error is not None


def test_a_request_without_its_input_is_answered_with_an_error(model: Any) -> None:
    broken = Request(1)
    broken.inputs = list  # type: ignore[method-assign]
    failed, answered = model.execute([broken, Request(2)])
    assert failed.error is not None
    assert values(answered) == [[20.0]]
