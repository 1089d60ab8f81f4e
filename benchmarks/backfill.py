"""How fast does history come in, against writing the same parquet without computing it?

    python -m benchmarks.backfill                        1,000,000 made events of 10,000 users and 10,000 items
    python -m benchmarks.backfill --folder data/ml-100k  a history that is there
    python -m benchmarks.backfill --events 300000 --json

The backfill is the command that users give, in a process of its own, with a real online store: its seconds hold
start-up, reading, computing and both stores. The floor reads the same source and writes the same parts again on as
many cores.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deploy.laptop.ports import free_environment
from deploy.laptop.system import running

USERS, ITEMS, CATEGORIES = 10_000, 10_000, 40
MIX = {"impression": 0.4, "view": 0.3, "click": 0.25, "like": 0.05}
BEGIN_MS, SPAN_MS = 1_780_000_000_000, 60 * 86_400_000


def make(folder: Path, count: int, users_and_items: tuple[int, int] = (USERS, ITEMS), seed: int = 0) -> Path:
    """Write made interactions with a long tail of users and items, in time order, and a catalogue."""
    draw, folder, (most_users, most_items) = np.random.default_rng(seed), folder / "history", users_and_items
    folder.mkdir()
    users, items = (
        (most_users * draw.random(count) ** 2).astype(int),
        (most_items * draw.random(count) ** 3).astype(int),
    )
    names = np.array(list(MIX))
    columns = {
        "event_id": np.char.add("event-", np.arange(count).astype(str)),
        "user_id": np.char.add("user-", users.astype(str)),
        "item_id": np.char.add("item-", items.astype(str)),
        "action": names[draw.choice(len(MIX), count, p=list(MIX.values()))],
        "timestamp": BEGIN_MS + np.sort(draw.integers(0, SPAN_MS, count)),
    }
    pq.write_table(pa.table(columns), folder / "interactions.parquet")
    categories = [
        [f"category-{each}" for each in draw.integers(0, CATEGORIES, 1 + item % 3)] for item in range(most_items)
    ]
    catalogue = {"item_id": [f"item-{item}" for item in range(most_items)], "categories": categories}
    pq.write_table(pa.table(catalogue), folder / "items.parquet")
    return folder


def measure(folder: Path, scratch: Path, processes: int) -> dict[str, Any]:
    """Backfill a folder once and write its parts once more."""
    environment = free_environment(scratch)
    with running(environment, ["online-store"]):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "streaming.backfill", str(folder), "--processes", str(processes)]
        assignments = [f"{name}={value}" for name, value in environment.items()]
        done = subprocess.run(["env", *assignments, *command], capture_output=True, text=True)
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr)
    events = int(done.stdout.split(" interactions")[0].replace(",", ""))
    phases = {name: float(value) for name, value in re.findall(r"(reading|users|items) ([\d.]+)", done.stdout)}
    least = floor(folder, scratch / "offline", scratch, processes)
    return {
        "events": events,
        "events_per_s": events / seconds,
        "seconds": seconds,
        "phases": {"start-up": seconds - sum(phases.values()), **phases},
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "largest_process_mb": after.ru_maxrss / 1024,
        "floor_s": least,
        "ratio": least / seconds,
    }


def floor(folder: Path, log: Path, scratch: Path, processes: int) -> float:
    """Seconds to read the source and to write every part of the log again, shared out evenly."""
    started = time.perf_counter()
    pq.read_table(folder / "interactions.parquet")
    reading = time.perf_counter() - started
    parts = [(path, scratch / f"{path.parent.name}-{path.name}") for path in sorted(log.glob("*/*.parquet"))]
    with ProcessPoolExecutor(processes, get_context("spawn")) as executor:
        return reading + sum(executor.map(rewrite, *zip(*parts, strict=True))) / processes


def rewrite(path: Path, again: Path) -> float:
    """Seconds to write a part that is in memory."""
    text = [field.name for field in pq.read_schema(path) if pa.types.is_string(field.type)]
    table = pq.read_table(path, read_dictionary=text)
    started = time.perf_counter()
    pq.write_table(table, again, compression="zstd")
    seconds = time.perf_counter() - started
    again.unlink()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backfill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="a history instead of a made one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="one JSON line on standard output")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or make(Path(place), options.events)
        result = {"benchmark": "backfill"} | measure(folder, Path(place) / "system", options.processes)
    if options.json:
        print(json.dumps(result))
        return
    print(f"backfill  {result['events_per_s']:9,.0f} events/s end to end  (target >= 100,000)")
    print("phases    " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result["phases"].items()))
    print(f"cpu       {result['cpu_seconds']:.1f} s; largest process {result['largest_process_mb']:,.0f} MB")
    print(
        f"floor     {result['floor_s']:.1f} s to read the source and write the same parts: ratio {result['ratio']:.2f}"
    )


if __name__ == "__main__":
    main()
