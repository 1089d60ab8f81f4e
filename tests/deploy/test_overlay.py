"""triton_models/ as the laptop's Triton sees it."""

import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from deploy.laptop.overlay import on_cpu, refresh_overlay
from deploy.laptop.settings import ROOT

CONFIGS = sorted((ROOT / "triton_models").glob("*/config.pbtxt"))
GPU = """
name: "m" backend: "onnxruntime" max_batch_size: 8 default_model_filename: "model.onnx"
instance_group [ { kind: KIND_GPU count: 2 gpus: [ 0, 1 ] } ]
optimization { execution_accelerators { gpu_execution_accelerator: [ { name: "tensorrt" } ] } }
input [ { name: "x" data_type: TYPE_FP32 dims: [ -1, 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ -1 ] } ]
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of triton_models/ with versions 1 and 2 of the ranker."""
    for config in CONFIGS:
        (tmp_path / "source" / config.parent.name).mkdir(parents=True)
        shutil.copy(config, tmp_path / "source" / config.parent.name)
    for version in (1, 2):
        add(tmp_path / "source", version)
    return tmp_path / "source"


def add(source: Path, version: int) -> Path:
    path = source / "ranker" / str(version) / "model.onnx"
    path.parent.mkdir()
    path.write_text(f"version {version}")
    return path


def tree(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


def parsed(text: str) -> model_config_pb2.ModelConfig:
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_models_with_versions_are_mirrored_with_every_version(source: Path, tmp_path: Path) -> None:
    assert refresh_overlay(source, tmp_path / "triton") == ["ranker"]
    expected = {f"ranker/{version}/{name}" for version in (1, 2) for name in ("model.py", "model.onnx")}
    assert tree(tmp_path / "triton/models") == expected | {"ranker/config.pbtxt"}
    assert (tmp_path / "triton/models/ranker/2/model.onnx").read_text() == "version 2"


def test_nothing_but_the_repository_and_a_lock_is_left_behind(source: Path, tmp_path: Path) -> None:
    refresh_overlay(source, tmp_path / "triton")
    assert {path.name for path in (tmp_path / "triton").iterdir()} == {"models", "lock"}


def test_a_second_refresh_touches_nothing(source: Path, tmp_path: Path) -> None:
    models = tmp_path / "triton/models"
    refresh_overlay(source, tmp_path / "triton")
    before = {path: path.lstat().st_mtime_ns for path in models.rglob("*")}
    refresh_overlay(source, tmp_path / "triton")
    assert {path: path.lstat().st_mtime_ns for path in models.rglob("*")} == before


def test_a_new_version_appears_and_a_deleted_one_goes(source: Path, tmp_path: Path) -> None:
    refresh_overlay(source, tmp_path / "triton")
    add(source, 3)
    shutil.rmtree(source / "ranker/1")
    refresh_overlay(source, tmp_path / "triton")
    versions = {path.name for path in (tmp_path / "triton/models/ranker").iterdir() if path.is_dir()}
    assert versions == {"2", "3"}


def test_a_model_that_lost_its_versions_goes(source: Path, tmp_path: Path) -> None:
    refresh_overlay(source, tmp_path / "triton")
    shutil.rmtree(source / "ranker/1")
    shutil.rmtree(source / "ranker/2")
    assert refresh_overlay(source, tmp_path / "triton") == []
    assert list((tmp_path / "triton/models").iterdir()) == []


def test_a_version_of_another_place_is_replaced(source: Path, tmp_path: Path) -> None:
    refresh_overlay(source, tmp_path / "triton")
    moved = source.rename(tmp_path / "moved")
    refresh_overlay(moved, tmp_path / "triton")
    link = (tmp_path / "triton/models/ranker/1/model.onnx").readlink()
    assert link == moved / "ranker/1/model.onnx"


def test_a_changed_configuration_is_taken_over(source: Path, tmp_path: Path) -> None:
    refresh_overlay(source, tmp_path / "triton")
    config = source / "ranker/config.pbtxt"
    config.write_text(config.read_text().replace("num_versions: 2", "num_versions: 1"))
    refresh_overlay(source, tmp_path / "triton")
    served = parsed((tmp_path / "triton/models/ranker/config.pbtxt").read_text())
    assert served.version_policy.latest.num_versions == 1


def test_what_needs_a_gpu_is_rewritten_and_the_rest_kept() -> None:
    config = parsed(on_cpu(GPU))
    assert (config.backend, config.max_batch_size, config.instance_group[0].count) == ("python", 8, 2)
    assert config.instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert not config.instance_group[0].gpus
    assert not config.HasField("optimization")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_the_interface_is_the_same_with_and_without_a_gpu(path: Path) -> None:
    on_gpu, laptop = parsed(path.read_text()), parsed(on_cpu(path.read_text()))
    assert on_gpu.name == path.parent.name
    assert on_gpu.backend == "onnxruntime"
    for field in ("name", "max_batch_size", "input", "output", "version_policy", "dynamic_batching"):
        assert getattr(on_gpu, field) == getattr(laptop, field)


def test_a_malformed_configuration_is_refused() -> None:
    with pytest.raises(text_format.ParseError):
        on_cpu('name: "m" bakcend: "onnxruntime"')
