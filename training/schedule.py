"""A step of a training -> its learning rate and its randomness."""

import math
import random

import numpy as np
import torch


def pace(step: int, warmup: int, steps: int, final: float) -> float:
    """The learning rate's share at a step: a linear rise, then half a cosine down to ``final`` (SGDR, 2017)."""
    return min(step / max(warmup, 1), 1.0) * (final + (1 - final) * (1 + math.cos(math.pi * min(step / steps, 1))) / 2)


def seed_of(*numbers: int) -> int:
    """One seed of 32 bits from several numbers >= 0, unlike that of any neighbour."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def seed_everything(seed: int) -> None:
    """Make python, numpy and torch draw what they always draw after this seed."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
