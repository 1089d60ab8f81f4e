"""`<data>/up.pid`: who runs, a line each: name, process id, start time. A recycled id is not mistaken."""

import os
from pathlib import Path


def started(pid: int) -> int | None:
    """When the process started, in clock ticks since boot (Linux); None if there is none or it has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(fields[18])


def write(path: Path, pids: dict[str, int]) -> None:
    """Record these processes; the file appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text("".join(f"{name} {pid} {started(pid)}\n" for name, pid in pids.items()))
    os.replace(unfinished, path)


def alive(path: Path) -> dict[str, int]:
    """Those recorded that still run: name -> process id; empty without a file."""
    if not path.exists():
        return {}
    records = (line.split() for line in path.read_text().splitlines())
    return {name: int(pid) for name, pid, start in records if str(started(int(pid))) == start}
