"""A model and its ONNX file -> how far apart they compute, output by output."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from feature_repo.bundle import signature
from training.example_inputs import Array, Arrays

TOLERANCE = 1e-4
Model = Callable[[dict[str, Tensor]], Tensor | tuple[Tensor, ...]]


class ParityError(Exception):
    """An exported model that does not compute what PyTorch computes."""


def session(path: Path) -> onnxruntime.InferenceSession:
    """An ONNX file on one CPU thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_parity(
    model: Model,
    path: Path,
    rows: Sequence[Arrays],
    tolerance: float = TOLERANCE,
) -> float:
    """The largest difference between PyTorch and ONNX Runtime, in units of each output's largest number above one.

    Raises ParityError above ``tolerance``.
    """
    opened, worst = session(path), 0.0
    for inputs in rows:
        for name, expected, found in _both(model, opened, inputs):
            if found.shape != expected.shape:
                raise ParityError(f"{path.name} returns {name} {found.shape}, PyTorch {expected.shape}")
            worst = max(worst, float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max()))))
    if not worst < tolerance:
        raise ParityError(f"{path.name} differs from PyTorch by {worst:.2g}, more than {tolerance:.0e}")
    return worst


def check_signature(path: Path) -> None:
    """Raises ParityError where a ranker's file does not take the tensors that this code makes."""
    kinds = {"tensor(float)": "float32", "tensor(int64)": "int64"}
    theirs = {}
    for each in session(path).get_inputs():
        shape = [size if isinstance(size, int) else "N" for size in each.shape[1:]]
        theirs[each.name] = (shape, kinds.get(each.type, each.type))
    ours = {name: (shape, kind) for name, shape, kind in signature()}
    different = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    if different:
        raise ParityError(f"{path.name} takes other inputs than this code makes: {', '.join(different)}")


def _both(
    model: Model,
    opened: onnxruntime.InferenceSession,
    inputs: Arrays,
) -> list[tuple[str, Array, Array]]:
    """(output, PyTorch's, ONNX Runtime's) for one set of inputs."""
    with torch.no_grad():
        said = model({name: torch.from_numpy(array) for name, array in inputs.items()})
    expected = [each.numpy() for each in (said if isinstance(said, tuple) else (said,))]
    found = opened.run(None, {each.name: inputs[each.name] for each in opened.get_inputs()})
    names = [each.name for each in opened.get_outputs()]
    return list(zip(names, expected, found, strict=True))
