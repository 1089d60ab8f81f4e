"""One whole system for all end-to-end tests: history, a trained and exported model, and every process running."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy.laptop.demo_probes import wait_until
from deploy.laptop.ports import free_environment
from deploy.laptop.settings import ROOT
from deploy.laptop.system import System, running
from tests.end_to_end import world

HERE = Path(__file__).parent


@dataclass
class Whole:
    """A running system and an HTTP connection to its API."""

    system: System
    api: httpx.Client
    evaluation: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    environment = free_environment(folder) | {"FRESHRANK_SESSION_TIMEOUT_S": "2"}
    shutil.copytree(ROOT / "triton_models", folder / "triton_models", ignore=shutil.ignore_patterns("[0-9]*"))
    world.write(folder / "history")
    with running(environment, ["broker", "online-store"]) as system:
        evaluation = learn(environment, folder / "history")
        for name in ("worker", "triton", "api"):
            system.launch(name)
        for name in ("triton", "api"):
            system.wait(name)
        with httpx.Client(base_url=f"http://127.0.0.1:{environment['FRESHRANK_API_PORT']}", timeout=30) as api:
            wait_until(lambda: api.get("/health/ready").status_code == 200, 60, "the API to be ready")
            yield Whole(system, api, evaluation)


def learn(environment: dict[str, str], history: Path) -> str:
    """history -> a promoted bundle; returns what evaluate printed."""
    python(environment, "streaming.backfill", str(history), "--until", "0.8")
    python(environment, "training.snapshot", "--negatives", "10")
    python(environment, "training.train", "--fast")
    printed = python(environment, "training.evaluate", "--interactions", str(history / "interactions.parquet"))
    python(environment, "training.export")
    return printed


def python(environment: dict[str, str], module: str, *arguments: str) -> str:
    assignments = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", *assignments, sys.executable, "-m", module, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, f"python -m {module}\n{finished.stdout}\n{finished.stderr}"
    assert "leaked" not in finished.stderr  # DuckDB's word for a connection that outlives Python
    return finished.stdout
