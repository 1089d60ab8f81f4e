"""MovieLens-1M, from a folder with events.parquet, movies.dat and users.dat.

Events are in seconds, and ``pos`` says which of a user's came first. In the tables an event happens at its second and
as many milliseconds as its user had events in that second before it (999 at most), so that ties keep their order.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from training.datasets.movielens import TERMS, age_group, new_year
from training.datasets.ranklens import Film, films
from training.datasets.tables import About, DatasetError, check_columns, is_complete, made_of, moment, needed, write

EVENTS = ("user_id", "item_id", "timestamp", "pos")  # and `rating` where it is known
SHARE = 0.8  # of the events, in time: what is learned from
OCCUPATIONS = (
    "other",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)


def interactions(events: pd.DataFrame, action: str = "click") -> pd.DataFrame:
    """Ratings in time order, ``value`` the stars where they are known; timestamps are epoch milliseconds."""
    ordered = events.sort_values(["user_id", "timestamp", "pos"], kind="stable")
    place = ordered.groupby(["user_id", "timestamp"]).cumcount().clip(upper=999)
    stars = ordered["rating"] if "rating" in ordered else pd.Series(np.nan, ordered.index)
    users, films_ = ordered["user_id"].astype(str), ordered["item_id"].astype(str)
    ratings = pd.DataFrame(
        {
            "event_id": "ml-1m/" + users + "/" + films_ + "/" + ordered["pos"].astype(str),
            "user_id": users,
            "item_id": films_,
            "action": action,
            "value": stars.astype("Float64").to_numpy(float, na_value=np.nan),
            "timestamp": ordered["timestamp"].astype("int64") * 1000 + place,
        }
    )
    return ratings.sort_values("timestamp", kind="stable", ignore_index=True)


def end_of_training(events: pd.DataFrame) -> str:
    """The last millisecond of the second in which the first 0.8 of all events end."""
    return moment(int(np.quantile(events["timestamp"], SHARE)) * 1000 + 999)


def items(rows: list[list[str]], known: set[str], texts: Mapping[str, Film]) -> pd.DataFrame:
    """Films that have an event, with their texts where there are any."""
    return pd.DataFrame(
        [_item(row[0], row[1], row[2], texts.get(row[0])) for row in rows if row[0] in known],
        columns=["item_id", "title", "text", "categories", "attributes", "published_at"],
    )


def _item(item_id: str, title: str, genres: str, film: Film | None) -> tuple[object, ...]:
    year = title[-5:-1] if title[-5:-1].isdigit() else ""
    attributes = [f"year={year}"] if year else []
    text, more = (film.text, film.attributes) if film else ("", [])
    return item_id, title, text, genres.split("|"), attributes + more, new_year(year)


def users(rows: list[list[str]]) -> pd.DataFrame:
    """Users with the attributes of MovieLens-100k's."""
    attributes = [
        [f"gender={gender}", f"occupation={OCCUPATIONS[int(job)]}", f"age={age_group(int(age))}"]
        for _, gender, age, job, _ in rows
    ]
    return pd.DataFrame({"user_id": [row[0] for row in rows], "attributes": attributes})


def rows_of(path: Path, width: int) -> list[list[str]]:
    """GroupLens' own format: cells between ``::``, latin-1."""
    rows = [line.split("::") for line in path.read_text(encoding="latin-1").splitlines()]
    odd = next((number for number, row in enumerate(rows, start=1) if len(row) != width), 0)
    if odd:
        raise DatasetError(f"line {odd} of {path} has not {width} cells between `::`")
    return rows


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="events.parquet, movies.dat, users.dat")
    parser.add_argument("--text", type=Path, help="RankLens' movies.json: overviews, tags, actors, directors")
    parser.add_argument("--action", choices=["rating", "click"], default="click", help="what a rating counts as")


def run(to: Path, chosen: argparse.Namespace) -> None:
    """Write the tables into ``to``."""
    terms = TERMS.format(name="MovieLens-1M")
    print(terms)
    paths = needed(chosen.folder, "events.parquet", "movies.dat", "users.dat")
    made = made_of([*paths, *([chosen.text] if chosen.text else [])], action=chosen.action)
    if is_complete(to, made):
        return
    events = check_columns(pd.read_parquet(paths[0]), EVENTS, paths[0])
    found = interactions(events, chosen.action)
    texts = films(chosen.text) if chosen.text else {}
    catalogue = items(rows_of(paths[1], 3), set(found.item_id), texts)
    about = About("ml-1m", str(chosen.folder.name), terms, until=end_of_training(events))
    write(to, {"items": catalogue, "users": users(rows_of(paths[2], 5)), "interactions": found}, about, made)
