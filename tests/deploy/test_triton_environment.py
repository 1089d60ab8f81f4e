"""What Triton's virtual environment must hold."""

from pathlib import Path

import msgspec
import pytest

from deploy.laptop.triton_environment import Environment, Unusable, environment, objection

PYTHON = Path("/venv/bin/python")


@pytest.fixture
def good(tmp_path: Path) -> Environment:
    found = Environment("3.11", "1.26.4", "1.23.0", str(tmp_path), "/usr/lib")
    found.stub.parent.mkdir(parents=True)
    found.stub.touch()
    return found


def test_a_complete_environment_is_accepted(good: Environment) -> None:
    assert objection(PYTHON, good) is None
    assert objection(PYTHON, msgspec.structs.replace(good, library_directory="")) is None


def test_numpy_2_is_refused_because_it_corrupts_arrays(good: Environment) -> None:
    reason = objection(PYTHON, msgspec.structs.replace(good, numpy="2.3.1"))
    assert reason == (
        "/venv/bin/python has numpy 2.3.1, with which this Triton silently corrupts arrays: "
        "run `/venv/bin/python -m pip install 'numpy<2'`."
    )


@pytest.mark.parametrize("package", ["server", "onnxruntime", "numpy"])
def test_a_missing_package_says_make_install(good: Environment, package: str) -> None:
    reason = objection(PYTHON, msgspec.structs.replace(good, **{package: ""}))
    assert reason == "/venv/bin/python lacks nvidia-pytriton, onnxruntime or numpy: run `make install`."


def test_a_missing_libpython_says_how_to_get_it(good: Environment) -> None:
    reason = objection(PYTHON, msgspec.structs.replace(good, library_directory=None))
    assert reason is not None
    assert reason.startswith("libpython3.11.so.1.0 was not found: install it (Debian, Ubuntu: apt-get install")


def test_a_missing_environment_says_make_install(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"triton: no working Python at .*run `make install`"):
        environment(tmp_path / "python")
