"""Exported models -> a bundle directory and numbered versions of the Triton models, each by one rename."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from feature_repo.bundle import BundleMetadata, Fingerprints, Vectors, encoder_name, write_items, write_metadata
from feature_repo.neighbours import Neighbours

RANKER, USER_ENCODER, ENCODER = "ranker", "user_encoder", "item_encoder"


def next_version(repository: Path) -> int:
    """The number after the newest version of any of the models: all share it."""
    folders = [folder for folder in repository.glob("*/[0-9]*") if folder.name.isdigit()]
    return max((int(folder.name) for folder in folders), default=0) + 1


def triton_names(repository: Path, media: Mapping[str, int]) -> dict[str, str]:
    """Exported model -> the Triton model it becomes a version of.

    An item encoder that reads media is a Triton model of its own, as all versions of a model take the same inputs; its
    config.pbtxt is made here, from the one of the item encoder without.
    """
    name, base = encoder_name(media), repository / ENCODER / "config.pbtxt"
    if media and base.exists():
        written = repository / name / "config.pbtxt"
        written.parent.mkdir(exist_ok=True)
        scratch = written.with_name(f".config-{os.getpid()}")
        scratch.write_text(media_config(base.read_text(), name, media))
        scratch.replace(written)
    return {RANKER: RANKER, USER_ENCODER: USER_ENCODER, ENCODER: name}


def media_config(base: str, name: str, media: Mapping[str, int]) -> str:
    """The config.pbtxt of an item encoder that also reads media; a second ``input`` adds to the first."""
    inputs = [f'input [ {{ name: "item_{kind}" data_type: TYPE_FP32 dims: [ {media[kind]} ] }} ]' for kind in media]
    named = base.replace(f'name: "{ENCODER}"', f'name: "{name}"', 1)
    return "\n".join([f"# Made by training/publish.py of {ENCODER}/config.pbtxt.", named.rstrip(), *inputs, ""])


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
    neighbours: Neighbours | None = None,
) -> Path:
    """Complete ``scratch`` (ONNX files, tokenizer) and make it ``bundles/<model_version>``; returns that path."""
    write_items(scratch, item_ids, vectors, fingerprints, residuals, neighbours)
    write_metadata(scratch, metadata)
    target = bundles / metadata.model_version
    scratch.replace(target)
    return target
