"""Stop what `make up` or `make demo KEEP=1` started; also what `up` left behind when it was killed itself.

examples:
  python -m deploy.laptop.down
  FRESHRANK_DATA_DIR=/tmp/other python -m deploy.laptop.down
"""

import os
import signal
import time
from pathlib import Path

from deploy.laptop import pidfile
from deploy.laptop.settings import LaptopSettings
from deploy.laptop.start import parser
from deploy.laptop.up import demo_record, record

PATIENCE_SECONDS = 20.0


def stop(path: Path, patience: float = PATIENCE_SECONDS) -> list[str]:
    """End the recorded processes, by force after `patience` seconds; returns the names of those that ran."""
    ran = pidfile.alive(path)
    _signal({"up": ran["up"]} if "up" in ran else ran, signal.SIGTERM)  # up stops the others itself
    deadline = time.monotonic() + patience
    while (left := _among(path, ran)) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(left, signal.SIGKILL)
    path.unlink(missing_ok=True)
    return list(ran)


def _among(path: Path, ran: dict[str, int]) -> dict[str, int]:
    """Those that ran and still do; `up` removes the file last, so without one nothing is left."""
    return {name: pid for name, pid in pidfile.alive(path).items() if name in ran}


def _signal(pids: dict[str, int], number: signal.Signals) -> None:
    for pid in pids.values():
        if pidfile.started(pid):
            os.kill(pid, number)


def main() -> None:
    """Stop everything and say what it was."""
    parser("deploy.laptop.down", __doc__).parse_args()
    settings = LaptopSettings()
    stopped = [name for path in (record(settings), demo_record(settings)) for name in stop(path)]
    print(f"stopped {', '.join(stopped)}" if stopped else "nothing is running")


if __name__ == "__main__":
    main()
