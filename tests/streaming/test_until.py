"""Where a history is cut."""

import pandas as pd
import pytest

from streaming.events import InvalidEvent
from streaming.until import cut

T = 1_750_000_000_000
TIMES = pd.DataFrame({"timestamp": [T + hour * 3_600_000 for hour in range(10)]})


def test_until_takes_a_share_of_the_events_in_time() -> None:
    assert len(cut(TIMES, "0.8")) == 8
    assert len(cut(TIMES, "1")) == len(cut(TIMES, None)) == 10


def test_until_takes_an_iso_time_and_includes_it() -> None:
    assert len(cut(TIMES, "2025-06-15T17:06:40Z")) == 3


@pytest.mark.parametrize("until", ["0", "1.5", "nan", "later"])
def test_until_refuses_anything_else(until: str) -> None:
    with pytest.raises(InvalidEvent, match="--until"):
        cut(TIMES, until)
