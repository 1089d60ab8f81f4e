"""Exported models -> a bundle directory and numbered versions of the Triton models, each by one rename."""

import os
import shutil
from pathlib import Path

from feature_repo.bundle import BundleMetadata, Fingerprints, Vectors, write_items, write_metadata

MODELS = ("ranker", "item_encoder")


def next_version(repository: Path) -> int:
    """The number after the newest version of any of the models: both share it."""
    folders = [folder for model in MODELS for folder in (repository / model).glob("[0-9]*") if folder.name.isdigit()]
    return max((int(folder.name) for folder in folders), default=0) + 1


def publish(model: Path, repository: Path, name: str, version: int) -> Path:
    """Copy an ONNX file to ``<repository>/<name>/<version>/model.onnx``; Triton sees all of it or nothing."""
    if not (repository / name / "config.pbtxt").exists():
        raise FileNotFoundError(
            f"{repository / name} has no config.pbtxt: FRESHRANK_MODEL_REPOSITORY must name triton_models"
        )
    scratch = repository / name / f".writing-{os.getpid()}"  # not a number: no version for Triton
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    shutil.copyfile(model, scratch / "model.onnx")
    target = repository / name / str(version)
    scratch.replace(target)
    return target


def write_bundle(
    scratch: Path,
    bundles: Path,
    metadata: BundleMetadata,
    item_ids: list[str],
    vectors: Vectors,
    fingerprints: Fingerprints | None,
    residuals: Vectors,
) -> Path:
    """Complete ``scratch`` (ONNX files, tokenizer) and make it ``bundles/<model_version>``; returns that path."""
    write_items(scratch, item_ids, vectors, fingerprints, residuals)
    write_metadata(scratch, metadata)
    target = bundles / metadata.model_version
    scratch.replace(target)
    return target
