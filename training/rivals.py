"""A window's past and what was trained for its snapshot -> the scorers that stand beside the model."""

from pathlib import Path

from training.baselines import FITS, LIVE, SASREC, Scorer, chosen, with_sasrec
from training.baselines.past import past_of
from training.baselines.trained_sasrec import trained
from training.log import EmptyLog
from training.query_texts import with_queries
from training.runs import Run, read_run
from training.samples import Catalogue
from training.window import Window

Scorers = dict[str, Scorer]


class OtherCatalogue(Exception):
    """A run that was trained on another catalogue than the one it shall be compared on."""


def baselines(names: str, window: Window, catalogue: Catalogue, snapshot: Path, seed: int, validation: bool) -> Scorers:
    """The baselines of these names, fitted on the window's past; SASRec where it was trained for the snapshot.

    Raises UnknownBaseline.
    """
    past = past_of(window.past, window.later, catalogue)
    scorers: Scorers = {name: FITS[name](past) for name in chosen(names, past)}
    weights = "validated" if validation else "final"
    if with_sasrec(names) and (sasrec := trained(snapshot, len(catalogue), weights, seed)):
        scorers[SASREC] = sasrec
    return scorers


def scorer_of(run: Run, window: Window) -> Scorer:
    """A run's model as a scorer of the window's cases, whose queries it encodes."""
    return run.recommender.scorer(with_queries(run, window.world.queries))


def refitted(scorers: Scorers, window: Window, catalogue: Catalogue) -> Scorers:
    """The same baselines, those that count along from the cutoff on again."""
    past = past_of(window.past, window.later, catalogue)
    return {name: FITS[name](past) if name == LIVE else scorer for name, scorer in scorers.items()}


def other_runs(folders: list[Path], catalogue: Catalogue, validation: bool) -> dict[str, Run]:
    """Other runs by the names of their folders. Raises OtherCatalogue."""
    found = {folder.name: read_weights(folder, validation) for folder in folders}
    for name, run in found.items():
        if run.item_ids != catalogue.ids:
            raise OtherCatalogue(
                f"{name} was trained on other items than this snapshot's: compare runs of one snapshot"
            )
    return found


def read_weights(folder: Path, validation: bool) -> Run:
    """A run with the weights that had not seen the window; raises EmptyLog where its training has not come so far."""
    name = "validated.pt" if validation else "model.pt"
    if not (folder / name).exists():
        raise EmptyLog(f"{folder} has no {name}: its training has not ended, or it is no folder of a run")
    return read_run(folder, name)
