"""The events after a snapshot -> some of the cases that evaluate saw, with all their tensors."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from tqdm import tqdm

from training.cases import Case
from training.log import EmptyLog

SEED = 0


def sample(walked: Iterable[Case], known: pd.DataFrame, count: int) -> list[Case]:
    """``count`` of the cases, drawn at random; raises EmptyLog where they are not those of ``known``, in its order."""
    draw = np.random.default_rng(SEED)
    wanted = set(draw.choice(len(known), min(count, len(known)), replace=False).tolist())
    keys, chosen = zip(known["user_id"], known["item_id"], known["timestamp"], strict=True), []
    bar = tqdm(walked, desc="cases", total=len(known), unit=" cases", leave=False)
    for place, (case, key) in enumerate(zip(bar, keys, strict=False)):
        if (case.user_id, case.item_id, case.timestamp) != key:
            raise EmptyLog(
                f"case {place} is not the one that evaluate saw: name the file it read with --interactions, "
                "or leave the importance of inputs out with --cases 0"
            )
        if place in wanted:
            chosen.append(case)
    return chosen
