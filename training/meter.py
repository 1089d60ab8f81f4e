"""Steps -> their means since somebody looked last."""

import time
from collections import Counter
from dataclasses import dataclass, field

from training.step import Stepped


@dataclass
class Meter:
    """Sums over steps; ``read`` gives means and begins anew."""

    steps: int = 0
    samples: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def add(self, samples: int, stepped: Stepped) -> None:
        """Count a step that taught so many samples: history entries and labels."""
        self.steps += 1
        self.samples += samples
        self.sums.update({**stepped.losses, "gradient_norm": stepped.norm})

    def read(self) -> dict[str, float]:
        """Mean losses and gradient norm, samples a second of wall clock."""
        means = {name: value / self.steps for name, value in self.sums.items() if value}
        means["samples_per_second"] = self.samples / (time.monotonic() - self.began)
        self.__init__()  # type: ignore[misc]
        return means
