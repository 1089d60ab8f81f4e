"""Now and then: tasks of erasures -> their owners told, their stores searched, beside the stream."""

import asyncio
import logging
from collections.abc import Sequence

import faust
import pyarrow as pa

from streaming.erasing import Stores, carry_out, now, untold
from streaming.flow import Flow
from streaming.forget import ForgetVisits
from streaming.owners import PATIENCE_S, OwnersSilent, Tell
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
            await asyncio.to_thread(carry_out, stores, tasks, stream.erase_again_s, _tell(flow))
        except OwnersSilent as error:
            log.warning("what is to be forgotten waits for the stream: %s", error)
        except TRANSIENT as error:
            log.warning("what is to be forgotten waits for a store: %s", error)
        except pa.ArrowException as error:  # of a part that is broken, or is being written by a training
            log.error("what is to be forgotten waits for a parquet file that cannot be read: %s", error)


def _tell(flow: Flow) -> Tell:
    """How a thread beside the running loop tells the owners of users' rows."""
    loop = asyncio.get_running_loop()

    def tell(messages: Sequence[ForgetVisits]) -> None:
        try:
            asyncio.run_coroutine_threadsafe(flow.hand_over(messages), loop).result(PATIENCE_S)
        except TimeoutError as error:
            raise OwnersSilent(f"the broker has not taken {len(messages)} messages to owners of rows") from error

    return tell
