"""One running system for all tests of the worker."""

from collections.abc import Iterator

import pytest

from tests.streaming.live import Live, live


@pytest.fixture(scope="package")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Broker, Redis and worker; a test that kills one of them starts it again."""
    with live(tmp_path_factory.mktemp("worker")) as system:
        yield system
