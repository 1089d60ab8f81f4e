"""TCP ports: which are free, who answers, what to say when one is taken."""

import os
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path

from deploy.laptop.settings import LOOPBACK, PREFIX, Address

BEGIN, BLOCKS, WIDTH = 10_240, 40, 512


def free_ports(count: int) -> list[int]:
    """Different TCP ports of the loopback address that nobody listens on now.

    Each process goes through a block of its own, so that two test runs do not choose the same port; all of them are
    below 32,768, where systems begin to number outgoing connections.
    """
    return list(islice(filter(_free, _own()[1]), count))


@cache
def _own() -> tuple[socket.socket, Iterator[int]]:
    """The block of this process, which its listening on the first port keeps from others, and the ports after it."""
    claim = claimed(os.getpid())
    first = claim.getsockname()[1]
    return claim, cycle(range(first + 1, first + WIDTH))


def claimed(number: int) -> socket.socket:
    """The first port of the block of this number, or of the next that nobody has. Raises OSError."""
    for turn in range(BLOCKS):
        try:
            return socket.create_server((LOOPBACK, BEGIN + (number + turn) % BLOCKS * WIDTH))
        except OSError:
            continue
    raise OSError(f"all {BLOCKS} blocks of ports from {BEGIN} on are taken: do processes hang?")


def _free(port: int) -> bool:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    return free_ports(1)[0]


def free_environment(data_dir: Path) -> dict[str, str]:
    """FRESHRANK_* variables of a system of its own: free ports, its own data directory."""
    broker, redis, triton, metrics, api, worker_metrics = free_ports(6)
    return {
        f"{PREFIX}DATA_DIR": str(data_dir.absolute()),
        f"{PREFIX}BROKER": f"{LOOPBACK}:{broker}",
        f"{PREFIX}REDIS": f"{LOOPBACK}:{redis}",
        f"{PREFIX}TRITON": f"{LOOPBACK}:{triton}",
        f"{PREFIX}TRITON_METRICS_PORT": str(metrics),
        f"{PREFIX}WORKER_METRICS_PORT": str(worker_metrics),
        f"{PREFIX}API_HOST": LOOPBACK,
        f"{PREFIX}API_PORT": str(api),
        f"{PREFIX}MODEL_REPOSITORY": str((data_dir / "triton_models").absolute()),
        f"{PREFIX}BUNDLES": str((data_dir / "bundles").absolute()),
    }


def answers(at: Address) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection(at, timeout=1).close()
    except OSError:
        return False
    return True


def port_problems(process: str, at: Address, setting: str) -> list[str]:
    """One sentence if the process cannot listen there, else nothing."""
    try:
        socket.create_server(at).close()
    except OSError as reason:
        return [
            f"{process} cannot listen on {at} ({os.strerror(reason.errno or 0)}): "
            f"stop what uses that port (`make down`?) or set {PREFIX}{setting} to another one."
        ]
    return []
