"""Model bundles: read, refused, promoted."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from feature_repo.bundle import (
    BundleError,
    BundleMetadata,
    current,
    promote,
    read_bundle,
    signature,
    write_items,
    write_metadata,
)
from feature_repo.vocabulary import VECTOR_SIZE

METADATA = BundleMetadata("m1", 1, "s1", "2026-01-01T00:00:00+00:00", "abc", "minilm", {"ndcg": 0.1})


def bundle_at(path: Path, metadata: BundleMetadata = METADATA) -> Path:
    path.mkdir(parents=True)
    write_metadata(path, metadata)
    (path / "item_ids.json").write_text(json.dumps(["a", "b"]))
    np.save(path / "item_vectors.npy", np.ones((2, VECTOR_SIZE), np.float32))
    return path


def test_a_bundle_reads_as_it_was_written(tmp_path: Path) -> None:
    bundle = read_bundle(bundle_at(tmp_path / "m1"))
    assert (bundle.metadata, bundle.item_ids) == (METADATA, ["a", "b"])
    assert bundle.item_vectors.shape == (2, VECTOR_SIZE)


def test_a_bundle_made_for_other_features_is_refused_by_name(tmp_path: Path) -> None:
    changed = [["history_gaps", [32], "float32"], *(each for each in signature() if each[0] != "history_gaps")]
    other = BundleMetadata("m1", 1, "s1", "", "", "", tensors=[*changed, ["user_mood", [1], "float32"]])
    with pytest.raises(BundleError, match=r"other features \(history_gaps, user_mood\): retrain it"):
        read_bundle(bundle_at(tmp_path / "m1", other))


@pytest.mark.parametrize("field", ["name", "shape", "type"])
def test_a_bundle_is_refused_where_one_tensor_has_another_name_shape_or_type(tmp_path: Path, field: str) -> None:
    other = [list(each) for each in signature()]
    place = next(place for place, (name, *_) in enumerate(other) if name == "item_ctr_7d")
    changed = {"name": ["item_ctr_1d", ["N"], "float32"], "shape": ["item_ctr_7d", ["N", 1], "float32"]}
    other[place] = changed.get(field, ["item_ctr_7d", ["N"], "int64"])
    with pytest.raises(BundleError, match=r"other features .*item_ctr_7d"):
        read_bundle(bundle_at(tmp_path / "m1", BundleMetadata("m1", 1, "s1", "", "", "", tensors=other)))


@pytest.mark.parametrize("name", ["bundle.json", "item_ids.json", "item_vectors.npy"])
def test_an_incomplete_bundle_is_refused(tmp_path: Path, name: str) -> None:
    (bundle_at(tmp_path / "m1") / name).unlink()
    with pytest.raises(BundleError, match=f"not a complete model bundle.*{name}"):
        read_bundle(tmp_path / "m1")


def test_a_bundle_with_other_vectors_than_ids_is_refused(tmp_path: Path) -> None:
    (bundle_at(tmp_path / "m1") / "item_ids.json").write_text('["a"]')
    with pytest.raises(BundleError, match="1 item ids, but 2 vectors"):
        read_bundle(tmp_path / "m1")


def test_what_is_known_of_the_texts_is_read_where_a_bundle_has_it(tmp_path: Path) -> None:
    path = bundle_at(tmp_path / "m1")
    before = read_bundle(path)
    assert (before.item_fingerprints, before.item_residuals) == (None, None)
    write_items(path, ["a", "b"], before.item_vectors, np.array([1, -(2**63)]), np.zeros((2, VECTOR_SIZE)))
    bundle = read_bundle(path)
    assert bundle.item_fingerprints is not None and bundle.item_residuals is not None
    assert bundle.item_fingerprints.tolist() == [1, -(2**63)]
    assert bundle.item_residuals.shape == (2, VECTOR_SIZE)


def test_a_bundle_with_other_fingerprints_than_ids_is_refused(tmp_path: Path) -> None:
    path = bundle_at(tmp_path / "m1")
    np.save(path / "item_fingerprints.npy", np.zeros(3, np.int64))
    with pytest.raises(BundleError, match="2 item ids, but 3 fingerprints"):
        read_bundle(path)


def test_promoting_and_rolling_back_moves_one_link(tmp_path: Path) -> None:
    first, second = bundle_at(tmp_path / "m1"), bundle_at(tmp_path / "m2")
    for bundle in (first, second, second, first):
        promote(bundle)
        assert current(tmp_path) == bundle.resolve()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "m1", "m2"]


def test_an_interrupted_promotion_can_be_repeated(tmp_path: Path) -> None:
    bundle = bundle_at(tmp_path / "m1")
    (tmp_path / f".current-{os.getpid()}").symlink_to("nowhere")
    promote(bundle)
    assert current(tmp_path) == bundle.resolve()


def test_without_a_promoted_bundle_the_error_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="make train export"):
        current(tmp_path)
