"""Import Feast in a quarter of the time: imported first wherever Feast is (a test sees to it).

``import feast`` compiles a third of its own modules once more, so that typeguard can check arguments while it runs, and
imports torch if it is there, for a converter nobody calls here. Without, a worker or an API process is ready three
seconds earlier. Our own calls are checked by mypy, and by a test that imports Feast as it is.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typeguard
from prometheus_client import values


@contextmanager
def _lean() -> Iterator[None]:
    checked, torch_is_new = typeguard.typechecked, "torch" not in sys.modules
    typeguard.typechecked = _unchecked
    if torch_is_new:
        sys.modules["torch"] = None  # type: ignore[assignment]  # how Python says "not to be imported"
    try:
        yield
    finally:
        typeguard.typechecked = checked
        if torch_is_new:
            del sys.modules["torch"]


def _unchecked(target: Any = None, **_: Any) -> Any:
    return target if target is not None else _same


_same: Callable[[Any], Any] = lambda target: target  # noqa: E731

with _lean():
    import feast  # noqa: F401

# Feast has Prometheus keep every counter in files that processes share; ours are one process's own, and stay in memory.
values.ValueClass = values.MutexValue
