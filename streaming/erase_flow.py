"""Now and then: tasks of erasures -> their owners told, their stores searched, beside the stream."""

import asyncio
import logging

import faust
import pyarrow as pa

from streaming.erasing import Stores, carry_out, now, untold
from streaming.flow import Flow
from streaming.retry import TRANSIENT
from streaming.settings import StreamSettings

log = logging.getLogger(__name__)


def erase_every(stream: StreamSettings, app: faust.App, flow: Flow, stores: Stores) -> None:
    """Carry out what is to be forgotten every ``erase_every_s`` seconds."""

    @app.timer(interval=stream.erase_every_s)  # type: ignore[untyped-decorator]
    async def carry_out_erasures() -> None:
        try:
            tasks = await asyncio.to_thread(stores.erasures.tasks)
            await flow.tell(untold(tasks, now()))
            await asyncio.to_thread(carry_out, stores, tasks, stream.erase_again_s)
        except TRANSIENT as error:
            log.warning("what is to be forgotten waits for a store: %s", error)
        except pa.ArrowException as error:  # of a part that is broken, or is being written by a training
            log.error("what is to be forgotten waits for a parquet file that cannot be read: %s", error)
