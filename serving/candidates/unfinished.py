"""Source: where the user left: what they looked at or put into the cart lately and neither took nor turned down."""

from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.vocabulary import ACTION_CODE
from serving.candidates.asked import Asked

NAME, SEARCHES = "continue", False
LATELY = 7 * 86_400_000  # milliseconds
_BEGINS = np.isin(np.arange(len(ACTION_CODE) + 1), [ACTION_CODE[action] for action in ("view", "click", "cart")])


def find(asked: Asked, count: int) -> npt.NDArray[Any]:
    """Rows that were begun lately and never ended, the newest first."""
    rows, actions, timestamps = asked.met
    lately = timestamps > asked.now_ms - LATELY
    begins = _BEGINS[actions]
    ended = frozenset(rows[~begins].tolist())
    begun = rows[lately & begins].tolist()
    return np.array([row for row in dict.fromkeys(reversed(begun)) if row not in ended][:count], np.int64)
