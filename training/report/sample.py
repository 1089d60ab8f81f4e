"""Cases that were drawn, with all their tensors -> the same, checked against what evaluate saw."""

from collections.abc import Iterable

import pandas as pd
from tqdm import tqdm

from training.cases import Case
from training.log import EmptyLog


def sample(walked: Iterable[Case], known: pd.DataFrame) -> list[Case]:
    """Cases of users who were met before; raises EmptyLog where one is not among the cases of ``known``."""
    keys = set(zip(known["user_id"], known["item_id"], known["timestamp"], strict=True))
    drawn = [case for case in tqdm(walked, desc="cases", unit=" cases", leave=False) if len(case.seen)]
    if any((case.user_id, case.item_id, case.timestamp) not in keys for case in drawn):
        raise EmptyLog(
            "the cases of this window are not those that evaluate saw: name the file it read with --interactions, or "
            "leave the importance of inputs out with --cases 0"
        )
    return drawn
