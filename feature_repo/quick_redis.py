"""Single commands to Redis over redis-py's asynchronous connections, without what its client does around each.

The client looks for answers that cannot be there, sends from a task of its own so that sending can be given up, and
counts: half of what a command takes, and three turns of the event loop before the question leaves, in which a
ranking's other work comes first. Whoever asks here bounds the waiting, and counts.
"""

from typing import Any

import hiredis
from redis.exceptions import ConnectionError


class QuickRedis:
    """Connections as a client's pool makes them, as many as are needed at once, used by one event loop."""

    def __init__(self, client: Any) -> None:
        pool = client.connection_pool
        self._kind, self._options = pool.connection_class, pool.connection_kwargs | {"socket_timeout": None}
        self._free: list[Any] = []

    async def ask(self, *command: bytes) -> Any:
        """The answer to a command that changes nothing. Raises RedisError, OSError."""
        connection, packed = self._free.pop() if self._free else self._kind(**self._options), _packed(command)
        used = connection.is_connected
        try:
            try:
                return await _answer(connection, packed)
            except ConnectionError:
                if not used:
                    raise
                return await _answer(connection, packed)  # the server had closed it since: over a new one
        finally:
            self._free.append(connection)

    async def close(self) -> None:
        """Close what is open; a question may come after that."""
        while self._free:
            await self._free.pop().disconnect()


async def _answer(connection: Any, packed: bytes) -> Any:
    """Connects where it has to; what breaks or is given up disconnects."""
    await connection.send_packed_command(packed, check_health=False)
    return await connection.read_response()


def _packed(command: Any) -> bytes:
    packed: bytes = hiredis.pack_command(command)
    return packed
