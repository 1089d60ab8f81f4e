"""TCP ports: which are free, who answers, what to say when one is taken."""

import os
import socket
from itertools import cycle, islice
from pathlib import Path

from deploy.laptop.settings import LOOPBACK, PREFIX, Address

BLOCKS, WIDTH = 40, 512
_begin = 10_240 + os.getpid() % BLOCKS * WIDTH
_own = cycle(range(_begin, _begin + WIDTH))


def free_ports(count: int) -> list[int]:
    """Different TCP ports of the loopback address that nobody listens on now.

    Each process goes through a block of its own, so that two test runs do not choose the same port; all of them are
    below 32,768, where systems begin to number outgoing connections.
    """
    return list(islice(filter(_free, _own), count))


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
