"""A training run -> report.html and report.json: ``python -m training.report``."""

import json
import sys
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import torch

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.cases import walk
from training.command_line import command
from training.log import EmptyLog
from training.query_texts import with_queries
from training.report.build import build
from training.report.evidence import Evidence, read_evidence
from training.report.importance import importance
from training.report.page import render
from training.report.sample import sample
from training.report.tuning import against, texts
from training.report.worst import masked
from training.rivals import read_weights
from training.runs import Run, latest_run
from training.samples import Catalogue, read_catalogue
from training.settings import TrainingSettings
from training.window import MIN_SEEN, ROLL, open_window

EXAMPLES = """examples:
  python -m training.report --interactions data/ml-100k/interactions.parquet      the latest run, into its own folder
  python -m training.report --against data/models/20260101-120000 --out /tmp/report.html
  python -m training.report --cases 0                    without the importance of inputs, which takes longest
"""
Section = dict[str, Any]


def report(
    run: Path, settings: StoreSettings, snapshots: Path, other: Path | None, file: Path | None, count: int
) -> Section:
    """Everything there is to say about a run."""
    evidence = read_evidence(run, snapshots, settings)
    trained = read_weights(run, validation=False)
    snapshot = snapshots / trained.snapshot_id
    catalogue = read_catalogue(snapshot)
    worth = inputs_worth(evidence, trained, settings, snapshot, catalogue, file, count)
    tuning = {"against": against(evidence, other), "texts": texts(evidence, trained, catalogue.texts)}
    made = build(evidence, tuning=tuning, importance=worth)
    return made | {"worst": masked(made["worst"], settings.salt)}


def inputs_worth(
    evidence: Evidence,
    run: Run,
    settings: StoreSettings,
    snapshot: Path,
    catalogue: Catalogue,
    file: Path | None,
    count: int,
) -> Section:
    """The importance of inputs on ``count`` of the cases, which are made anew for it."""
    if not count:
        return {"missing": "The importance of inputs was left out (--cases 0)."}
    window = open_window(open_store(settings), settings, snapshot, catalogue, validation=False, file=file)
    drawn = walk(window.world, window.events, ROLL, MIN_SEEN, newcomers=True, limit=count)
    return importance(sample(drawn, evidence.cases), run.recommender, with_queries(run, window.world.queries))


def write(made: Section, page: Path) -> Path:
    """The page, and its numbers beside it as JSON; returns the path of the latter."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(made), encoding="utf-8")
    numbers = page.with_suffix(".json")
    numbers.write_text(json.dumps(made, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    return numbers


def main(arguments: list[str] | None = None) -> None:
    parser = command("report", __doc__, EXAMPLES)
    parser.add_argument("--run", type=Path, help="folder of an evaluated run (default: the latest)")
    parser.add_argument("--against", type=Path, help="folder of another evaluated run, to compare with")
    parser.add_argument("--interactions", type=Path, help="the file evaluate was given (default: the offline log)")
    parser.add_argument("--cases", type=int, default=200, help="cases for the importance of inputs (default: 200)")
    parser.add_argument("--out", type=Path, help="the page (default: report.html in the run); report.json goes beside")
    chosen = parser.parse_args(arguments)
    settings, folders = StoreSettings(), TrainingSettings()
    torch.set_num_threads(2)
    try:
        run = chosen.run or latest_run(folders.models)
        made = report(run, settings, folders.snapshots, chosen.against, chosen.interactions, max(chosen.cases, 0))
    except EmptyLog as error:
        sys.exit(str(error))
    page = chosen.out or run / "report.html"
    print(f"-> {page}, {write(made, page)}")


if __name__ == "__main__":
    main()
