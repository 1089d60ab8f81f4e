"""Commands in a row, each run once: a finished one is remembered by its arguments and by what came before it.

``<folder>/steps/<name>.json`` says what was done, ``<folder>/logs/<name>.log`` what it printed.
"""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from benchmarks.machine import commit
from training.config import FAST, TrainConfig, from_flags
from training.runs import read_config
from training.train import parser


class StepFailed(Exception):
    """A command that did not end well, with where its log is."""


@dataclass(frozen=True)
class Done:
    """A finished step."""

    name: str
    command: list[str]
    key: str  # of its command and of all that came before it
    seconds: float
    finished: str  # ISO 8601
    commit: str
    output: str  # where it wrote to, if it said so: its last line `-> path`


def key_of(command: Sequence[str], before: str) -> str:
    """The fingerprint of a command after what came before it."""
    return hashlib.sha256(json.dumps([list(command), before]).encode()).hexdigest()[:16]


def finished(folder: Path, name: str, key: str) -> Done | None:
    """What is remembered of a step that was finished with this key."""
    path = folder / "steps" / f"{name}.json"
    if not path.exists():
        return None
    done = Done(**json.loads(path.read_text()))
    return done if done.key == key and (not done.output or Path(done.output).exists()) else None


def step(
    folder: Path, name: str, command: Sequence[str], environment: Mapping[str, str], before: str, writes: bool = True
) -> Done:
    """Run ``python -m`` with these arguments, unless that is done; raises StepFailed.

    One that ``writes`` ends with the line `-> path`. One that was stopped and left a checkpoint goes on from there.
    """
    key = key_of(command, before)
    done = finished(folder, name, key)
    if done:
        print(f"== {name}: done on {done.finished[:16]} in {done.seconds:,.0f} s")
        return done
    asked = _resumed(folder, name, key, command)
    print(f"== {name}: python -m {' '.join(asked)}", flush=True)
    started, log = time.monotonic(), _log(folder, name)
    output = _run(asked, environment, log)
    if writes and not output:
        raise StepFailed(f"`python -m {command[0]}` did not come to its end; its log: {log}")
    done = Done(name, list(command), key, time.monotonic() - started, _now(), commit(), output)
    (folder / "steps" / f"{name}.json").write_text(json.dumps(asdict(done), indent=1) + "\n")
    return done


def forget(folder: Path, kinds: Sequence[str]) -> None:
    """Let steps of these kinds be run again."""
    for kind in kinds:
        for path in [*folder.glob(f"steps/{kind}.*"), *folder.glob(f"steps/{kind}-*")]:
            path.unlink()


def _resumed(folder: Path, name: str, key: str, command: Sequence[str]) -> list[str]:
    """The command or, where it left a checkpoint since it was begun with this key, the one that goes on from it."""
    begun = folder / "steps" / f"{name}.begun"
    if begun.exists() and begun.read_text() == key:
        since = begun.stat().st_mtime
        found = [path for path in folder.glob("system/models/*/checkpoint.pt") if path.stat().st_mtime >= since]
        runs = [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime)]
        if mine := [run for run in runs if command[0] == "training.train" and is_of(run, command[1:])]:
            return [command[0], "--resume", str(mine[-1])]
    begun.parent.mkdir(parents=True, exist_ok=True)
    (folder / "steps" / f"{name}.json").unlink(missing_ok=True)
    begun.write_text(key)
    return list(command)


def is_of(run: Path, flags: Sequence[str]) -> bool:
    """Whether a training run was made with these flags of training.train: others may train in the folder too."""
    given = parser().parse_args(list(flags))
    config, snapshot_id = read_config(run)
    asked = from_flags(TrainConfig, given, **(FAST if given.fast else {}))
    return config == asked and (given.snapshot is None or given.snapshot.name == snapshot_id)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _log(folder: Path, name: str) -> Path:
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    return folder / "logs" / f"{name}.log"


def _run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> str:
    """Show and log what the command prints; the path of its last line `-> path`, or nothing."""
    assignments = [f"{name}={value}" for name, value in environment.items()]
    with log.open("ab") as kept:
        kept.write(f"\n== {datetime.now(UTC):%Y-%m-%d %H:%M:%S} python -m {' '.join(command)}\n".encode())
        begin = kept.tell()
        asked = ["env", *assignments, sys.executable, "-m", *command]
        with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as process:
            _wait(process, kept)
    if process.returncode:
        raise StepFailed(f"`python -m {command[0]}` ended with exit code {process.returncode}; its log: {log}")
    with log.open("rb") as written:
        written.seek(begin)
        lines = written.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("-> ") if lines and lines[-1].startswith("-> ") else ""


def _wait(process: "subprocess.Popen[bytes]", kept: BinaryIO) -> None:
    """Until it ends. A SIGTERM is passed on, Ctrl-C reaches it by itself: it may want to write down where it stands."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)
        raise StepFailed("stopped; the same command goes on where it was")

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        assert process.stdout
        while chunk := process.stdout.read(65_536):
            kept.write(chunk)
            sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
    finally:
        process.wait()
        signal.signal(signal.SIGTERM, before)
