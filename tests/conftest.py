"""What every test run has: a data directory of its own, long tests first, a count of those that met real processes.

``make test`` shares the files out to several runs at once. Each gets all of this for itself but the count.
"""

import atexit
import os
import shutil
import tempfile
from typing import Any

import feature_repo.lean_feast  # noqa: F401

# feature_repo.features reads the data directory when it is imported: this must come before any import of it.
_SHARED = "PYTEST_XDIST_WORKER" in os.environ  # one of several runs: its directory lies in that of the first process
_DATA = tempfile.mkdtemp(prefix="freshrank-tests-", dir=os.environ["FRESHRANK_DATA_DIR"] if _SHARED else None)
os.environ["FRESHRANK_DATA_DIR"] = _DATA
atexit.register(shutil.rmtree, _DATA, ignore_errors=True)
if _SHARED:
    os.environ["OMP_NUM_THREADS"] = "1"  # several runs share the cores; their processes inherit it

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

settings.register_profile("freshrank", deadline=None, max_examples=50, database=None)
settings.load_profile("freshrank")

_PROCESS_TESTS: list[str] = []
END_TO_END = "end_to_end"


class Shares(LoadFileScheduling):
    """Whole files to each run; the end-to-end tests to one, since they have one trained system between them."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return END_TO_END if f"/{END_TO_END}/" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no run has one left when the others are done."""
    processes = {item.path for item in items if item.get_closest_marker("process")}

    def turn(item: pytest.Item) -> tuple[bool, bool, bool]:
        folder = item.path.parent.name
        return folder != END_TO_END, item.path not in processes, folder != "training"

    items.sort(key=turn)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and not report.skipped and "process" in report.keywords:
        _PROCESS_TESTS.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    count = len(_PROCESS_TESTS)
    terminalreporter.write_line(f"{count} tests ran against real processes (broker, Redis, worker, Triton, API)")
