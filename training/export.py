"""A trained run -> ONNX models, a bundle and the next version of the Triton models: ``python -m training.export``.

Nothing is published unless ONNX Runtime agrees with PyTorch to 1e-4 on several shapes of random and of empty rows.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from feature_repo.bundle import BundleMetadata, promote
from training.command_line import command
from training.example_inputs import SHAPES, Array, Arrays, asking_inputs, encoder_inputs, ranker_inputs
from training.item_tower import ItemEncoder, media_sizes
from training.language import load as load_language
from training.language import merged, restore_weights
from training.log import EmptyLog
from training.onnx_models import Served, export_encoder, export_ranker, export_user_encoder
from training.parity import ParityError, check_parity, check_signature
from training.publish import next_version, publish, triton_names, write_bundle
from training.quantize import VARIANTS
from training.runs import Run, latest_run, read_run
from training.settings import TrainingSettings
from training.trial import Trial
from training.user_encoder import UserEncoder
from training.variants import put_variant, trial_of

EXAMPLES = """examples:
  python -m training.export
  python -m training.export --variant int8     smaller; refused where it ranks worse (training.variants)
"""


def item_vectors(run: Run) -> Array:
    """The vectors of all known items [n, VECTOR_SIZE], with what was learned of each."""
    with torch.no_grad():
        vectors: Array = run.recommender.matrix(run.text)[1:].numpy()
    return vectors


def export(run: Run, folders: TrainingSettings, variant: str = "fp32", trial: Trial | None = None) -> Path:
    """Export, check, publish and promote one run; returns the bundle.

    A ``variant`` takes the place of the fp32 models; with a ``trial`` it is compared with them first. Raises
    ParityError, of which VariantRefused is one.
    """
    tokenizer, language = load_language(
        run.config.encoder, run.config.encoder_tuning, run.config.encoder_layers, run.config.lora_rank
    )
    restore_weights(language, run.adapter)
    encoder = ItemEncoder(merged(language), run.recommender.tower).eval()
    folders.bundle_folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folders.bundle_folder, prefix=".writing-") as writing:
        scratch = Path(writing) / "bundle"
        scratch.mkdir()
        vectors = item_vectors(run)
        _export_models(run, encoder, vectors, scratch)
        _write_tokenizer(tokenizer, run.config.text_tokens, scratch)
        if trial:
            put_variant(scratch, trial, variant)
        version = next_version(folders.model_repository)
        for model, name in triton_names(folders.model_repository, encoder.media).items():
            publish(scratch / f"{model}.onnx", folders.model_repository, name, version)
        bundle = write_bundle(
            scratch,
            folders.bundle_folder,
            metadata_of(run, version, variant),
            run.item_ids,
            vectors,
            run.fingerprints,
            run.recommender.residual.detach().numpy(),
            run.recommender.neighbours,
        )
    promote(bundle)
    return bundle


def _export_models(run: Run, encoder: ItemEncoder, vectors: Array, scratch: Path) -> None:
    ranker = run.recommender.ranker
    export_ranker(ranker, scratch / "ranker.onnx")
    check_signature(scratch / "ranker.onnx")
    real = [rank_example(vectors, batch, items) for batch, items in SHAPES]
    worst = check_parity(Served(ranker), scratch / "ranker.onnx", [*(ranker_inputs(*shape) for shape in SHAPES), *real])
    print(f"ranker.onnx agrees with PyTorch to {worst:.1e}")
    users = UserEncoder(ranker, torch.from_numpy(vectors)).eval()
    export_user_encoder(users, scratch / "user_encoder.onnx")
    worst = check_parity(users, scratch / "user_encoder.onnx", [asking_inputs(batch) for batch, _ in SHAPES])
    print(f"user_encoder.onnx agrees with PyTorch to {worst:.1e}")
    export_encoder(encoder, scratch / "item_encoder.onnx")
    rows = [encoder_inputs(*shape, encoder.vocabulary, media=encoder.media) for shape in SHAPES]
    worst = check_parity(lambda inputs: encoder(**inputs), scratch / "item_encoder.onnx", rows)
    print(f"item_encoder.onnx agrees with PyTorch to {worst:.1e}")


def rank_example(vectors: Array, batch: int, items: int) -> Arrays:
    """Random inputs with real item vectors in the history, as candidates and as queries."""
    draw = np.random.default_rng(items)
    inputs = ranker_inputs(batch, items, seed=batch)
    for name in ("history_vectors", "item_vectors"):
        inputs[name] = vectors[draw.integers(0, len(vectors), inputs[name].shape[:2])]
    inputs["query_vector"][1:] = vectors[draw.integers(0, len(vectors), batch - 1)]
    return inputs


def _write_tokenizer(tokenizer: Any, tokens: int, scratch: Path) -> None:
    """tokenizer.json, set to cut texts where training cut them and to pad batches."""
    fast = tokenizer.backend_tokenizer
    fast.enable_truncation(tokens)
    fast.enable_padding(pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    fast.save(str(scratch / "tokenizer.json"))


def metadata_of(run: Run, version: int, variant: str = "fp32") -> BundleMetadata:
    """What the bundle says about itself."""
    now, metrics = datetime.now(UTC), run.path / "metrics.json"
    return BundleMetadata(
        model_version=f"{now:%Y%m%d-%H%M%S}-{run.snapshot_id[:6]}",
        triton_version=version,
        snapshot_id=run.snapshot_id,
        created=now.isoformat(timespec="seconds"),
        git_commit=git_commit(),
        encoder=run.config.encoder,
        user_encoder=True,
        variant=variant,
        media=media_sizes(run.recommender.tower),
        metrics=json.loads(metrics.read_text()) if metrics.exists() else {},
    )


def git_commit() -> str:
    """The commit of this code, or "unknown" outside a repository."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"  # a container image without git
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def main(arguments: list[str] | None = None) -> None:
    parser = command("export", __doc__, EXAMPLES)
    parser.add_argument("--variant", choices=VARIANTS, default="fp32", help="arithmetic of the models (default: fp32)")
    parser.add_argument("--run", type=Path, help="folder of the training run (default: the latest)")
    parser.add_argument("--repository", type=Path, help="Triton model repository (default: FRESHRANK_MODEL_REPOSITORY)")
    chosen = parser.parse_args(arguments)
    folders = TrainingSettings()
    if chosen.repository:
        folders = folders.model_copy(update={"model_repository": chosen.repository})
    try:
        run = read_run(chosen.run or latest_run(folders.models))
        trial = trial_of(run, folders) if chosen.variant != "fp32" else None
        bundle = export(run, folders, chosen.variant, trial)
    except (EmptyLog, FileNotFoundError, ParityError) as error:
        sys.exit(str(error))
    print(f"-> {bundle}, promoted")


if __name__ == "__main__":
    main()
