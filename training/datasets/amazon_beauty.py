"""Amazon Beauty, from a folder with events.csv (user_id, item_id, pos) and items.csv (item_id, title, keywords).

Only the order of a user's events is known. They are laid out so that leaving out the last event of each user is a cut
in time: an event that is k places from the end of its user's history happens k days before the last day, at a moment
of the day that is the user's own. The last events are the last day's; those before them, the day before's, are the
validation window.
"""

import argparse
from pathlib import Path
from zlib import crc32

import pandas as pd

from training.datasets.tables import About, check_columns, is_complete, made_of, moment, needed, write

DAY = 86_400_000  # milliseconds
LAST_DAY = 1_406_073_600_000  # 2014-07-23, the day the reviews of this edition end
TERMS = """Amazon product reviews, 5-core of 2014, collected by J. McAuley's group at UCSD: for research; cite
  R. He and J. McAuley, Ups and Downs: Modeling the Visual Evolution of Fashion Trends with One-Class Collaborative
  Filtering, WWW 2016. Titles and reviews belong to Amazon and its customers: no redistribution."""


def interactions(events: pd.DataFrame) -> pd.DataFrame:
    """Reviews as clicks, in the made time order."""
    from_end = events.groupby("user_id")["pos"].rank(ascending=False, method="first").astype(int) - 1
    moments = events["user_id"].map({user_id: crc32(user_id.encode()) % DAY for user_id in events["user_id"].unique()})
    found = pd.DataFrame(
        {
            "event_id": "beauty/" + events["user_id"] + "/" + events["pos"].astype(str),
            "user_id": events["user_id"],
            "item_id": events["item_id"],
            "action": "click",
            "timestamp": LAST_DAY - from_end * DAY + moments,
        }
    )
    return found.sort_values("timestamp", kind="stable", ignore_index=True)


def items(table: pd.DataFrame, known: set[str]) -> pd.DataFrame:
    """Products; one that has events and no entry has nothing but its id."""
    unknown = sorted(known - set(table["item_id"]))
    rows = pd.concat([table, pd.DataFrame({"item_id": unknown})], ignore_index=True).fillna("")
    return pd.DataFrame(
        {"item_id": rows["item_id"], "title": rows["title"], "text": rows["keywords"]}
        | {name: [[] for _ in range(len(rows))] for name in ("categories", "attributes")}
    )


def users(user_ids: pd.Series) -> pd.DataFrame:
    """Users of whom nothing is known."""
    found = sorted(set(user_ids))
    return pd.DataFrame({"user_id": found, "attributes": [[] for _ in found]})


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="events.csv, items.csv")


def run(to: Path, chosen: argparse.Namespace) -> None:
    """Write the tables into ``to``."""
    print(TERMS)
    paths = needed(chosen.folder, "events.csv", "items.csv")
    made = made_of(paths)
    if is_complete(to, made):
        return
    events, products = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths)
    events = check_columns(events, ("user_id", "item_id", "pos"), paths[0]).astype({"pos": int})
    check_columns(products, ("item_id", "title", "keywords"), paths[1])
    found = interactions(events)
    cut, validation = moment(LAST_DAY - 1), moment(LAST_DAY - DAY)
    about = About("amazon-beauty", chosen.folder.name, TERMS, cut, validation, "leave-one-out")
    tables = {"items": items(products, set(found.item_id)), "users": users(found.user_id), "interactions": found}
    write(to, tables, about, made)
