"""A model small enough to write down: the ranker's real interface, a score whose value is known.

score = item_vector . sum of history_vectors + user_item_affinity + item_ctr_7d; the user encoder says where that sum
points; the item encoder counts tokens.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, pre_tokenizers

from feature_repo.bundle import BundleMetadata, promote, write_items, write_metadata
from feature_repo.inputs import asking_tensors, tensors
from feature_repo.item_text import content_fingerprint
from feature_repo.vocabulary import ATTRIBUTES, VECTOR_SIZE

TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


def write_bundle(
    bundles: Path,
    repository: Path,
    item_ids: list[str],
    vectors: npt.NDArray[Any],
    version: int,
    contents: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """A promoted bundle whose models are version ``version`` of a Triton repository (which has its configurations).

    With ``contents`` the vectors are those of these rows, and all that is in them was learned beyond the text.
    """
    path = bundles / f"tiny-{version}"
    path.mkdir(parents=True)
    if contents:
        fingerprints = np.array([content_fingerprint(row) for row in contents])
        write_items(path, item_ids, vectors, fingerprints, residuals=vectors)
    else:
        write_items(path, item_ids, vectors)
    _save(ranker(), path / "ranker.onnx", repository / "ranker" / str(version))
    _save(user_encoder(), path / "user_encoder.onnx", repository / "user_encoder" / str(version))
    _save(item_encoder(), path / "item_encoder.onnx", repository / "item_encoder" / str(version))
    tokenizer().save(str(path / "tokenizer.json"))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    write_metadata(path, BundleMetadata(path.name, version, "none", created, "none", "none", user_encoder=True))
    promote(path)
    return path


def ranker() -> Any:
    """The ranker as ONNX."""
    inputs = [(tensor.name, tensor.shape, tensor.dtype) for tensor in tensors()]
    nodes = [
        helper.make_node("ReduceSum", ["history_vectors", "axis_1"], ["user"], keepdims=0),  # [B, D]
        helper.make_node("Unsqueeze", ["user", "axis_2"], ["column"]),  # [B, D, 1]
        helper.make_node("MatMul", ["item_vectors", "column"], ["products"]),  # [B, N, 1]
        helper.make_node("Squeeze", ["products", "axis_2"], ["product"]),
        helper.make_node("Sum", ["product", "user_item_affinity", "item_ctr_7d"], ["scores"]),
        helper.make_node("Sigmoid", ["scores"], ["click_probability"]),
    ]
    axes = [helper.make_tensor(f"axis_{axis}", TensorProto.INT64, [1], [axis]) for axis in (1, 2)]
    outputs = [(name, ("N",), "float32") for name in ("scores", "click_probability")]
    return _model(nodes, inputs, outputs, axes)


def user_encoder() -> Any:
    """A user encoder as ONNX: the direction of the sum of the history's vectors."""
    inputs = [(tensor.name, tensor.shape, tensor.dtype) for tensor in asking_tensors()]
    nodes = [
        helper.make_node("ReduceSum", ["history_vectors", "axis_1"], ["user"], keepdims=0),  # [B, D]
        helper.make_node("LpNormalization", ["user"], ["user_vector"], axis=-1, p=2),
    ]
    axis = helper.make_tensor("axis_1", TensorProto.INT64, [1], [1])
    return _model(nodes, inputs, [("user_vector", (VECTOR_SIZE,), "float32")], [axis])


def item_encoder() -> Any:
    """An item encoder as ONNX: every number of the vector is the count of tokens plus the sum of attribute codes."""
    inputs = [
        ("input_ids", ("T",), "int64"),
        ("attention_mask", ("T",), "int64"),
        ("item_attributes", (ATTRIBUTES,), "int64"),
    ]
    nodes = [
        helper.make_node("ReduceSum", ["attention_mask", "axis_1"], ["tokens"], keepdims=1),
        helper.make_node("ReduceSum", ["item_attributes", "axis_1"], ["codes"], keepdims=1),
        helper.make_node("Add", ["tokens", "codes"], ["total"]),
        helper.make_node("Cast", ["total"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["number", "ones"], ["item_vector"]),
    ]
    ones = helper.make_tensor("ones", TensorProto.FLOAT, [1, VECTOR_SIZE], [1.0] * VECTOR_SIZE)
    axis = helper.make_tensor("axis_1", TensorProto.INT64, [1], [1])
    return _model(nodes, inputs, [("item_vector", (VECTOR_SIZE,), "float32")], [ones, axis])


def tokenizer() -> Tokenizer:
    """Words apart, every one unknown."""
    words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return words


def _model(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> Any:
    graph = helper.make_graph(
        nodes, "tiny", [_value(*each) for each in inputs], [_value(*each) for each in outputs], constants
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _value(name: str, shape: tuple[int | str, ...], dtype: str) -> Any:
    return helper.make_tensor_value_info(name, TYPES[dtype], ["B", *shape])


def _save(model: Any, path: Path, version: Path) -> None:
    onnx.save(model, path)
    version.mkdir(parents=True)
    (version / "model.onnx").symlink_to(path.resolve())
