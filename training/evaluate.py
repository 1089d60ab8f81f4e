"""A trained recommender and the events after its snapshot -> NDCG@10, recall@10 and MRR beside simple baselines.

Streaming evaluation: the test window is walked in time order; every event advances its user's and its item's features,
and before it does, the whole catalogue without what the user has seen is ranked for it.
"""

import argparse
import json
import sys
from pathlib import Path

import feature_repo.lean_feast  # noqa: F401

import torch
from feast import FeatureStore
from tqdm import tqdm

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.baselines import FITS, SASREC, Scorer, UnknownBaseline, chosen, with_sasrec
from training.baselines.past import past_of
from training.baselines.trained_sasrec import trained
from training.cases import walk
from training.evaluation import MODEL, Evaluation, evaluated
from training.log import EmptyLog
from training.metrics import summary
from training.query_texts import with_queries
from training.runs import Run, latest_run, read_run
from training.samples import Catalogue, read_catalogue
from training.settings import TrainingSettings
from training.window import MIN_SEEN, ROLL, Window, open_window

EXAMPLES = """examples:
  python -m training.evaluate --interactions data/ml-100k/interactions.parquet
  python -m training.evaluate --validation     the window that chose the model, by the weights that had not seen it
"""
Scorers = dict[str, Scorer]
Table = dict[str, dict[str, float]]


def baselines(window: Window, catalogue: Catalogue, snapshot: Path, names: str, run: Run, weights: str) -> Scorers:
    """What the model has to beat, fitted on the window's past; SASRec where it was trained for the snapshot."""
    past = past_of(window.past, window.events, catalogue)
    scorers: Scorers = {name: FITS[name](past) for name in chosen(names, past)}
    if with_sasrec(names) and (sasrec := trained(snapshot, len(catalogue), weights, run.config.seed)):
        scorers[SASREC] = sasrec
    return scorers


def evaluate(window: Window, scorers: Scorers, title: str) -> Evaluation:
    """Every scorer on the very same cases of a window."""
    bar = tqdm(walk(window.world, window.events, ROLL, MIN_SEEN), desc=title, unit=" cases")
    found = evaluated(bar, scorers)
    if not found.cases:
        raise EmptyLog("no event in the window belongs to a user who was seen before: nothing to evaluate")
    return found


def page(table: Table) -> str:
    """The metrics as a table for people."""
    lines = [f"{'':18}{'NDCG@10':>16}{'recall@10':>11}{'MRR':>9}"]
    for name, row in sorted(table.items(), key=lambda pair: pair[1]["ndcg@10"]):
        ndcg = f"{row['ndcg@10']:.4f} ±{row['ndcg@10_se']:.4f}"
        lines.append(f"{name:18}{ndcg:>16}{row['recall@10']:>11.4f}{row['mrr']:>9.4f}")
    return "\n".join(lines)


def run_evaluation(
    store: FeatureStore,
    settings: StoreSettings,
    folder: Path,
    snapshot: Path,
    file: Path | None,
    validation: bool,
    names: str = "fast",
) -> Table:
    """Evaluate one run and keep the table beside it in ``metrics.json``."""
    run = read_run(folder, "validated.pt" if validation else "model.pt")
    catalogue = read_catalogue(snapshot)
    window = open_window(store, settings, snapshot, catalogue, validation=validation, file=file)
    name = "validation" if validation else "test"
    rivals = baselines(window, catalogue, snapshot, names, run, "validated" if validation else "final")
    found = evaluate(window, {MODEL: run.recommender.scorer(with_queries(run, window.world.queries)), **rivals}, name)
    table = {scorer: summary(ranks) for scorer, ranks in found.ranks.items()}
    path = folder / "metrics.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**kept, name: table}, indent=1) + "\n")
    cases = int(table["model"]["cases"])
    print(f"{name}: {cases} cases of {len(catalogue)} items, {window.events.user_id.nunique()} users, in time order")
    print(page(table))
    return table


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m training.evaluate",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--interactions", type=Path, help="parquet file with the events (default: the offline log)")
    parser.add_argument(
        "--validation", action="store_true", help="the last part of the snapshot in the place of what came after"
    )
    parser.add_argument(
        "--baselines",
        default="fast",
        help="fast (default), all, none, or names with commas between (SASRec if trained)",
    )
    parser.add_argument("--run", type=Path, help="folder of the training run (default: the latest)")
    given = parser.parse_args(arguments)
    settings, folders = StoreSettings(), TrainingSettings()
    torch.set_num_threads(2)
    try:
        folder = given.run or latest_run(folders.models)
        snapshot = folders.snapshots / str(json.loads((folder / "config.json").read_text())["snapshot_id"])
        store = open_store(settings)
        run_evaluation(store, settings, folder, snapshot, given.interactions, given.validation, given.baselines)
    except (EmptyLog, UnknownBaseline) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
