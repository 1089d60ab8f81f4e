"""The ranker's tensors -> scores: one gRPC call to Triton.

The request is built from Triton's own generated messages: names, types and fixed shapes are written once, a call only
adds the bytes (the client library's InferInput builds all of it anew for every tensor).
"""

import math
from collections.abc import Mapping
from typing import Any

import grpc  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from tritonclient.grpc import service_pb2, service_pb2_grpc

from feature_repo.inputs import Tensor, tensors
from serving.errors import InvalidRequest, NoModel, TritonUnavailable

Array = npt.NDArray[Any]
MODEL, OUTPUT = "ranker", "scores"
TRITON_TYPES = {"float32": "FP32", "int64": "INT64"}

# A killed Triton that is started again is found within the second; gRPC's default backs off to two minutes.
CHANNEL_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


class Triton:
    """One connection to Triton, used by one event loop."""

    def __init__(self, address: str, timeout_ms: int) -> None:
        self.address = address
        self._timeout = timeout_ms / 1000
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    async def infer(self, request: Any, output: str, seconds: float = math.inf) -> Array:
        """One float output of an inference; ``seconds`` shortens the usual time it has.

        Raises TritonUnavailable, or NoModel where Triton lacks the model.
        """
        try:
            answer = await self._stub.ModelInfer(request, timeout=min(seconds, self._timeout))
        except grpc.aio.AioRpcError as error:
            raise self._reason(request, error) from error
        place = next(place for place, each in enumerate(answer.outputs) if each.name == output)
        return np.frombuffer(answer.raw_output_contents[place], np.float32).reshape(tuple(answer.outputs[place].shape))

    async def live(self) -> bool:
        """Whether the server answers."""
        try:
            answer = await self._stub.ServerLive(service_pb2.ServerLiveRequest(), timeout=self._timeout)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.live)

    async def has(self, model: str, version: int) -> bool:
        """Whether this version of a model is ready."""
        question = service_pb2.ModelReadyRequest(name=model, version=str(version))
        try:
            return bool((await self._stub.ModelReady(question, timeout=self._timeout)).ready)
        except grpc.aio.AioRpcError:
            return False

    async def close(self) -> None:
        await self._channel.close()

    def _reason(self, request: Any, error: grpc.aio.AioRpcError) -> Exception:
        model = f"{request.model_name} version {request.model_version}"
        if error.code() == grpc.StatusCode.NOT_FOUND or "not ready" in (error.details() or ""):
            return NoModel(f"Triton has no {model}: run `make train export`")
        if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidRequest(f"Triton refused the input of {model}: {error.details()}")
        return TritonUnavailable(f"triton at {self.address} does not answer: {error.details() or error.code().name}")


def template(model: str, inputs: tuple[Tensor, ...]) -> Any:
    """A request of one user with all but the bytes, the version and the sizes that vary (0 here)."""
    request = service_pb2.ModelInferRequest(model_name=model)
    for tensor in inputs:
        shape = [1, *(0 if isinstance(size, str) else size for size in tensor.shape)]
        request.inputs.add(name=tensor.name, datatype=TRITON_TYPES[tensor.dtype], shape=shape)
    return request


_TENSORS = tensors()
_TEMPLATE = template(MODEL, _TENSORS)
_TEMPLATE.outputs.add(name=OUTPUT)  # and not the click probabilities, which no answer needs yet
_PER_CANDIDATE = [place for place, tensor in enumerate(_TENSORS) if "N" in tensor.shape]


def ranker_request(inputs: Mapping[str, Array], candidates: int, version: int) -> Any:
    """The ModelInferRequest for one user's tensors (without a batch dimension) and this many candidates."""
    request = service_pb2.ModelInferRequest()
    request.CopyFrom(_TEMPLATE)
    request.model_version = str(version)
    for place in _PER_CANDIDATE:
        request.inputs[place].shape[1] = candidates
    request.raw_input_contents.extend([inputs[tensor.name].tobytes() for tensor in _TENSORS])
    return request


def batch_request(inputs: Mapping[str, Array], version: int) -> Any:
    """The ModelInferRequest for tensors with a batch dimension, all rows with the same number of candidates."""
    request = service_pb2.ModelInferRequest()
    request.CopyFrom(_TEMPLATE)
    request.model_version = str(version)
    for place, tensor in enumerate(_TENSORS):
        request.inputs[place].shape[:] = inputs[tensor.name].shape
    request.raw_input_contents.extend([inputs[tensor.name].tobytes() for tensor in _TENSORS])
    return request


class Ranker:
    """The scoring model behind Triton."""

    def __init__(self, triton: Triton) -> None:
        self._triton = triton

    async def score(
        self, inputs: Mapping[str, Array], candidates: int, version: int, seconds: float = math.inf
    ) -> Array:
        """Scores [candidates], higher is better; ``seconds`` shortens the time it has."""
        request = ranker_request(inputs, candidates, version)
        scores = await self._triton.infer(request, OUTPUT, seconds)
        return scores.reshape(candidates)

    async def score_many(self, inputs: Mapping[str, Array], version: int, seconds: float = math.inf) -> Array:
        """Scores [B, N] of tensors with a batch dimension, in one inference."""
        return await self._triton.infer(batch_request(inputs, version), OUTPUT, seconds)
