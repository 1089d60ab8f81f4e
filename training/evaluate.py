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
from training.baselines import FITS, Scorer, chosen
from training.baselines.past import past_of
from training.cases import Case, walk
from training.log import EmptyLog
from training.metrics import rank, summary
from training.recommender import SCORED
from training.runs import Run, latest_run, read_run
from training.samples import Catalogue, read_catalogue
from training.settings import TrainingSettings
from training.window import MIN_SEEN, ROLL, Window, open_window

EXAMPLES = """examples:
  python -m training.evaluate --interactions data/ml-100k/interactions.parquet
  python -m training.evaluate --validation     the window that chose the model, by the weights that had not seen it
"""
Table = dict[str, dict[str, float]]


def baselines(window: Window, catalogue: Catalogue) -> dict[str, Scorer]:
    """What the model has to beat, fitted on the window's past."""
    past = past_of(window.past, window.events, catalogue)
    return {name: FITS[name](past) for name in chosen("fast", past)}


def evaluate(window: Window, catalogue: Catalogue, run: Run, title: str) -> Table:
    """Metrics of the model and of each baseline on the very same cases."""
    scorers = baselines(window, catalogue)
    ranks: dict[str, list[float]] = {name: [] for name in ("model", *scorers)}
    waiting: list[Case] = []
    for case in tqdm(walk(window.world, window.events, ROLL, MIN_SEEN), desc=title, unit=" cases"):
        for name, scorer in scorers.items():
            ranks[name].append(rank(scorer([case])[0], case.target, case.seen))
        waiting.append(case)
        if len(waiting) == SCORED:
            ranks["model"] += run.recommender.ranks(waiting, run.text)
            waiting = []
    if waiting:
        ranks["model"] += run.recommender.ranks(waiting, run.text)
    if not ranks["model"]:
        raise EmptyLog("no event in the window belongs to a user who was seen before: nothing to evaluate")
    return {name: summary(found) for name, found in ranks.items()}


def page(table: Table) -> str:
    """The metrics as a table for people."""
    lines = [f"{'':18}{'NDCG@10':>16}{'recall@10':>11}{'MRR':>9}"]
    for name, row in sorted(table.items(), key=lambda pair: pair[1]["ndcg@10"]):
        ndcg = f"{row['ndcg@10']:.4f} ±{row['ndcg@10_se']:.4f}"
        lines.append(f"{name:18}{ndcg:>16}{row['recall@10']:>11.4f}{row['mrr']:>9.4f}")
    return "\n".join(lines)


def run_evaluation(
    store: FeatureStore, settings: StoreSettings, folder: Path, snapshot: Path, file: Path | None, validation: bool
) -> Table:
    """Evaluate one run and keep the table beside it in ``metrics.json``."""
    run = read_run(folder, "validated.pt" if validation else "model.pt")
    catalogue = read_catalogue(snapshot)
    window = open_window(store, settings, snapshot, catalogue, validation=validation, file=file)
    name = "validation" if validation else "test"
    table = evaluate(window, catalogue, run, name)
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
    parser.add_argument("--run", type=Path, help="folder of the training run (default: the latest)")
    chosen = parser.parse_args(arguments)
    settings, folders = StoreSettings(), TrainingSettings()
    torch.set_num_threads(2)
    try:
        folder = chosen.run or latest_run(folders.models)
        snapshot = folders.snapshots / str(json.loads((folder / "config.json").read_text())["snapshot_id"])
        run_evaluation(open_store(settings), settings, folder, snapshot, chosen.interactions, chosen.validation)
    except EmptyLog as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
