"""A snapshot -> better settings, by their NDCG@10 on the validation window: ``python -m training.tune``.

A study is kept in a database and goes on where it was left; several processes may work on one study at once. The test
window is never looked at. Trials that fall behind the median of the others at the same epoch are given up.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import feature_repo.lean_feast  # noqa: F401

import optuna
import torch
from feast import FeatureStore
from tqdm import tqdm

from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.batches import Data, read_data
from training.command_line import command
from training.config import FAST, TrainConfig, add_flags, as_flags, from_flags
from training.heads import taught
from training.held_out import HeldOut, held_out, mark
from training.language import EncoderMissing
from training.log import EmptyLog
from training.loop import Around, Stopped, fit
from training.progress import Record
from training.queries import Queries, read_queries
from training.samples import Catalogue, read_catalogue
from training.schedule import seed_of
from training.search_space import SPACE, suggest
from training.settings import TrainingSettings
from training.snapshot import latest
from training.stages import untrained
from training.step import Diverged

EXAMPLES = """examples:
  python -m training.tune --trials 30
  python -m training.tune --minutes 60 --search learning_rate,dropout --encoder-tuning frozen
  python -m training.tune --study sqlite:///data/tune.db --trials 0      only print the best so far

Flags of training.train set what all trials have in common.
"""


@dataclass(frozen=True)
class Table:
    """What all trials train on and are measured by; read once."""

    catalogue: Catalogue
    queries: Queries
    data: Data
    held: HeldOut


def read_table(store: FeatureStore, settings: StoreSettings, snapshot: Path) -> Table:
    """The training labels and the validation window of a snapshot."""
    catalogue, queries = read_catalogue(snapshot), read_queries(snapshot)
    data = read_data(snapshot, catalogue, ["train"], queries)
    return Table(catalogue, queries, data, held_out(store, settings, snapshot, catalogue, queries))


def open_study(url: str, name: str, seed: int) -> optuna.Study:
    """The study of this name in the database of a SQLAlchemy URL, made when it is new."""
    study = optuna.create_study(storage=url, study_name=name, direction="maximize", load_if_exists=True)
    study.sampler = optuna.samplers.TPESampler(seed=seed_of(seed, len(study.trials)))  # not the same draws once more
    study.pruner = optuna.pruners.MedianPruner(n_warmup_steps=1)
    return study


def objective(table: Table, base: TrainConfig, names: Sequence[str]) -> Callable[[optuna.Trial], float]:
    """A trial -> the best validation NDCG@10 of a training with its settings."""

    def best(trial: optuna.Trial) -> float:
        config = replace(base, **suggest(trial, names))

        def tell(kind: str, record: Record) -> None:
            if kind == "epoch":
                trial.report(mark(record) or 0.0, int(record["epoch"]))
                if trial.should_prune():
                    raise optuna.TrialPruned

        recommender, cache = untrained(config, table.catalogue, torch.device("cpu"), table.queries.texts)
        ready = taught(config, recommender.ranker.heads, table.data.users)
        history = fit(recommender, cache, table.data, table.held, config.epochs, ready, Around(tell=tell))
        return max(mark(record) or 0.0 for record in history)

    return best


def tune(
    study: optuna.Study, table: Table, base: TrainConfig, names: Sequence[str], trials: int, minutes: float
) -> None:
    """Add trials to a study until there are so many more or the time is over; one that diverges counts as failed."""
    torch.set_num_threads(base.threads)
    with tqdm(total=trials, desc=f"study {study.study_name}", unit=" trials") as bar:

        def count(_: optuna.Study, __: optuna.trial.FrozenTrial) -> None:
            bar.update()

        study.optimize(
            objective(table, base, names),
            n_trials=trials,
            timeout=60 * minutes,
            catch=(Diverged,),
            callbacks=[count],
            gc_after_trial=True,
        )


def page(study: optuna.Study, given: Mapping[str, Any]) -> str:
    """What the study found so far, and the command that trains with the best of it."""
    states = [trial.state.name.lower() for trial in study.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "no trial yet"
    if "complete" not in states:
        return f"study {study.study_name}: {counts}"
    command = ["python -m training.train", *as_flags({**given, **study.best_params})]
    best = f"best validation NDCG@10 {study.best_value:.4f}, of trial {study.best_trial.number}"
    return f"study {study.study_name}: {counts}; {best}\n{' '.join(command)}"


def parser(data: Path) -> argparse.ArgumentParser:
    """The flags of the command; by default the study lies in the folder ``data``."""
    made = command("tune", __doc__, EXAMPLES, conflict_handler="resolve")
    add_flags(made, TrainConfig)
    made.add_argument("--minutes", type=float, dest="budget", default=float("inf"), help="wall clock of all trials")
    made.add_argument("--trial-minutes", type=float, dest="minutes", default=argparse.SUPPRESS, help="of one trial")
    made.add_argument("--trials", type=int, default=20, help="trials to add to the study (default: 20)")
    made.add_argument("--search", default=",".join(SPACE), metavar="NAMES", help="settings to search (default: all)")
    made.add_argument("--study", default=f"sqlite:///{data}/tune.db", metavar="URL", help="database (SQLAlchemy URL)")
    made.add_argument("--name", help="of the study (default: the id of the snapshot)")
    made.add_argument("--snapshot", type=Path, help="folder of the snapshot (default: the latest)")
    made.add_argument("--fast", action="store_true", help="small models in seconds, to see that all works")
    return made


def main(arguments: list[str] | None = None) -> None:
    settings, folders = StoreSettings(), TrainingSettings()
    made = parser(folders.data_dir)
    chosen = made.parse_args(arguments)
    base = from_flags(TrainConfig, chosen, **(FAST if chosen.fast else {}))
    names = chosen.search.split(",")
    if unknown := [name for name in names if name not in SPACE]:
        made.error(f"--search: {', '.join(unknown)} is not in the search space: {', '.join(SPACE)}")
    given = {**(FAST if chosen.fast else {}), **chosen_settings(chosen)}
    try:
        snapshot = chosen.snapshot or latest(folders.snapshots)
        study = open_study(chosen.study, chosen.name or snapshot.name, base.seed)
        if chosen.trials:
            tune(study, read_table(open_store(settings), settings, snapshot), base, names, chosen.trials, chosen.budget)
    except Stopped:
        print("stopped; the same command goes on with the study", file=sys.stderr)
    except (EmptyLog, EncoderMissing) as error:
        sys.exit(str(error))
    print(page(study, given))


def chosen_settings(chosen: argparse.Namespace) -> dict[str, Any]:
    """The flags of TrainConfig that were given."""
    return {field.name: vars(chosen)[field.name] for field in fields(TrainConfig) if field.name in vars(chosen)}


if __name__ == "__main__":
    main()
