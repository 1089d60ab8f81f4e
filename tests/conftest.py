"""What every test run has: a data directory of its own, and a count of the tests that met real processes."""

import atexit
import os
import shutil
import tempfile

# feature_repo.features reads the data directory when it is imported: this must come before any import of it.
_DATA = tempfile.mkdtemp(prefix="freshrank-tests-")
os.environ["FRESHRANK_DATA_DIR"] = _DATA
atexit.register(shutil.rmtree, _DATA, ignore_errors=True)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("freshrank", deadline=None, max_examples=50, database=None)
settings.load_profile("freshrank")

_PROCESS_TESTS: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and not report.skipped and "process" in report.keywords:
        _PROCESS_TESTS.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    count = len(_PROCESS_TESTS)
    terminalreporter.write_line(f"{count} tests ran against real processes (broker, Redis, worker, Triton, API)")
