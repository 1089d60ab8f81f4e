"""Source: where the user left: what they looked at or put into the cart lately and neither took nor turned down."""

from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.vocabulary import ACTION_CODE
from serving.candidates.asked import Asked
from serving.candidates.met import newest_first

NAME, SEARCHES = "continue", False
LATELY = 7 * 86_400_000  # milliseconds
_BEGUN = [ACTION_CODE[action] for action in ("view", "click", "cart")]


def find(asked: Asked, count: int) -> npt.NDArray[Any]:
    """Rows that were begun lately and never ended, the newest first."""
    rows, actions, timestamps = asked.met
    lately = timestamps > asked.now_ms - LATELY
    begun = lately & np.isin(actions, _BEGUN)
    ended = rows[~np.isin(actions, _BEGUN)]
    return newest_first(rows[begun & ~np.isin(rows, ended)])[:count]
