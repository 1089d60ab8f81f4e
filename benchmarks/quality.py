"""How good are the rankings on a data set? From its tables to the metrics, by the commands that users give.

    python -m benchmarks.quality ml-100k --data data/ml-100k
    python -m benchmarks.quality ml-1m --data data/ml-1m --seeds 0,1,2 --set train.epochs=20 --set snapshot.stride=16
    python -m benchmarks.quality ml-1m --steps evaluate      what came before must be done
    python -m benchmarks.quality ml-1m --steps validate      the validation window, before the test window is touched

Steps: backfill until the data set's cut, snapshot, then for each seed train and evaluate, with a data directory and an
online store of their own; if asked, sasrec (trained on the snapshot; evaluate.baselines=all shows it) and validate. A
finished step of the same arguments is not done again: given again, a command that was stopped goes on where it was, a
training from its checkpoint. Logs are in <work>/logs, the numbers in <work>/results.json.
"""

import argparse
import fcntl
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import commit, machine
from benchmarks.quality_cut import Cut, NoTables, cut_of, identity
from benchmarks.quality_table import page, summary
from benchmarks.steps import Done, StepFailed, finished, forget, key_of, step
from deploy.laptop.ports import free_environment
from deploy.laptop.system import running
from training.config import SnapshotConfig

STEPS = ("backfill", "snapshot", "train", "sasrec", "validate", "evaluate")
USUAL = ("backfill", "snapshot", "train", "evaluate")
WINDOWS = ("validation", "validation_impressions", "test", "test_impressions")  # of metrics.json
QUIET = {"OMP_WAIT_POLICY": "passive"}  # threads that wait sleep: on a busy machine spinning ones starve each other
Flags = Mapping[str, Sequence[str]]  # step -> its further arguments


def flags_of(settings: Sequence[str]) -> dict[str, list[str]]:
    """``step.name=value`` -> flags of that step; true and false switch. Raises ValueError saying what is wrong."""
    flags: dict[str, list[str]] = {name: [] for name in STEPS}
    for setting in settings:
        where, equals, value = setting.partition("=")
        name, dot, field = where.partition(".")
        if not (equals and dot and field and name in STEPS):
            raise ValueError(f"--set {setting}: write step.name=value, with a step of {', '.join(STEPS)}")
        flag = field.replace("_", "-")
        switch = {"true": [f"--{flag}"], "false": [f"--no-{flag}"]}
        flags[name] += switch.get(value, [f"--{flag}", value])
    return flags


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """One run at a time has the folder; raises StepFailed where another has it."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StepFailed(f"another run works in {work}: wait for it, or give --work another folder") from None
        yield


class Place(NamedTuple):
    """Where steps run, and which of them may be run."""

    work: Path
    environment: dict[str, str]
    wanted: frozenset[str]

    def ensure(self, kind: str, name: str, command: Sequence[str], before: str) -> Done:
        """The step, run if it is not done and wanted; raises StepFailed where it is neither."""
        if kind not in self.wanted and not finished(self.work, name, key_of(command, before)):
            raise StepFailed(f"{name} is not done with these arguments: add {kind} to --steps")
        writes = kind in ("snapshot", "train", "sasrec")
        return step(self.work, name, command, self.environment, before, writes)


def learned(place: Place, data: Path, cut: Cut, flags: Flags) -> Done:
    """Backfill, then the snapshot."""
    command = ["streaming.backfill", str(data.resolve()), "--until", cut.until, "--replace", *flags["backfill"]]
    with _store(place, key_of(command, identity(data))):
        backfill = place.ensure("backfill", "backfill", command, identity(data))
    validation = ["--validation", repr(cut.validation)] if cut.validation is not None else []
    return place.ensure("snapshot", "snapshot", ["training.snapshot", *validation, *flags["snapshot"]], backfill.key)


@contextmanager
def _store(place: Place, key: str) -> Iterator[None]:
    """The online store, while history is written; the other steps read the offline log."""
    if finished(place.work, "backfill", key) or "backfill" not in place.wanted:
        yield
        return
    with running(place.environment, ["online-store"]):
        yield


def measured(place: Place, snapshot: Done, data: Path, seed: int, flags: Flags) -> dict[str, Any]:
    """Train one seed and measure it: window -> scorer -> metrics."""
    command = ["training.train", "--snapshot", snapshot.output, "--seed", str(seed), *flags["train"]]
    trained = place.ensure("train", f"train-{seed}", command, snapshot.key)
    run, before = ["training.evaluate", "--run", trained.output], trained.key
    if "sasrec" in place.wanted:
        before += place.ensure("sasrec", "sasrec", _sasrec(snapshot, flags), snapshot.key).key
    if "validate" in place.wanted:
        place.ensure("validate", f"validate-{seed}", [*run, "--validation", *flags["validate"]], before)
    if "evaluate" in place.wanted:
        events = ["--interactions", str(data.resolve() / "interactions.parquet")]
        place.ensure("evaluate", f"evaluate-{seed}", [*run, *events, *flags["evaluate"]], before)
    metrics = Path(trained.output) / "metrics.json"
    return dict(json.loads(metrics.read_text())) if metrics.exists() else {}


def _sasrec(snapshot: Done, flags: Flags) -> list[str]:
    return ["training.sasrec", "--snapshot", snapshot.output, *flags["sasrec"]]


def report(work: Path, cut: Cut, by_seed: Mapping[int, Mapping[str, Any]], arguments: Sequence[str]) -> str:
    """Write ``results.json``; returns the tables of all windows that were measured."""
    windows = {name: [one[name] for one in by_seed.values() if name in one] for name in WINDOWS}
    means = {name: summary(tables) for name, tables in windows.items() if tables}
    done = [json.loads(path.read_text()) for path in sorted((work / "steps").glob("*.json"))]
    about = {"dataset": asdict(cut), "date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()}
    found = {**about, "machine": machine(), "arguments": list(arguments), "steps": done, **means, "seeds": by_seed}
    (work / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    return "\n\n".join(page(f"{cut.name}, {name.replace('_', ' window, ')}", rows) for name, rows in means.items())


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("name", help="names the work folder, and by default the data folder")
    made.add_argument("--data", type=Path, help="folder of the tables (default: data/<name>)")
    made.add_argument("--work", type=Path, help="folder for all that is written (default: data/quality/<name>)")
    made.add_argument(
        "--steps", type=_steps, default=",".join(USUAL), help=f"what may be run (default: {','.join(USUAL)})"
    )
    made.add_argument("--set", action="append", default=[], metavar="STEP.NAME=VALUE", help="a flag of a step")
    made.add_argument("--seeds", type=_seeds, default="0", help="with commas between (default: 0)")
    made.add_argument("--again", choices=STEPS, help="forget that this step and those after it are done")
    return made


def _steps(text: str) -> frozenset[str]:
    unknown = set(text.split(",")) - set(STEPS)
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: the steps are {', '.join(STEPS)}")
    return frozenset(text.split(","))


def _seeds(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def run(chosen: argparse.Namespace, arguments: Sequence[str]) -> str:
    """All steps of all seeds; returns the tables."""
    flags = flags_of(chosen.set)
    data, work = chosen.data or Path("data") / chosen.name, chosen.work or Path("data/quality") / chosen.name
    actions = dict(pairwise(flags["snapshot"])).get("--actions", SnapshotConfig.actions)
    cut = cut_of(data, actions.split(","))
    with alone(work):
        if chosen.again:
            forget(work, STEPS[STEPS.index(chosen.again) :])
        place = Place(work, {**free_environment(work / "system"), **QUIET}, chosen.steps)
        snapshot = learned(place, data, cut, flags)
        by_seed = {seed: measured(place, snapshot, data, seed, flags) for seed in chosen.seeds}
        return report(work, cut, by_seed, arguments)


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    try:
        print(run(parser().parse_args(given), given))
    except (StepFailed, NoTables, ValueError) as error:
        sys.exit(f"quality: {error}")
    except KeyboardInterrupt:
        sys.exit("quality: stopped; the same command goes on where it was")


if __name__ == "__main__":
    main()
