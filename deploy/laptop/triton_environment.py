"""FRESHRANK_TRITON_PYTHON -> what is in that environment -> may Triton start with it?"""

import subprocess
from functools import cache
from pathlib import Path

import msgspec

PROBE = Path(__file__).with_name("triton_probe.py")


class Environment(msgspec.Struct, frozen=True):
    """What Triton's virtual environment holds; an empty version is a missing package."""

    python: str
    numpy: str
    onnxruntime: str
    server: str  # directory of the tritonserver files inside the wheel
    library_directory: str | None  # of libpython; "" when the system finds it, None when it is missing

    @property
    def stub(self) -> Path:
        """Triton's Python backend process for this Python."""
        return Path(self.server) / "python_backend_stubs" / self.python / "triton_python_backend_stub"


class Unusable(RuntimeError):
    """Triton cannot run in the environment given; says why and what to do."""


@cache
def environment(python: Path) -> Environment:
    """What that Python's environment holds; raises Unusable when Triton cannot run with it."""
    try:
        answer = subprocess.run([python, PROBE], capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as reason:
        raise Unusable(
            f"triton: no working Python at {python} ({reason}): run `make install`, or set FRESHRANK_TRITON_PYTHON."
        ) from reason
    found = msgspec.json.decode(answer.stdout, type=Environment)
    if reason_against := objection(python, found):
        raise Unusable(f"triton: {reason_against}")
    return found


def objection(python: Path, found: Environment) -> str | None:
    """Why Triton cannot run with what was found, in one sentence."""
    if not (found.server and found.onnxruntime and found.numpy and found.stub.exists()):
        return f"{python} lacks nvidia-pytriton, onnxruntime or numpy: run `make install`."
    if int(found.numpy.partition(".")[0]) >= 2:
        return (
            f"{python} has numpy {found.numpy}, with which this Triton silently corrupts arrays: "
            f"run `{python} -m pip install 'numpy<2'`."
        )
    if found.library_directory is None:
        return (
            f"libpython{found.python}.so.1.0 was not found: install it (Debian, Ubuntu: apt-get install "
            f"libpython{found.python}; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install "
            f"{found.python}), or put its directory on LD_LIBRARY_PATH."
        )
    return None
