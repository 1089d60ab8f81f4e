"""An ONNX file -> the same model in less: weights of 8 bits, or all arithmetic in 16 bits."""

import logging
import shutil
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

VARIANTS = ("fp32", "int8", "fp16")
LARGE = ("history_gaps",)  # inputs that leave the range of 16 bits (65504): seconds of years
PRODUCTS = ("MatMul", "Gemm")  # what comes after the first of them is features, in range again


def write_variant(source: Path, target: Path, variant: str) -> None:
    """Write a variant of an fp32 model; inputs and outputs keep names, shapes and types."""
    if variant == "int8":
        _int8(source, target)
    elif variant == "fp16":
        onnx.save(_fp16(onnx.load(source)), target)
    elif variant == "fp32":
        shutil.copyfile(source, target)
    else:
        raise ValueError(f"there is no variant {variant!r}: choose one of {', '.join(VARIANTS)}")


def _int8(source: Path, target: Path) -> None:
    """Weights of matrix products in 8 bits per output channel; activations are scaled anew in every call.

    The scale is taken over a whole batch: the same text alone and among others gets slightly different vectors.
    """
    bare = onnx.load(source)
    del bare.graph.value_info[:]  # the exporter's shapes of transposed weights contradict those that are inferred
    cleared = target.with_suffix(".bare.onnx")
    onnx.save(bare, cleared)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a preprocessing that fails on these graphs
    try:
        quantize_dynamic(
            cleared, target, weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=_by_vectors(bare.graph)
        )
    finally:
        root.setLevel(level)
        cleared.unlink()


def _by_vectors(graph: Any) -> list[str]:
    """Names of the products with a plain vector of weights, which has no channels that a scale could be of."""
    flat = {each.name for each in graph.initializer if len(each.dims) == 1}
    return [node.name for node in graph.node if node.op_type == "MatMul" and flat & set(node.input)]


def _fp16(model: Any) -> Any:
    del model.graph.value_info[:]
    exact = sorted(_before_products(model.graph))
    small = convert_float_to_float16(
        model, keep_io_types=True, op_block_list=DEFAULT_OP_BLOCK_LIST, node_block_list=exact
    )
    _bypass_casts(small.graph)
    return small


def _before_products(graph: Any) -> set[str]:
    """Names of the nodes between the large inputs and the first matrix product: they stay in 32 bits."""
    large, found = set(LARGE), set()
    for node in graph.node:  # in topological order
        if large & set(node.input) and node.op_type not in PRODUCTS:
            found.add(node.name)
            large |= set(node.output)
    return found


def _bypass_casts(graph: Any) -> None:
    """Let 32 bit nodes read each other's outputs: the converter takes them to 16 bits and back in between."""
    casts = [node for node in graph.node if node.op_type == "Cast"]
    lowered = {node.output[0]: node.input[0] for node in casts if node.attribute[0].i == TensorProto.FLOAT16}
    raised = {
        node.output[0]: lowered[node.input[0]]
        for node in casts
        if node.attribute[0].i == TensorProto.FLOAT and node.input[0] in lowered
    }
    for node in graph.node:
        node.input[:] = [raised.get(name, name) for name in node.input]
