"""MIND, from a folder with behaviors.tsv and news.tsv as Microsoft lays them out.

A news item that was shown is an ``impression`` at its slate's time, with the slate's id as ``request_id`` and its
place as ``position`` (MIND shuffled the places); a clicked one is a ``click`` of the same request as well, a second
later.

The column of earlier clicks has an order and no times. MIND took it from the four weeks before the first impressions,
so a user's clicks are spread evenly, in their order, over the 28 days before the first day of the file (users with as
many clicks do not meet: each begins at a moment of its own). The last day is the test window, the day before it the
validation window.
"""

import argparse
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

from training.datasets.amazon_beauty import users
from training.datasets.tables import About, DatasetError, is_complete, made_of, moment, needed, write

DAY = 86_400_000  # milliseconds
BEFORE = 28 * DAY  # what the column of earlier clicks was taken from
BEHAVIORS = ("impression", "user_id", "time", "history", "shown")
NEWS = ("item_id", "category", "subcategory", "title", "text", "url", "title_entities", "text_entities")
TIME = "%m/%d/%Y %I:%M:%S %p"
TERMS = """MIND, the Microsoft News Dataset, under the Microsoft Research License Terms: non-commercial research only,
  no redistribution; cite F. Wu et al., MIND: A Large-scale Dataset for News Recommendation, ACL 2020."""


def read(path: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """A file without a header; raises DatasetError where it has another number of columns."""
    table = pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False, quoting=3)
    if len(table.columns) != len(names):
        raise DatasetError(f"{path} has {len(table.columns)} columns, not the {len(names)} of MIND: {', '.join(names)}")
    return table.set_axis(list(names), axis=1)


def times(behaviors: pd.DataFrame, path: Path) -> pd.Series:
    """When each slate was shown, in epoch milliseconds."""
    found = pd.to_datetime(behaviors["time"], format=TIME, errors="coerce")
    if found.isna().any():
        row = int(found.isna().to_numpy().argmax())
        raise DatasetError(
            f"line {row + 1} of {path} has the time {behaviors['time'][row]!r}, not one like 11/9/2019 6:42:51 PM"
        )
    return found.astype("datetime64[ms]").astype("int64")


def slates(behaviors: pd.DataFrame, shown_at: pd.Series) -> pd.DataFrame:
    """Impressions and the clicks on them."""
    shown = behaviors.assign(timestamp=shown_at, shown=behaviors["shown"].str.split()).explode("shown")
    shown["position"] = shown.groupby(level=0).cumcount()
    parts = shown["shown"].str.extract("^(.+)-([01])$")
    if parts[0].isna().any():
        odd = shown[parts[0].isna().to_numpy()].iloc[0]
        raise DatasetError(
            f"impression {odd['impression']} shows {odd['shown']!r}, not an item with -0 or -1 behind it"
        )
    impressions = pd.DataFrame(
        {
            "event_id": "mind/" + shown["impression"] + "/" + shown["position"].astype(str),
            "user_id": shown["user_id"],
            "item_id": parts[0],
            "action": "impression",
            "timestamp": shown["timestamp"],
            "request_id": shown["impression"],
            "position": shown["position"],
        }
    )
    clicks = impressions[parts[1] == "1"]
    moved, names = clicks["timestamp"] + 1000 + clicks["position"], clicks["event_id"] + "/click"
    return pd.concat([impressions, clicks.assign(event_id=names, action="click", timestamp=moved)])


def earlier_clicks(behaviors: pd.DataFrame, begin: int) -> pd.DataFrame:
    """What users clicked in the four weeks before ``begin`` (epoch ms)."""
    history = behaviors.drop_duplicates("user_id").set_index("user_id")["history"].str.split()
    found = history.explode()
    found = pd.DataFrame({"user_id": found.index, "item_id": found.to_numpy()}).dropna(ignore_index=True)
    of_user = found.groupby("user_id")["item_id"]
    place, count = of_user.cumcount(), of_user.transform("size")
    begins = found["user_id"].map(lambda user_id: crc32(user_id.encode()) / 2**32)
    when = begin - BEFORE + ((place + begins) / count * BEFORE).astype("int64")
    names = "mind/" + found["user_id"] + "/earlier/" + place.astype(str)
    return found.assign(event_id=names, action="click", timestamp=when)


def items(news: pd.DataFrame, known: set[str]) -> pd.DataFrame:
    """Every item that was shown, clicked or described; one without an entry has nothing but its id."""
    unknown = pd.DataFrame({"item_id": sorted(known - set(news["item_id"]))})
    rows = pd.concat([news, unknown], ignore_index=True).fillna("")
    categories = [[name for name in pair if name] for pair in zip(rows["category"], rows["subcategory"], strict=True)]
    return rows[["item_id", "title", "text"]].assign(categories=categories, attributes=[[] for _ in categories])


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="behaviors.tsv, news.tsv")


def run(to: Path, chosen: argparse.Namespace) -> None:
    """Write the tables into ``to``."""
    print(TERMS)
    paths = needed(chosen.folder, "behaviors.tsv", "news.tsv")
    made = made_of(paths)
    if is_complete(to, made):
        return
    behaviors, news = read(paths[0], BEHAVIORS), read(paths[1], NEWS)
    shown_at = times(behaviors, paths[0])
    days = np.unique(shown_at // DAY) * DAY
    if len(days) < 3:
        raise DatasetError(f"{paths[0]} has {len(days)} days; three are needed, to learn, to validate and to test")
    found = pd.concat([earlier_clicks(behaviors, int(days[0])), slates(behaviors, shown_at)])
    found = found.astype({"position": "Int64"}).sort_values("timestamp", kind="stable", ignore_index=True)
    about = About("mind", chosen.folder.name, TERMS, moment(int(days[-1]) - 1), moment(int(days[-2])))
    tables = {"items": items(news, set(found.item_id)), "users": users(found.user_id), "interactions": found}
    write(to, tables, about, made)
