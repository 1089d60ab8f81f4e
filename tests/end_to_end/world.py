"""A made world whose right answer is known: two kinds of items, and users who keep to one kind."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

KINDS = {"space": ("Rocket to {}", "Return from {}"), "romance": ("Love in {}", "Letters from {}")}
PLACES = ("Mars", "Paris", "Vega", "Rome", "Titan", "Lisbon", "Rigel", "Vienna", "Luna", "Seville")
USERS, CLICKS = 60, 24
MINUTE_MS = 60_000


def items() -> pd.DataFrame:
    rows = [
        {"item_id": f"{kind}-{number}", "title": title.format(place), "categories": [kind]}
        for kind, titles in KINDS.items()
        for number, (title, place) in enumerate((title, place) for title in titles for place in PLACES)
    ]
    return pd.DataFrame(rows)


def interactions(seed: int = 0) -> pd.DataFrame:
    """Every user clicks through items of one kind, one in ten of the other; the last click is an hour old."""
    draw, catalogue = np.random.default_rng(seed), items()
    by_kind = {kind: group["item_id"].to_numpy() for kind, group in catalogue.groupby(catalogue["categories"].str[0])}
    rows = []
    for user in range(USERS):
        own, other = ("space", "romance") if user % 2 else ("romance", "space")
        own_items, other_items = draw.permutation(by_kind[own]), draw.permutation(by_kind[other])
        mixed = [*own_items[: CLICKS - 6], *other_items[:2]]
        rows += [{"user_id": f"{own}-fan-{user}", "item_id": item_id} for item_id in draw.permutation(mixed)]
    shuffled = [rows[place] for place in draw.permutation(len(rows))]
    now = time.time_ns() // 1_000_000
    return pd.DataFrame(shuffled).assign(
        event_id=[f"history-{number}" for number in range(len(rows))],
        action="click",
        timestamp=[now - (60 + len(rows) - number) * MINUTE_MS for number in range(len(rows))],
    )


def write(folder: Path) -> None:
    folder.mkdir(parents=True)
    items().to_parquet(folder / "items.parquet")
    interactions().to_parquet(folder / "interactions.parquet")
