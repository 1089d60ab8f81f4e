"""A model bundle: one directory that is promoted and rolled back as a whole.

``ranker.onnx  user_encoder.onnx  item_encoder.onnx  tokenizer.json  item_ids.json  bundle.json``
``item_vectors.npy [n, VECTOR_SIZE]`` are those of the items in the order of their ids,
``item_fingerprints.npy [n]`` says of which text each vector is (item_text.py), ``item_residuals.npy`` [n, VECTOR_SIZE]
what was learned of each item beyond its text, ``item_neighbours.npz`` the nearest items of each (neighbours.py);
bundles of before these three and the user encoder existed are read without them.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.inputs import tensors
from feature_repo.item_text import MEDIA
from feature_repo.neighbours import Neighbours, read_neighbours, write_neighbours

Vectors = npt.NDArray[np.float32]  # [n, VECTOR_SIZE]
Fingerprints = npt.NDArray[np.int64]  # [n]


class BundleError(Exception):
    """A bundle that is missing, incomplete or made for other features."""


class NothingPromoted(BundleError):
    """There was no training yet."""


@dataclass(frozen=True)
class BundleMetadata:
    """What bundle.json says."""

    model_version: str
    triton_version: int  # the version directory of this model in the Triton repository
    snapshot_id: str
    created: str  # ISO 8601, UTC
    git_commit: str
    encoder: str  # name or path of the language model the item encoder was tuned from
    media: dict[str, int] = field(default_factory=dict)  # what the item encoder reads beside text -> its size
    user_encoder: bool = False  # whether Triton has one of this version, which candidates are found with
    variant: str = "fp32"  # arithmetic of the models: fp32, int8 or fp16
    metrics: dict[str, Any] = field(default_factory=dict)
    tensors: list[list[Any]] = field(default_factory=lambda: signature())


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and fits the features of this code."""

    path: Path
    metadata: BundleMetadata
    item_ids: list[str]
    item_vectors: Vectors  # of texts with the fingerprints below, with the residuals
    item_fingerprints: Fingerprints | None = None
    item_residuals: Vectors | None = None
    neighbours: Neighbours | None = None


def encoder_name(media: Mapping[str, int]) -> str:
    """The Triton model of an item encoder with these inputs: all versions of a model have the same ones."""
    return "_".join(["item_encoder", *(f"{kind}{media[kind]}" for kind in MEDIA if kind in media)])


def signature() -> list[list[Any]]:
    """The ranker's inputs as JSON: [name, shape, type] each."""
    return [[tensor.name, list(tensor.shape), tensor.dtype] for tensor in tensors()]


def current(bundles: Path) -> Path:
    """The directory of the promoted bundle; raises NothingPromoted where none is."""
    link = bundles / "current"
    if not link.exists():
        raise NothingPromoted(f"no model bundle is promoted in {bundles}: run `make train export`")
    return link.resolve()


def promote(bundle: Path) -> None:
    """Make this bundle the current one, in one atomic step."""
    link = bundle.parent / f".current-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(bundle.name)
    link.replace(bundle.parent / "current")


def write_metadata(path: Path, metadata: BundleMetadata) -> None:
    (path / "bundle.json").write_text(json.dumps(asdict(metadata), indent=1) + "\n")


def write_items(
    path: Path,
    item_ids: list[str],
    vectors: Vectors,
    fingerprints: Fingerprints | None = None,
    residuals: Vectors | None = None,
    neighbours: Neighbours | None = None,
) -> None:
    """Write what a bundle says of its items."""
    (path / "item_ids.json").write_text(json.dumps(item_ids))
    np.save(path / "item_vectors.npy", np.asarray(vectors, np.float32))
    if fingerprints is not None:
        np.save(path / "item_fingerprints.npy", np.asarray(fingerprints, np.int64))
    if residuals is not None:
        np.save(path / "item_residuals.npy", np.asarray(residuals, np.float32))
    if neighbours is not None:
        write_neighbours(path / "item_neighbours.npz", neighbours)


def read_bundle(path: Path) -> Bundle:
    """Read and check a bundle; raises BundleError with the reason when it does not fit this code."""
    try:
        metadata = BundleMetadata(**json.loads((path / "bundle.json").read_text()))
        item_ids = json.loads((path / "item_ids.json").read_text())
        vectors = np.load(path / "item_vectors.npy")
        fingerprints, residuals = _optional(path / "item_fingerprints.npy"), _optional(path / "item_residuals.npy")
        lists = path / "item_neighbours.npz"
        neighbours = read_neighbours(lists) if lists.exists() else None
    except (OSError, TypeError, ValueError) as error:
        raise BundleError(f"{path} is not a complete model bundle: {error}") from error
    _check_features(path, metadata)
    for name, array in (("vectors", vectors), ("fingerprints", fingerprints), ("residuals", residuals)):
        if array is not None and len(array) != len(item_ids):
            raise BundleError(f"{path}: {len(item_ids)} item ids, but {len(array)} {name}")
    if neighbours is not None and neighbours.rows.shape[1] != len(item_ids):
        raise BundleError(f"{path}: {len(item_ids)} item ids, but neighbours of {neighbours.rows.shape[1]}")
    return Bundle(path, metadata, item_ids, vectors, fingerprints, residuals, neighbours)


def _optional(path: Path) -> npt.NDArray[Any] | None:
    array: npt.NDArray[Any] | None = np.load(path) if path.exists() else None
    return array


def _check_features(path: Path, metadata: BundleMetadata) -> None:
    theirs, ours = ({name: (shape, kind) for name, shape, kind in each} for each in (metadata.tensors, signature()))
    different = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    if different:
        raise BundleError(f"{path} was trained on other features ({', '.join(different)}): retrain it on this code")
