"""config.pbtxt -> a small ONNX model with exactly its inputs and outputs, and inputs to call it with."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf import text_format
from onnx import TensorProto, helper
from tritonclient.grpc import model_config_pb2

TYPES = {"TYPE_FP32": (TensorProto.FLOAT, np.float32), "TYPE_INT64": (TensorProto.INT64, np.int64)}


def interface(config: Path) -> Any:
    """The parsed config.pbtxt."""
    return text_format.Parse(config.read_text(), model_config_pb2.ModelConfig())


def write_ranker(config: Path, path: Path, scale: float) -> None:
    """scores = scale * (item_vectors . mean of history_vectors + user_item_affinity + sum of action ids)."""
    nodes = [
        helper.make_node("ReduceMean", ["history_vectors", "axis_1"], ["user"], keepdims=0),
        helper.make_node("Unsqueeze", ["user", "axis_2"], ["column"]),
        helper.make_node("MatMul", ["item_vectors", "column"], ["products"]),
        helper.make_node("Squeeze", ["products", "axis_2"], ["product"]),
        helper.make_node("Cast", ["history_actions"], ["actions"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["actions", "axis_1"], ["action_sum"], keepdims=1),
        helper.make_node("Add", ["product", "user_item_affinity"], ["with_affinity"]),
        helper.make_node("Add", ["with_affinity", "action_sum"], ["total"]),
        helper.make_node("Mul", ["total", "scale"], ["scores"]),
        helper.make_node("Sigmoid", ["scores"], ["click_probability"]),
    ]
    constants = [
        helper.make_tensor("axis_1", TensorProto.INT64, [1], [1]),
        helper.make_tensor("axis_2", TensorProto.INT64, [1], [2]),
        helper.make_tensor("scale", TensorProto.FLOAT, [1], [scale]),
    ]
    parsed = interface(config)
    graph = helper.make_graph(
        nodes, "ranker", [_tensor(t) for t in parsed.input], [_tensor(t) for t in parsed.output], constants
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


def columns(config: Path, users: int, items: int, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Random inputs: [users, *dims], with `items` where the config has -1."""
    rng = np.random.default_rng(seed)
    return {tensor.name: _random(rng, tensor, users, items) for tensor in interface(config).input}


def _random(rng: np.random.Generator, tensor: Any, users: int, items: int) -> np.ndarray[Any, Any]:
    shape = [users, *(items if size == -1 else size for size in tensor.dims)]
    dtype = TYPES[model_config_pb2.DataType.Name(tensor.data_type)][1]
    return (rng.random(shape) * 4).astype(dtype)


def _tensor(tensor: Any) -> Any:
    kind = TYPES[model_config_pb2.DataType.Name(tensor.data_type)][0]
    dims = ["users", *("items" if size == -1 else size for size in tensor.dims)]
    return helper.make_tensor_value_info(tensor.name, kind, dims)


SLOW_CONFIG = """
name: "slow"
backend: "onnxruntime"
max_batch_size: 1
dynamic_batching { }
input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]
"""


def write_slow(model: Path, size: int = 512, products: int = 200) -> None:
    """A model ``slow`` with its configuration: y = x, after about a second of multiplying by the identity."""
    names = ["spread", *(f"product_{number}" for number in range(products))]
    nodes = [helper.make_node("Mul", ["x", "identity"], ["spread"])]
    nodes += [helper.make_node("MatMul", [a, "identity"], [b]) for a, b in pairwise(names)]
    nodes += [
        helper.make_node("ReduceMax", [names[-1]], ["most"], keepdims=0),
        helper.make_node("Reshape", ["most", "shape"], ["y"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.eye(size, dtype=np.float32), "identity"),
        helper.make_tensor("shape", TensorProto.INT64, [2], [1, 1]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in "xy")
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text(SLOW_CONFIG)
    opset = helper.make_opsetid("", 18)
    graph = helper.make_graph(nodes, "slow", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), model / "1/model.onnx")
