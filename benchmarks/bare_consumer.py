"""The floor of the stream benchmark: a Faust worker that only counts what it reads.

python -m benchmarks.bare_consumer N FILE      writes the seconds from the first to the N-th event to FILE
"""

import logging
import sys
import time
from pathlib import Path

import faust
from faust.types import StreamT

from feature_repo.garbage import collect_seldom
from feature_repo.settings import StoreSettings
from streaming.events import TOPIC_INTERACTIONS
from streaming.settings import StreamSettings


def bare_app(count: int, report: Path) -> faust.App:
    """Faust as released, whose one agent is ``async for value in stream``."""
    settings, data = StreamSettings(), StoreSettings().data_dir
    app = faust.App(
        "bare",
        broker=f"kafka://{settings.broker}",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        datadir=str(data.resolve() / "bare-consumer"),
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 3,
    )
    topic = app.topic(TOPIC_INTERACTIONS, key_serializer="raw", value_serializer="raw")

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def count_events(interactions: StreamT[bytes]) -> None:
        seen, started = 0, 0.0
        async for _ in interactions:
            started = started or time.perf_counter()
            seen += 1
            if seen == count:
                write(report, time.perf_counter() - started)

    return app


def write(report: Path, seconds: float) -> None:
    report.write_text(str(seconds))


def main() -> None:
    app = bare_app(int(sys.argv[1]), Path(sys.argv[2]))
    collect_seldom()
    faust.Worker(app, loglevel=logging.WARNING, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
