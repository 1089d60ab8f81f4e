"""A data set -> tables of items, users and interactions: ``python -m training.datasets ml-100k``.

Each is a parquet file; the folder is what ``python -m streaming.backfill`` takes, with ``dataset.json`` that says
what it is. A folder that is complete is left as it is.
"""

import argparse
import sys
from pathlib import Path

from training.command_line import command
from training.datasets import amazon_beauty, mind, ml_1m, ml_100k, table
from training.datasets.tables import DatasetError
from training.settings import TrainingSettings

READERS = {"ml-100k": ml_100k, "ml-1m": ml_1m, "amazon-beauty": amazon_beauty, "mind": mind, "table": table}
EXAMPLES = """examples:
  python -m training.datasets ml-100k
  python -m training.datasets ml-1m --from ~/ml-1m --text ~/ranklens/movies.json
  python -m training.datasets amazon-beauty --from ~/beauty --to data/beauty
  python -m training.datasets table --mapping shop.yaml --to data/shop
"""


def main(arguments: list[str] | None = None) -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = command("datasets", __doc__, EXAMPLES)
    names = parser.add_subparsers(dest="dataset", required=True)
    for name, reader in READERS.items():
        about = (reader.__doc__ or "").strip()
        one = names.add_parser(name, help=about.split("\n")[0], description=about, formatter_class=formatter)
        one.add_argument("--to", type=Path, help=f"folder to write (default: <data folder>/{name})")
        reader.add_flags(one)
        one.set_defaults(run=reader.run)
    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen.to or TrainingSettings().data_dir / chosen.dataset, chosen)
    except DatasetError as error:
        sys.exit(f"datasets: {error}")


if __name__ == "__main__":
    main()
