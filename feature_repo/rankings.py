"""A ranking as it was made -> a message of the topic ``rankings``, and back: what the model saw and what it said.

MessagePack; arrays are raw little-endian bytes of the tensors' own types. Vectors are left out, because they are no
features of their own: those of the candidates and of the history follow from the items, their content and the model,
that of the query from its text.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.features import MODEL_TENSORS
from feature_repo.inputs import tensors

Array = npt.NDArray[Any]
TOPIC: Final = "rankings"  # key user_id
CANDIDATES: Final = 1000  # candidates of one ranking that are logged, the best first: a message stays below 200 kB
STAMP: Final = "<i8"

SHAPES: Final = {tensor.name: (tensor.shape, np.dtype(tensor.dtype).newbyteorder("<")) for tensor in tensors()}
LOGGED: Final = tuple(
    name for name in SHAPES if not name.endswith(("_vector", "_vectors")) and name not in MODEL_TENSORS
)
PER_ITEM: Final = frozenset(name for name in LOGGED if "N" in SHAPES[name][0])


class LoggedRanking(msgspec.Struct, frozen=True, kw_only=True):
    """One answered ranking; N candidates were scored."""

    request_id: str
    user_id: str
    instant: int  # epoch microseconds: the time of the decision, to which counters had faded
    model_version: str
    slate: list[str]  # the items of the answer, in its order; the unknown ones are not among the candidates
    item_ids: list[str]  # the candidates, in the order of everything below
    scores: bytes  # float32 [N]
    propensities: bytes | None = None  # float32 [N]; none while the order is not drawn
    tensors: dict[str, bytes]  # LOGGED: as the ranker was sent them, without the batch
    history_item_ids: list[str]  # whose vectors ``history_vectors`` were
    context: dict[str, str] | None = None  # the part of the request's context that the model saw, its query too
    degraded: list[str] = []  # what the answer lacked; "triton: ..." where the scores are not the model's
    user_stamps: dict[str, int]  # view -> event_timestamp of the row (epoch microseconds); 0 where there was none
    item_stamps: dict[str, bytes]  # view -> the same of every candidate, int64 [N]

    def tensor(self, name: str) -> Array:
        """One of the tensors, in its shape."""
        shape, kind = SHAPES[name]
        sizes = [size if isinstance(size, int) else len(self.item_ids) for size in shape]
        return np.frombuffer(self.tensors[name], kind).reshape(sizes)

    def stamps(self, view: str) -> Array:
        """Stamps of the rows that were read of a view: [N], or [1] of the user."""
        if view in self.user_stamps:
            return np.array([self.user_stamps[view]], np.int64)
        return np.frombuffer(self.item_stamps[view], STAMP)


_decoder = msgspec.msgpack.Decoder(LoggedRanking)
encode: Final = msgspec.msgpack.Encoder().encode


def decode(raw: bytes) -> LoggedRanking:
    """A message of the topic. Raises msgspec.ValidationError (wrong fields) or DecodeError (not MessagePack)."""
    return _decoder.decode(raw)


def packed(inputs: Mapping[str, Array]) -> dict[str, bytes]:
    """The ranker's tensors as bytes."""
    return {name: raw(inputs[name], SHAPES[name][1]) for name in LOGGED}


def raw(array: Array, kind: npt.DTypeLike) -> bytes:
    """An array as bytes of this kind."""
    return np.asarray(array, kind).tobytes()
