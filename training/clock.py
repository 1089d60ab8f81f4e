"""Seconds and hours -> numbers a network can read."""

import torch
from torch import Tensor

GAP_SCALES = (1.0, 60.0, 3_600.0, 86_400.0, 604_800.0)  # seconds


def time_features(seconds: Tensor) -> Tensor:
    """Times [...] on logarithmic scales [..., len(GAP_SCALES)]."""
    return torch.log1p(seconds[..., None] / seconds.new_tensor(GAP_SCALES)) * 0.2


def clock_features(hour: Tensor, weekday: Tensor) -> Tensor:
    """Hours and weekdays [...] -> [..., 4] on two circles."""
    angles = torch.stack([hour, weekday], -1) / hour.new_tensor((24.0, 7.0)) * (2 * torch.pi)
    return torch.cat([angles.sin(), angles.cos()], -1)
