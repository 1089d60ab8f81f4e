"""A trained recommender and the events after its snapshot -> how well it ranks beside simpler means.

Streaming evaluation: the test window is walked in time order; every event advances its user's and its item's features,
and before it does, the whole catalogue without what the user has seen is ranked for it. Beside the run come
``metrics.json`` and what it is made of: the tables of case_table.py.
"""

import json
import sys
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from feast import FeatureStore
from tqdm import tqdm

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training import cold_start, impressions
from training.baselines import UnknownBaseline
from training.case_table import case_table, scored_table, write_tables
from training.cases import walk
from training.command_line import command
from training.evaluation import MODEL, Evaluation, NotANumber, evaluated
from training.language import EncoderMissing
from training.log import EmptyLog, interactions
from training.measures import Table, measured
from training.rivals import OtherCatalogue, Scorers, baselines, other_runs, read_weights, scorer_of
from training.runs import Run, latest_run
from training.samples import read_catalogue
from training.settings import TrainingSettings
from training.shown import evaluate_shown, metrics_of, write_shown
from training.slates import outcomes
from training.window import MIN_SEEN, ROLL, Window, open_window

EXAMPLES = """examples:
  python -m training.evaluate --interactions data/ml-100k/interactions.parquet
  python -m training.evaluate --validation     the window that chose the model, by the weights that had not seen it
  python -m training.evaluate --baselines "sasrec, ease" --against data/models/20261101-120000
"""
Array = npt.NDArray[Any]


def evaluate(window: Window, scorers: Scorers, title: str) -> tuple[Evaluation, Evaluation]:
    """Every scorer on the very same cases of a window; apart from them, on the first events of users nobody met."""
    walked = walk(window.world, window.events, ROLL, MIN_SEEN, newcomers=True)
    found = evaluated(tqdm(walked, desc=title, unit=" cases"), scorers, len(window.world.catalogue))
    known = np.array([len(case.seen) > 0 for case in found.cases], bool)
    if not known.any():
        raise EmptyLog("no event in the window belongs to a user who was seen before: nothing to evaluate")
    return found.part(known), found.part(~known)


def page(table: Table) -> str:
    """The metrics as a table for people, worst first."""
    width = max(18, *(len(name) + 2 for name in table))
    lines = [f"{'':{width}}{'NDCG@10':>16}{'recall@10':>11}{'MRR':>9}{'coverage':>10}{'novelty':>9}"]
    for name, row in sorted(table.items(), key=lambda pair: pair[1]["ndcg@10"]):
        ndcg = f"{row['ndcg@10']:.4f} ±{row['ndcg@10_se']:.4f}"
        rest = f"{row['recall@10']:>11.4f}{row['mrr']:>9.4f}{row['coverage']:>10.3f}{row['novelty']:>9.2f}"
        lines.append(f"{name:{width}}{ndcg:>16}{rest}")
    return "\n".join(lines)


def run_evaluation(
    store: FeatureStore,
    settings: StoreSettings,
    folder: Path,
    snapshot: Path,
    file: Path | None,
    validation: bool,
    names: str = "fast",
    against: list[Path] | None = None,
) -> Table:
    """Evaluate one run and keep tables and metrics beside it."""
    run, catalogue = read_weights(folder, validation), read_catalogue(snapshot)
    window = open_window(store, settings, snapshot, catalogue, validation=validation, file=file)
    name = "validation" if validation else "test"
    runs = {MODEL: run, **other_runs(against or [], catalogue, validation)}
    rivals = baselines(names, window, catalogue, snapshot, run.config.seed, validation)
    found, first = evaluate(window, {key: scorer_of(each, window) for key, each in runs.items()} | rivals, name)
    tables = {
        "cases": case_table(found, catalogue, window.past),
        "newcomers": case_table(first, catalogue, window.past),
        "scored": scored_table(found, catalogue, run.recommender.ranker.calibration),
    }
    write_tables(folder, name, tables)
    counts = window.past.item_id.value_counts().reindex(catalogue.ids, fill_value=0).to_numpy()
    table = measured(found, counts, vectors_of(run))
    cold = cold_start.cold_start(tables["cases"].to_pandas(), tables["newcomers"].to_pandas())
    keep(folder / "metrics.json", **{name: table, f"{name}_cold_start": cold})
    users = window.later.user_id.nunique()
    print(f"{name}: {len(found.cases)} cases of {len(catalogue)} items, {users} users, in time order")
    print(f"{page(table)}\n\nNDCG@10 where little is known\n{cold_start.page(cold)}")
    if outcomes(window.events, window.world):
        window = open_window(store, settings, snapshot, catalogue, validation=validation, file=file)
        everything = pd.concat([interactions(settings, 0, window.cutoff), window.events])
        shown = evaluate_shown(window, everything, catalogue, runs, rivals)
        averages = metrics_of(shown, run.recommender.ranker.calibration)
        write_shown(folder, name, shown, catalogue, run.recommender.ranker.calibration)
        keep(folder / "metrics.json", **{f"{name}_impressions": averages})
        print(f"\n{len(shown.slates)} impressions with a click\n{impressions.page(averages)}")
    return table


@torch.no_grad()
def vectors_of(run: Run) -> Array:
    """The run's item vectors [n, D]."""
    vectors: Array = run.recommender.matrix(run.text)[1:].numpy()
    return vectors


def snapshot_of(folder: Path, snapshots: Path) -> Path:
    """The snapshot a run was trained on. Raises EmptyLog."""
    if not (folder / "config.json").exists():
        raise EmptyLog(f"{folder} is no folder of a training run: it has no config.json")
    snapshot = snapshots / str(json.loads((folder / "config.json").read_text())["snapshot_id"])
    if not (snapshot / "snapshot.json").exists():
        raise EmptyLog(f"{folder} was trained on the snapshot {snapshot.name}, which is not in {snapshots}")
    return snapshot


def keep(path: Path, **found: Any) -> None:
    """Add to what metrics.json holds."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**kept, **found}, indent=1) + "\n")


def main(arguments: list[str] | None = None) -> None:
    parser = command("evaluate", __doc__, EXAMPLES)
    parser.add_argument("--interactions", type=Path, help="parquet file with the events (default: the offline log)")
    parser.add_argument(
        "--validation", action="store_true", help="the last part of the snapshot in the place of what came after"
    )
    parser.add_argument("--run", type=Path, help="folder of the training run (default: the latest)")
    parser.add_argument("--against", type=Path, action="append", help="folder of another run of the same snapshot")
    parser.add_argument(
        "--baselines",
        default="fast",
        help="fast (default; with SASRec if it was trained), all, none, or names with commas",
    )
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    given = parser.parse_args(arguments)
    settings, folders = StoreSettings(), TrainingSettings()
    torch.set_num_threads(given.threads)
    try:
        folder = given.run or latest_run(folders.models)
        snapshot = snapshot_of(folder, folders.snapshots)
        windows = (given.interactions, given.validation)
        run_evaluation(open_store(settings), settings, folder, snapshot, *windows, given.baselines, given.against)
    except (EmptyLog, EncoderMissing, UnknownBaseline, OtherCatalogue, NotANumber) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
