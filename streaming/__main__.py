"""The stream's worker.

python -m streaming worker            keep Feast current until Ctrl-C
FRESHRANK_BROKER=kafka:9092 python -m streaming worker
"""

import argparse
import asyncio
import logging
import sys

import faust
import kafka  # noqa: F401  (before feast, which turns on the deprecation warnings of whatever is imported after it)

from feature_repo.garbage import collect_seldom
from feature_repo.settings import StoreSettings
from streaming.app import create_app
from streaming.broker import BrokerAway, create_topics
from streaming.compaction import compact
from streaming.metrics import Metrics
from streaming.settings import StreamSettings

log = logging.getLogger("streaming")


def work() -> None:
    """Run a worker until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.ERROR)
    stream, stores = StreamSettings(), StoreSettings()
    try:
        topic_ids = create_topics(stream)
    except BrokerAway as error:
        sys.exit(f"worker: {error}")
    metrics = Metrics()
    app = create_app(stream, stores, topic_ids, metrics)
    if stream.worker_metrics_port:
        metrics.serve(stream)
    if stream.compact_every_s and stores.offline_store == "duckdb":
        compact_every(stream.compact_every_s, app, stores)
    collect_seldom()
    log.info("worker: %s -> Feast (redis %s, log %s)", stream.broker, stores.redis.split(",")[0], stores.data_dir)
    worker = faust.Worker(app, loglevel=logging.WARNING, redirect_stdouts=False)
    worker.spinner = None  # a log file is no terminal
    worker.execute_from_commandline()


def compact_every(seconds: float, app: faust.App, stores: StoreSettings) -> None:
    """Merge small parts of the offline log now and then, beside the stream."""
    folder = stores.data_dir.resolve() / "offline"

    @app.timer(interval=seconds)  # type: ignore[untyped-decorator]
    async def merge_small_parts() -> None:
        merged = await asyncio.to_thread(compact, folder)
        if merged:
            log.info("%d small parts of %s merged", merged, folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m streaming", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["worker"])
    parser.parse_args()
    work()


if __name__ == "__main__":
    main()
