"""Numbers -> places in a drawing: scales, round ticks, and how numbers read."""

import math
from dataclasses import dataclass

STEPS = (1.0, 2.0, 5.0, 10.0)  # not 2.5: its ticks would need one more digit


@dataclass(frozen=True)
class Axis:
    """One side of a chart: what it shows, from where to where, and how its ticks read (a format of Python's)."""

    title: str
    low: float
    high: float
    form: str = "g"
    whole: bool = False  # whether only whole numbers mean something, as of epochs

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the low end, 1 at the high end; held inside."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def step_of(span: float, count: int) -> float:
    """The round step that divides a span into at most ``count`` parts."""
    size = 10.0 ** math.floor(math.log10(span / count))
    return size * next(step for step in STEPS if span / (size * step) <= count + 1e-9)


def ticks(axis: Axis, count: int = 5) -> list[float]:
    """Round values inside an axis."""
    step = max(step_of(axis.high - axis.low, count), 1.0 if axis.whole else 0.0)
    first = math.ceil(axis.low / step - 1e-9)
    return [place * step for place in range(first, math.floor(axis.high / step + 1e-9) + 1)]


def round_axis(title: str, low: float, high: float, form: str = "g", count: int = 5) -> Axis:
    """An axis that begins and ends at round values around ``low`` and ``high``."""
    span = high - low if high > low else abs(high) or 1.0
    step = step_of(span, count)
    return Axis(title, math.floor(low / step + 1e-9) * step, math.ceil((low + span) / step - 1e-9) * step, form)
