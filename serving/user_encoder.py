"""A user's tensors -> the direction in which the items lie that suit them: one gRPC call to Triton."""

import math
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
from tritonclient.grpc import service_pb2

from feature_repo.inputs import asking_tensors
from serving.ranker import Triton, template

Array = npt.NDArray[Any]
MODEL, OUTPUT = "user_encoder", "user_vector"

_TENSORS = asking_tensors()
_TEMPLATE = template(MODEL, _TENSORS)


class UserEncoder:
    """The part of the ranker that candidates are found with, behind Triton."""

    def __init__(self, triton: Triton) -> None:
        self._triton = triton

    async def vector(self, inputs: Mapping[str, Array], version: int, seconds: float = math.inf) -> Array:
        """The direction [VECTOR_SIZE], of length one; ``seconds`` shortens the time it has.

        Raises TritonUnavailable, or NoModel where Triton lacks the encoder.
        """
        found = await self._triton.infer(user_request(inputs, version), OUTPUT, seconds)
        return found.reshape(-1)


def user_request(inputs: Mapping[str, Array], version: int) -> Any:
    """The ModelInferRequest for one user's tensors (without a batch dimension)."""
    request = service_pb2.ModelInferRequest()
    request.CopyFrom(_TEMPLATE)
    request.model_version = str(version)
    request.raw_input_contents.extend([inputs[tensor.name].tobytes() for tensor in _TENSORS])
    return request
