"""Python's cycle collector, told to look seldom.

A worker allocates tens of small tuples an event and keeps tens of thousands of rows; none of them is in a cycle, yet
with the default thresholds the collector walks all of them again and again: half of the worker's time when profiled.
In the API it looks once or twice a ranking, a fiftieth of a ranking's time.
"""

import gc

ALLOCATIONS = 100_000  # between two looks at the youngest objects; Python's default is 700


def collect_seldom() -> None:
    """Look at young objects a hundred times less often than Python does by itself."""
    gc.set_threshold(ALLOCATIONS, 50, 100)
