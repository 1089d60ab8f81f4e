"""A model and its ONNX file -> how far apart they compute."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from training.example_inputs import Arrays

TOLERANCE = 1e-4


class ParityError(Exception):
    """An exported model that does not compute what PyTorch computes."""


def check_parity(model: Callable[[dict[str, Tensor]], Tensor], path: Path, rows: Sequence[Arrays]) -> float:
    """The largest difference between PyTorch and ONNX Runtime; raises ParityError above TOLERANCE."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for inputs in rows:
        with torch.no_grad():
            expected = model({name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()
        given = {each.name: inputs[each.name] for each in session.get_inputs()}
        found = session.run(None, given)[0]
        if found.shape != expected.shape:
            raise ParityError(f"{path.name} returns {found.shape}, PyTorch {expected.shape}")
        worst = max(worst, float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max()))))
    if not worst < TOLERANCE:
        raise ParityError(f"{path.name} differs from PyTorch by {worst:.2g}, more than {TOLERANCE:.0e}")
    return worst
