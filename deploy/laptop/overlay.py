"""triton_models/ -> a model repository that Triton's Python backend can serve without a GPU.

Same models, same versions, same inputs and outputs; only who computes changes. Safe to repeat, also under
a running server: what is half done lies beside the repository and is renamed into place.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

ONNX_MODEL = Path(__file__).with_name("onnx_model.py")


def refresh_overlay(source: Path, directory: Path) -> list[str]:
    """Make `directory/models` mirror the source's models that have a version; returns their names."""
    models = directory / "models"
    models.mkdir(parents=True, exist_ok=True)
    names = servable(source)
    with _staging(directory) as stage:
        for gone in {path.name for path in models.iterdir()} - set(names):
            (models / gone).rename(stage / gone)
        for name in names:
            _mirror(source / name, models / name, stage)
    return names


def servable(source: Path) -> list[str]:
    """Names of the models with a config.pbtxt and at least one version."""
    return sorted(path.parent.name for path in source.glob("*/config.pbtxt") if versions(path.parent))


def versions(model: Path) -> list[int]:
    """The versions of a model that hold a model.onnx, oldest first."""
    return sorted(int(path.parent.name) for path in model.glob("[0-9]*/model.onnx") if path.parent.name.isdecimal())


def on_cpu(config: str) -> str:
    """The text of a config.pbtxt for the Python backend on the CPU; raises ParseError on a malformed one."""
    parsed = model_config_pb2.ModelConfig()
    text_format.Parse(config, parsed)
    parsed.backend = "python"
    for field in ("platform", "optimization", "default_model_filename", "cc_model_filenames"):
        parsed.ClearField(field)
    for group in parsed.instance_group:
        group.kind = model_config_pb2.ModelInstanceGroup.KIND_CPU
        group.ClearField("gpus")
    return str(text_format.MessageToString(parsed))


def _mirror(source: Path, target: Path, stage: Path) -> None:
    target.mkdir(exist_ok=True)
    wanted = {str(version) for version in versions(source)}
    for gone in {path.name for path in target.iterdir() if path.is_dir()} - wanted:
        (target / gone).rename(stage / f"{target.name}-{gone}-old")
    for version in wanted:
        _mirror_version(source / version / "model.onnx", target / version, stage)
    config = on_cpu((source / "config.pbtxt").read_text())
    written = target / "config.pbtxt"
    if not (written.exists() and written.read_text() == config):
        (stage / "config.pbtxt").write_text(config)
        os.replace(stage / "config.pbtxt", written)


def _mirror_version(onnx: Path, target: Path, stage: Path) -> None:
    if _is_mirror(onnx, target):
        return
    built = stage / f"{target.parent.name}-{target.name}"
    built.mkdir()
    (built / "model.onnx").symlink_to(onnx.absolute())
    shutil.copyfile(ONNX_MODEL, built / "model.py")
    if target.exists():
        target.rename(stage / f"{built.name}-old")
    built.rename(target)


def _is_mirror(onnx: Path, target: Path) -> bool:
    link, code = target / "model.onnx", target / "model.py"
    return link.is_symlink() and link.readlink() == onnx.absolute() and code.read_bytes() == ONNX_MODEL.read_bytes()


@contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    """A directory on the same file system, ours alone; what is left in it goes at the end."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(dir=directory, prefix="stage-") as stage:
            yield Path(stage)
