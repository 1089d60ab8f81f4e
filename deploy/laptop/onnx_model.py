"""Triton requests -> ONNX Runtime -> responses: `model.onnx` served by Triton's Python backend.

Copied beside each model version by deploy/laptop/overlay.py; runs in Triton's stub process, in Triton's
environment, so it imports nothing of this project.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton  # type: ignore[import-not-found]


class TritonPythonModel:
    """One ONNX Runtime session; the name is Triton's."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the session of this version; raises what ONNX Runtime raises, which Triton reports."""
        config = json.loads(args["model_config"])
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.types = {tensor["name"]: triton.triton_string_to_numpy(tensor["data_type"]) for tensor in config["output"]}
        self.session = _session(Path(args["model_repository"]) / args["model_version"] / "model.onnx")

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One response per request, in order; a request that fails gets an error and spoils no other."""
        read = [self._read(request) for request in requests]
        wanted = self._wanted(requests)
        answers = [entry for group in _of_equal_shapes(read) for entry in self._answer(group, wanted)]
        return [self._respond(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def _read(self, request: Any) -> "Columns | Exception":
        """Its inputs. Triton drops what is cancelled while it waits; asking it here again takes 0.1 ms a request."""
        try:
            given = {tensor.name(): tensor for tensor in request.inputs()}  # by name is a search for each
            return {name: given[name].as_numpy() for name in self.inputs}
        except Exception as reason:  # whatever a malformed tensor raises belongs to its request alone
            return reason

    def _wanted(self, requests: Sequence[Any]) -> list[str]:
        """The outputs that any of the requests asks for: what nobody asks for is not computed."""
        asked = {name for request in requests for name in request.requested_output_names()}
        return [name for name in self.types if name in asked]

    def _answer(self, group: "list[Columns | Exception]", wanted: list[str]) -> "Iterator[Columns | Exception]":
        columns = [entry for entry in group if not isinstance(entry, Exception)]
        if len(columns) < 2:
            yield from (entry if isinstance(entry, Exception) else self._run(entry, wanted) for entry in group)
            return
        together = self._run({name: np.concatenate([c[name] for c in columns]) for name in self.inputs}, wanted)
        if isinstance(together, Exception):  # find out whose fault it was
            yield from (self._run(entry, wanted) for entry in columns)
            return
        ends = np.cumsum([len(c[self.inputs[0]]) for c in columns])[:-1]
        parts = {name: np.split(values, ends) for name, values in together.items()}
        yield from ({name: parts[name][i] for name in parts} for i in range(len(columns)))

    def _run(self, columns: "Columns", wanted: list[str]) -> "Columns | Exception":
        try:
            values = self.session.run(wanted, columns)
        except Exception as reason:
            return reason
        return {name: value.astype(self.types[name], copy=False) for name, value in zip(wanted, values, strict=True)}

    def _respond(self, request: Any, answer: "Columns | Exception") -> Any:
        if isinstance(answer, Exception):
            return triton.InferenceResponse([], triton.TritonError(str(answer), triton.TritonError.INVALID_ARG))
        wanted = request.requested_output_names()
        return triton.InferenceResponse([triton.Tensor(name, answer[name]) for name in wanted])


Columns = dict[str, np.ndarray[Any, Any]]


def _session(model: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # requests run beside each other; threads inside one only add latency
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # resolved: weights kept beside the original are looked up beside the path opened
    return onnxruntime.InferenceSession(str(model.resolve()), options, providers=["CPUExecutionProvider"])


def _of_equal_shapes(read: "list[Columns | Exception]") -> "Iterator[list[Columns | Exception]]":
    """Neighbours that can be stacked along the batch; an error stands alone."""

    def shapes(entry: "tuple[int, Columns | Exception]") -> Any:
        place, columns = entry
        return place if isinstance(columns, Exception) else [values.shape[1:] for values in columns.values()]

    for _, group in groupby(enumerate(read), shapes):
        yield [columns for _, columns in group]
