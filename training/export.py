"""A trained run -> ONNX models, a bundle and the next version of the Triton models: ``python -m training.export``.

Nothing is published unless ONNX Runtime agrees with PyTorch to 1e-4 on several shapes of random and of empty rows.
"""

import argparse
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from feature_repo.bundle import BundleMetadata, promote
from feature_repo.inputs import tensors
from feature_repo.vocabulary import ACTIONS, ATTRIBUTE_BUCKETS, ATTRIBUTES
from training.item_tower import ItemEncoder
from training.language import load as load_language
from training.language import merged, restore_adapter
from training.log import EmptyLog
from training.model import Ranker
from training.publish import MODELS, next_version, publish, write_bundle
from training.runs import Run, latest_run, read_run
from training.settings import TrainingSettings

TOLERANCE = 1e-4
OPSET = 20
SHAPES = ((1, 2), (2, 100), (3, 7), (1, 1000))  # (batch, candidates or tokens)
Arrays = dict[str, np.ndarray[Any, Any]]


class ParityError(Exception):
    """An exported model that does not compute what PyTorch computes."""


def ranker_inputs(batch: int, items: int, seed: int = 0) -> Arrays:
    """Random inputs of the ranker; the first row of a batch is an unknown user without history."""
    draw = np.random.default_rng(seed)
    inputs: Arrays = {}
    for tensor in tensors():
        shape: Any = [batch, *(items if size == "N" else size for size in tensor.shape)]
        if tensor.dtype == "int64":
            limit = len(ACTIONS) + 1 if tensor.name == "history_actions" else ATTRIBUTE_BUCKETS
            inputs[tensor.name] = draw.integers(0, limit, shape)
        else:
            inputs[tensor.name] = draw.exponential(3.0, shape).astype(np.float32)
        if tensor.name.startswith(("history", "user_actions", "user_attributes")):
            inputs[tensor.name][0] = 0
    return inputs


def encoder_inputs(batch: int, tokens: int, vocabulary: int, seed: int = 0) -> Arrays:
    """Random inputs of the item encoder with texts of several lengths and token ids below ``vocabulary``."""
    draw = np.random.default_rng(seed)
    tokens = min(tokens, 64)
    lengths = draw.integers(1, tokens + 1, (batch, 1))
    return {
        "input_ids": draw.integers(0, vocabulary, (batch, tokens)),
        "attention_mask": (np.arange(tokens)[None] < lengths).astype(np.int64),
        "item_attributes": draw.integers(0, ATTRIBUTE_BUCKETS, (batch, ATTRIBUTES)),
    }


def export_ranker(ranker: Ranker, path: Path) -> None:
    """Write the ranker with the inputs of ``tensors()`` and the output ``scores``; batch and N are free."""
    example = {name: torch.from_numpy(array) for name, array in ranker_inputs(2, 5).items()}
    batch, items = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("items", min=1, max=100_000)
    free = {t.name: {0: batch} | ({1: items} if t.shape[0] == "N" else {}) for t in tensors()}
    _export(ranker, {"inputs": example}, {"inputs": free}, list(example), "scores", path)


def export_encoder(encoder: ItemEncoder, path: Path) -> None:
    """Write the item encoder: input_ids, attention_mask, item_attributes -> item_vector; batch and tokens are free."""
    example = {name: torch.from_numpy(array) for name, array in encoder_inputs(2, 16, encoder.vocabulary).items()}
    batch, tokens = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    free = {"input_ids": {0: batch, 1: tokens}, "attention_mask": {0: batch, 1: tokens}, "item_attributes": {0: batch}}
    _export(encoder, example, free, list(example), "item_vector", path)


def _export(
    model: nn.Module, example: dict[str, Any], free: dict[str, Any], names: list[str], output: str, path: Path
) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own deprecations and axis names
        program = torch.onnx.export(
            model.eval(),
            (),
            kwargs=example,
            dynamic_shapes=free,
            input_names=names,
            output_names=[output],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        assert program is not None
        program.save(str(path), external_data=False)


def check_parity(model: Callable[[dict[str, Tensor]], Tensor], path: Path, rows: Sequence[Arrays]) -> float:
    """The largest difference between PyTorch and ONNX Runtime; raises ParityError above TOLERANCE."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for inputs in rows:
        with torch.no_grad():
            expected = model({name: torch.from_numpy(array) for name, array in inputs.items()}).numpy()
        given = {each.name: inputs[each.name] for each in session.get_inputs()}
        found = session.run(None, given)[0]
        if found.shape != expected.shape:
            raise ParityError(f"{path.name} returns {found.shape}, PyTorch {expected.shape}")
        worst = max(worst, float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max()))))
    if not worst < TOLERANCE:
        raise ParityError(f"{path.name} differs from PyTorch by {worst:.2g}, more than {TOLERANCE:.0e}")
    return worst


def item_vectors(run: Run) -> np.ndarray[Any, Any]:
    """The vectors of all known items [n, VECTOR_SIZE], with what was learned of each."""
    with torch.no_grad():
        return run.recommender.matrix(run.text)[1:].numpy()


def export(run: Run, folders: TrainingSettings) -> Path:
    """Export, check, publish and promote one run; returns the bundle."""
    tokenizer, language = load_language(run.config.encoder, run.config.lora_rank)
    restore_adapter(language, run.adapter)
    encoder = ItemEncoder(merged(language), run.recommender.tower).eval()
    folders.bundle_folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folders.bundle_folder, prefix=".writing-") as name:
        scratch = Path(name) / "bundle"
        scratch.mkdir()
        _export_models(run, encoder, scratch)
        _write_tokenizer(tokenizer, run.config.text_tokens, scratch)
        version = next_version(folders.model_repository)
        for model in MODELS:
            publish(scratch / f"{model}.onnx", folders.model_repository, model, version)
        bundle = write_bundle(
            scratch,
            folders.bundle_folder,
            metadata_of(run, version),
            run.item_ids,
            item_vectors(run),
            run.fingerprints,
            run.recommender.residual.detach().numpy(),
        )
    promote(bundle)
    return bundle


def _export_models(run: Run, encoder: ItemEncoder, scratch: Path) -> None:
    ranker = run.recommender.ranker
    export_ranker(ranker, scratch / "ranker.onnx")
    real = [rank_example(run, batch, items) for batch, items in SHAPES]
    worst = check_parity(ranker, scratch / "ranker.onnx", [*(ranker_inputs(*shape) for shape in SHAPES), *real])
    print(f"ranker.onnx agrees with PyTorch to {worst:.1e}")
    export_encoder(encoder, scratch / "item_encoder.onnx")
    rows = [encoder_inputs(*shape, encoder.vocabulary) for shape in SHAPES]
    worst = check_parity(lambda inputs: encoder(**inputs), scratch / "item_encoder.onnx", rows)
    print(f"item_encoder.onnx agrees with PyTorch to {worst:.1e}")


def rank_example(run: Run, batch: int, items: int) -> Arrays:
    """Random inputs with real item vectors in the history and as candidates."""
    vectors, draw = item_vectors(run), np.random.default_rng(items)
    inputs = ranker_inputs(batch, items, seed=batch)
    for name in ("history_vectors", "item_vectors"):
        inputs[name] = vectors[draw.integers(0, len(vectors), inputs[name].shape[:2])]
    return inputs


def _write_tokenizer(tokenizer: Any, tokens: int, scratch: Path) -> None:
    """tokenizer.json, set to cut texts where training cut them and to pad batches."""
    fast = tokenizer.backend_tokenizer
    fast.enable_truncation(tokens)
    fast.enable_padding(pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    fast.save(str(scratch / "tokenizer.json"))


def metadata_of(run: Run, version: int) -> BundleMetadata:
    """What the bundle says about itself."""
    now, metrics = datetime.now(UTC), run.path / "metrics.json"
    return BundleMetadata(
        model_version=f"{now:%Y%m%d-%H%M%S}-{run.snapshot_id[:6]}",
        triton_version=version,
        snapshot_id=run.snapshot_id,
        created=now.isoformat(timespec="seconds"),
        git_commit=git_commit(),
        encoder=run.config.encoder,
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
    parser = argparse.ArgumentParser(
        "python -m training.export", description=__doc__, epilog="example: python -m training.export"
    )
    parser.add_argument("--run", type=Path, help="folder of the training run (default: the latest)")
    parser.add_argument("--repository", type=Path, help="Triton model repository (default: FRESHRANK_MODEL_REPOSITORY)")
    chosen = parser.parse_args(arguments)
    folders = TrainingSettings()
    if chosen.repository:
        folders = folders.model_copy(update={"model_repository": chosen.repository})
    try:
        bundle = export(read_run(chosen.run or latest_run(folders.models)), folders)
    except (EmptyLog, FileNotFoundError, ParityError) as error:
        sys.exit(str(error))
    print(f"-> {bundle}, promoted")


if __name__ == "__main__":
    main()
