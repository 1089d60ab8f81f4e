"""Which of the processes of a training this is, and what they tell each other (``accelerate launch``)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process among ``count``; alone, everything it could tell the others it keeps to itself."""

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this is the one that writes, prints and evaluates."""
        return self.rank == 0

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace float tensors by their sums over all processes, in one exchange."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
        torch.distributed.all_reduce(flat)
        sizes = [tensor.numel() for tensor in tensors]
        for tensor, summed in zip(tensors, torch.split(flat, sizes), strict=True):
            tensor.detach().copy_(summed.view_as(tensor))

    def collect(self, tensors: Sequence[Tensor]) -> None:
        """Move what all processes have added up into the first one's tensors: the others go on from zero."""
        self.add_up(tensors)
        for tensor in [] if self.first else tensors:
            tensor.detach().zero_()

    def agree(self, value: Any) -> Any:
        """What the first process has; the others wait for it."""
        if self.count > 1:
            [value] = broadcast_object_list([value])
        return value


def join(cpu: bool) -> Processes:
    """The processes that ``accelerate launch`` started, or this one alone; on the GPU if there is one and not ``cpu``.

    Whoever joins first decides; the answer stays the same.
    """
    state = PartialState(cpu=cpu)
    return Processes(state.process_index, state.num_processes, state.device)
