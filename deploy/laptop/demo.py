"""The main job on real data, end to end: history, training, and live events that change rankings.

examples:
  python -m deploy.laptop.demo
  python -m deploy.laptop.demo --keep     leave the system running at the end (or: make demo KEEP=1)

Everything it writes is in data/demo, made anew each time.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from deploy.laptop import demo_data, pidfile
from deploy.laptop.demo_page import Findings, page, side_by_side
from deploy.laptop.demo_probes import Probe, freshness, latency, neglected_category
from deploy.laptop.demo_replay import catch_up, differing, replay, undisturbed
from deploy.laptop.down import stop
from deploy.laptop.ports import answers, free_environment
from deploy.laptop.settings import PREFIX, ROOT, LaptopSettings, address
from deploy.laptop.start import parser
from deploy.laptop.system import System
from deploy.laptop.up import record
from feature_repo.settings import StoreSettings
from streaming.broker import create_topics
from streaming.events import Interaction
from streaming.history import interactions, messages
from streaming.producer import EventProducer
from streaming.settings import StreamSettings
from streaming.until import cut

SOURCE = ROOT / "data/ml-100k"
FOLDER = ROOT / "data/demo"
STEPS = 10
QUIET = {"OMP_WAIT_POLICY": "passive"}  # threads that wait sleep: on a busy machine spinning ones starve each other
CLEAR = "\r\x1b[K" if sys.stdout.isatty() else ""  # a step's bar may stand where its next line is printed


class Demo:
    """The system being shown, and the clock."""

    def __init__(self, folder: Path) -> None:
        self.system, self.events = System(environment(folder)), folder / "events"
        self.started, self._step = time.monotonic(), 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print what happens now and how long it took."""
        self._step += 1
        print(f"\n== {self._step}/{STEPS}  {title}", flush=True)
        started = time.monotonic()
        yield
        print(f"   ({time.monotonic() - started:.1f} s)", flush=True)

    def run(self, module: str, *arguments: str) -> str:
        """Run ``python -m module`` in the system's environment; what it prints is shown, and returned."""
        assignments = [f"{name}={value}" for name, value in {**self.system.environment, **QUIET}.items()]
        command = ["env", *assignments, sys.executable, "-m", module, *arguments]
        lines = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                for line in process.stdout or ():
                    print(f"{CLEAR}   {line}", end="", flush=True)
                    lines.append(line)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            sys.exit(f"demo: `python -m {module}` failed with exit code {process.returncode}")
        return "".join(lines)


def environment(folder: Path) -> dict[str, str]:
    """The usual ports where they are free, others where not; everything is kept in the folder."""
    defaults, free = LaptopSettings(), free_environment(folder)
    usual = {"BROKER": defaults.broker, "REDIS": defaults.redis, "TRITON": defaults.triton}
    ports = {"TRITON_METRICS_PORT": defaults.triton_metrics_port, "API_PORT": defaults.api_port}
    ports["WORKER_METRICS_PORT"] = StreamSettings().worker_metrics_port
    chosen = {PREFIX + name: at for name, at in usual.items() if not answers(address(at))}
    chosen |= {PREFIX + name: str(port) for name, port in ports.items() if not answers(address(f"127.0.0.1:{port}"))}
    return free | chosen


def main() -> None:
    arguments = parser("deploy.laptop.demo", __doc__)
    arguments.add_argument("--keep", action="store_true", help="leave the system running")
    keep = arguments.parse_args().keep
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit("demo: stopped"))  # so that what it started is stopped
    stop(FOLDER / "up.pid")
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(ROOT / "triton_models", FOLDER / "triton_models", ignore=shutil.ignore_patterns("[0-9]*"))
    demo = Demo(FOLDER)
    try:
        text = show(demo)
    except BaseException:
        demo.system.stop()
        raise
    if keep:
        pidfile.write(record(demo.system.settings), {name: demo.system.pid(name) for name in demo.system.processes})
        text += "\nThe system keeps running; `make down` stops it.\n"
    else:
        demo.system.stop()
        text += "\nThe system was stopped; `make demo KEEP=1` leaves it running.\n"
    print(text)


def show(demo: Demo) -> str:
    """All the steps; returns the page of results."""
    settings = demo.system.settings
    findings = Findings(evaluation=learn(demo))
    with demo.step("start the system: worker, Triton, API"):
        demo.system.launch("worker")
        demo.system.start("triton")
        demo.system.start("api")
    with EventProducer(settings.broker) as producer:
        probe = Probe(settings, producer)
        probe.ready()
        watch(demo, probe, producer, findings)
        probe.close()
    findings.seconds = time.monotonic() - demo.started
    text = page(findings, f"http://{settings.api_host}:{settings.api_port}")
    (settings.data_dir / "results.txt").write_text(text)
    return text


def learn(demo: Demo) -> str:
    """From files to an exported model; returns the evaluation's table."""
    with demo.step("the data: MovieLens-100k (GroupLens: research use, no redistribution; Harper & Konstan 2015)"):
        weeks = demo_data.prepare(SOURCE, demo.events)
        print(f"   its clock is moved by {weeks} weeks to end this week; every rating stands for a click")
    with demo.step("start the broker and the online store; backfill the first 80 % in time into Feast"):
        demo.system.start("broker")
        demo.system.start("online-store")
        create_topics(StreamSettings(broker=demo.system.settings.broker))
        demo.run("streaming.backfill", str(demo.events), "--until", str(demo_data.SHARE))
    with demo.step("snapshot: a point-in-time training set through Feast"):
        demo.run("training.snapshot")
    with demo.step("train: fine-tune the language model and the ranker on the clicks"):
        demo.run("training.train")
    with demo.step("evaluate: walk the last 20 % in time order, rank the whole catalogue for each next click"):
        evaluation = demo.run("training.evaluate", "--interactions", str(demo.events / "interactions.parquet"))
    with demo.step("export: ONNX, a model bundle, a version in Triton's repository"):
        demo.run("training.export")
    return evaluation


def watch(demo: Demo, probe: Probe, producer: EventProducer, findings: Findings) -> None:
    """Live events, and what rankings make of them."""
    settings, table = demo.system.settings, interactions(demo.events)
    live = table[len(cut(table, str(demo_data.SHARE))) :]
    with demo.step(f"replay the next {len(live):,} events live through Kafka, and kill the worker on the way"):
        replay(demo.system, list(messages(live, Interaction)), producer)
        expected = undisturbed(demo.events)
        stores = StoreSettings(data_dir=settings.data_dir, redis=settings.redis)
        findings.users, findings.differing = len(expected), differing(expected, stores)
        print(f"   {findings.users - len(findings.differing)} of {findings.users} users equal an undisturbed run")
    items = pd.read_parquet(demo.events / "items.parquet")
    with demo.step("five clicks of one user; freshness; latency"):
        findings.ranking = five_clicks(demo, probe, table, items)
        everything = items["item_id"].tolist()
        findings.freshness = freshness(probe, everything[:50], 200)
        findings.latency = latency(probe, live["user_id"].unique().tolist(), everything, 500)
    with demo.step("skew: what the model saw in these rankings, against Feast's history at those instants"):
        findings.skew = demo.run("training.skew").strip().splitlines()[-1]


def five_clicks(demo: Demo, probe: Probe, table: pd.DataFrame, items: pd.DataFrame) -> str:
    """One user's ten best unseen movies, before and after five clicks on a category the ranking neglected."""
    user_id = str(table["user_id"].iloc[-1])
    seen = set(table[table["user_id"] == user_id]["item_id"])
    unseen = [item_id for item_id in items["item_id"] if item_id not in seen]
    before = [entry["item_id"] for entry in probe.rank(user_id, unseen, k=10)]
    category, members = neglected_category(items, before)
    popularity = table["item_id"].value_counts()
    clickable = sorted(set(members) & set(unseen) - set(before), key=lambda item_id: -popularity.get(item_id, 0))
    clicked = clickable[:5]
    for item_id in clicked:
        probe.click(user_id, item_id)
    catch_up(demo.system)
    rest = [item_id for item_id in unseen if item_id not in clicked]
    after = [entry["item_id"] for entry in probe.rank(user_id, rest, k=10)]
    return side_by_side(user_id, category, clicked, before, after, items)


if __name__ == "__main__":
    main()
