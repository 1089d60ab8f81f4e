"""The promoted bundle -> its int8 and fp16 variants beside fp32, measured: ``python -m training.variants``.

A variant is refused where its numbers leave the tolerance of its kind, or NDCG@10 falls by more than LARGEST_FALL.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import feature_repo.lean_feast  # noqa: F401

import numpy as np
import torch

from feature_repo.bundle import Bundle, BundleError, current, read_bundle
from feature_repo.settings import StoreSettings
from feature_repo.store import open_store
from training.cases import walk
from training.command_line import command
from training.example_inputs import ranker_inputs
from training.log import EmptyLog
from training.parity import ParityError, session
from training.publish import ENCODER, RANKER
from training.quantize import VARIANTS, write_variant
from training.runs import Run, latest_run, read_run
from training.samples import read_catalogue
from training.settings import TrainingSettings
from training.trial import (
    Trial,
    difference,
    milliseconds,
    quality,
    rank_correlation,
    scores,
    texts,
    vectors,
    with_residual,
)
from training.window import MIN_SEEN, ROLL, open_window

TOLERANCES = {"fp32": 1e-4, "fp16": 0.01, "int8": 0.1}  # of scores and vectors, in units of the largest above one
LARGEST_FALL = 0.02  # of NDCG@10, as a share of what fp32 reaches on the same cases
CASES = 500
MODELS = (RANKER, ENCODER)
EXAMPLES = """examples:
  python -m training.variants
  python -m training.variants --interactions data/ml-100k/interactions.parquet     cases of the test window
  python -m training.export --variant int8                                         serve one of them
"""


class VariantRefused(ParityError):
    """A variant that ranks worse, or computes something else, than is allowed."""


@dataclass(frozen=True)
class Measured:
    """One variant of one model."""

    model: str
    variant: str
    bytes: int
    milliseconds: float  # one thread: a user with 100 candidates, or 32 texts
    ndcg: float  # @10 of the ranking when only this model is replaced
    difference: float  # from fp32, of scores or item vectors
    rank_correlation: float  # of the scores with those of fp32


def trial_of(run: Run, folders: TrainingSettings, cases: int = CASES, interactions: Path | None = None) -> Trial:
    """Cases of the validation window, or of the test window in ``interactions``, spread evenly over it.

    The exported weights may have taken the validation window in: differences between variants count, not the level.
    """
    settings, snapshot = StoreSettings(), folders.snapshots / run.snapshot_id
    catalogue = read_catalogue(snapshot)
    validation = interactions is None
    window = open_window(open_store(settings), settings, snapshot, catalogue, validation=validation, file=interactions)
    found = list(walk(window.world, window.events, ROLL, MIN_SEEN))
    if not found:
        raise EmptyLog("no event in the window belongs to a user who was seen before: nothing to compare variants on")
    chosen = np.unique(np.linspace(0, len(found) - 1, min(cases, len(found))).astype(int))
    with torch.no_grad():
        matrix, queries = run.recommender.matrix(run.text), run.recommender.queries(run.text)
    return Trial([found[place] for place in chosen], catalogue, run.recommender, matrix, queries)


def measure(folder: Path, scratch: Path, trial: Trial, variants: Sequence[str] = VARIANTS) -> Iterator[Measured]:
    """Write variants of the fp32 models in ``folder`` as ``scratch/<model>.<variant>.onnx`` and measure them."""
    ranker, encoder = (session(folder / f"{model}.onnx") for model in MODELS)
    exact = scores(ranker, trial, trial.matrix, "ranker")
    exact_vectors = vectors(encoder, trial, folder / "tokenizer.json", "item_encoder")
    exact_encoded = scores(ranker, trial, with_residual(trial, exact_vectors), "its vectors")
    some_texts = next(texts(trial.catalogue, folder / "tokenizer.json"))
    for variant in variants:
        for model in MODELS:
            path = scratch / f"{model}.{variant}.onnx"
            write_variant(folder / f"{model}.onnx", path, variant)
            opened, title = session(path), f"{model} {variant}"
            if model == RANKER:
                found, expected, inputs = scores(opened, trial, trial.matrix, title), exact, ranker_inputs(1, 100)
                gap = difference(found, expected)
            else:
                encoded = vectors(opened, trial, folder / "tokenizer.json", title)
                found = scores(ranker, trial, with_residual(trial, encoded), f"{title}, ranked")
                expected, inputs, gap = exact_encoded, some_texts, difference(encoded, exact_vectors)
            facts = milliseconds(opened, inputs), quality(trial, found), gap, rank_correlation(found, expected)
            yield Measured(model, variant, path.stat().st_size, *facts)


def refusal(measured: Measured, exact: Measured) -> str:
    """Why a variant is not served beside its fp32 model; empty where it may be."""
    name = f"{measured.model} as {measured.variant}"
    if not measured.difference < TOLERANCES[measured.variant]:
        return f"{name} differs by {measured.difference:.2g}, more than {TOLERANCES[measured.variant]:g}"
    if measured.ndcg < (1 - LARGEST_FALL) * exact.ndcg:
        return f"{name} has NDCG@10 {measured.ndcg:.4f}, fp32 {exact.ndcg:.4f}: more than {LARGEST_FALL:.0%} less"
    return ""


def refusals(found: Sequence[Measured]) -> list[str]:
    """``refusal`` of each, in order."""
    exact = {each.model: each for each in found if each.variant == "fp32"}
    return [refusal(each, exact[each.model]) for each in found]


def put_variant(folder: Path, trial: Trial, variant: str) -> None:
    """Replace the fp32 models in ``folder`` by a variant of them. Raises VariantRefused."""
    with TemporaryDirectory(dir=folder.parent) as name:
        found = list(measure(folder, Path(name), trial, ("fp32", variant)))
        print(page(found))
        if reasons := [reason for reason in refusals(found) if reason]:
            raise VariantRefused("; ".join(reasons))
        for model in MODELS:
            (Path(name) / f"{model}.{variant}.onnx").replace(folder / f"{model}.onnx")


def is_export_of(bundle: Bundle, run: Run) -> bool:
    """Whether this is the fp32 export of a run; others of the same snapshot have other vectors."""
    if (bundle.metadata.variant, bundle.metadata.snapshot_id) != ("fp32", run.snapshot_id):
        return False
    with torch.no_grad():
        vectors = run.recommender.matrix(run.text)[1:].numpy()
    return bundle.item_vectors.shape == vectors.shape and np.allclose(bundle.item_vectors, vectors, atol=1e-4)


def page(found: Sequence[Measured]) -> str:
    """The measurements as a table for people."""
    lines = [f"{'':18}{'MB':>8}{'ms':>9}{'NDCG@10':>9}{'difference':>12}{'rank corr.':>12}"]
    for each, reason in zip(found, refusals(found), strict=True):
        numbers = f"{each.bytes / 1e6:8.2f}{each.milliseconds:9.2f}{each.ndcg:9.4f}{each.difference:12.2g}"
        lines.append(
            f"{each.model + ' ' + each.variant:18}{numbers}{each.rank_correlation:12.5f}  {reason and 'refused'}"
        )
    return "\n".join([*lines, *(reason for reason in refusals(found) if reason)])


def main(arguments: list[str] | None = None) -> None:
    parser = command("variants", __doc__, EXAMPLES)
    parser.add_argument("--run", type=Path, help="folder of the run that was exported (default: the latest)")
    parser.add_argument("--cases", type=int, default=CASES, help="cases to rank (default: %(default)s)")
    parser.add_argument("--interactions", type=Path, help="parquet file of the test window (default: validation)")
    chosen = parser.parse_args(arguments)
    folders = TrainingSettings()
    try:
        bundle = current(folders.bundle_folder)
        run = read_run(chosen.run or latest_run(folders.models))
        if not is_export_of(read_bundle(bundle), run):
            sys.exit(f"{bundle} is no fp32 export of {run.path}: run python -m training.export, or name its --run")
        trial = trial_of(run, folders, chosen.cases, chosen.interactions)
        with TemporaryDirectory() as scratch:
            found = list(measure(bundle, Path(scratch), trial))
    except (EmptyLog, BundleError, FileNotFoundError) as error:
        sys.exit(str(error))
    rows = [asdict(each) | {"refused": why} for each, why in zip(found, refusals(found), strict=True)]
    facts = {"cases": len(trial.cases), "tolerances": TOLERANCES, "largest_fall": LARGEST_FALL, "variants": rows}
    (bundle / "variants.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(f"{len(trial.cases)} cases of {len(trial.catalogue)} items, one thread; ms of 100 candidates, of 32 texts")
    print(page(found))
    print(f"-> {bundle / 'variants.json'}")


if __name__ == "__main__":
    main()
