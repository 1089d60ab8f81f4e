"""process name -> does it answer? One question per neighbour, asked on its own port."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable

from deploy.laptop.ports import answers
from deploy.laptop.settings import LaptopSettings, address, password


def broker_ready(settings: LaptopSettings) -> bool:
    """Whether the broker accepts connections."""
    return answers(address(settings.broker))


def online_store_ready(settings: LaptopSettings) -> bool:
    """Whether the online store answers a PING, so its append-only file is read."""
    secret = password(settings.redis)
    hello = f"AUTH {secret}\r\nPING\r\n" if secret else "PING\r\n"
    try:
        with socket.create_connection(address(settings.redis), timeout=1) as store:
            store.sendall(hello.encode())
            return b"+PONG" in store.recv(256) or b"+PONG" in store.recv(256)
    except OSError:
        return False


def triton_ready(settings: LaptopSettings) -> bool:
    """Whether Triton's gRPC port answers; it opens when the models present at start are loaded."""
    from tritonclient.grpc import InferenceServerClient, InferenceServerException

    if not answers(address(settings.triton)):
        return False
    client = InferenceServerClient(str(address(settings.triton)))
    try:
        return bool(client.is_server_live(client_timeout=2))
    except InferenceServerException:
        return False
    finally:
        client.close()


def api_ready(settings: LaptopSettings) -> bool:
    """Whether the API answers GET /health/live."""
    url = f"http://{settings.api_host}:{settings.api_port}/health/live"
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


READY: dict[str, Callable[[LaptopSettings], bool]] = {
    "broker": broker_ready,
    "online-store": online_store_ready,
    "worker": lambda settings: True,  # it listens nowhere; its output is its sign of life
    "triton": triton_ready,
    "api": api_ready,
}
