"""redis-py's asynchronous client, without what makes a command wait for turns of the event loop before it leaves.

As it is, a command first tries to read what cannot be there, within no time, and is then sent from a task of its own,
so that it can be given up: three turns, in which a ranking's other work comes first, and a fifth of what a read takes.
"""

from typing import Any

from redis.asyncio.connection import AbstractConnection


def quick(client: Any) -> Any:
    """The same client, before its first command; whoever asks it bounds the time that an answer may take."""
    pool = client.connection_pool
    pool.connection_class = _attentive(pool.connection_class)
    pool.connection_kwargs["socket_timeout"] = None
    return client


def _attentive(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    class Attentive(kind):  # type: ignore[misc]
        async def can_read_destructive(self) -> bool:
            """Whether the server has closed the connection, which the event loop notices; the pool opens another."""
            return bool(self._reader.at_eof())

    return Attentive
