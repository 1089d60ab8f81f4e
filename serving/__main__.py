"""The ranking API: rankings, events in, health, metrics; /docs describes it.

examples:
  python -m serving
  FRESHRANK_API_PORT=8081 python -m serving
  curl -s localhost:8080/v1/rank -d '{"user_id": "7", "items": ["50", "181"]}'
"""

import argparse
import gc
import logging
import sys
from functools import partial

import uvicorn

from feature_repo.garbage import collect_seldom
from feature_repo.settings import StoreSettings
from serving.app import create_app
from serving.connection import Connection
from serving.keys.opened import open_gate
from serving.neighbours import open_neighbours
from serving.settings import ServingSettings
from serving.slate.surfaces import DEFAULT, InvalidSurfaces, load


def main() -> None:
    """Serve until a signal ends it."""
    argparse.ArgumentParser(
        prog="python -m serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it repeats every failed connection; we report our own
    settings = ServingSettings()
    stores = StoreSettings()
    try:
        load(settings.slate or DEFAULT)
    except InvalidSurfaces as error:
        sys.exit(f"the stages of slates cannot be read: {error}")
    app = create_app(settings, partial(open_neighbours, settings, stores), partial(open_gate, settings, stores))
    collect_seldom()
    gc.collect()
    gc.freeze()  # what the imports made stays: collections in the midst of a ranking need not look at it
    uvicorn.run(
        app,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop",
        http=partial(Connection, patience=settings.read_timeout_ms / 1000),  # type: ignore[arg-type]
        ws="none",
        server_header=False,
        proxy_headers=False,  # nothing here looks at who is on the other side
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
