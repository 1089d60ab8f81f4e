"""Real processes: the broker, the online store, `up` and `down`."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.laptop import pidfile
from deploy.laptop.ports import answers, free_environment
from deploy.laptop.settings import address, settings_from
from deploy.laptop.system import NotReady, System, bury, running
from deploy.laptop.up import record

pytestmark = pytest.mark.process
STORES = ["broker", "online-store"]


def say(system: System, *commands: str) -> str:
    """Send the online store inline commands and return its answers."""
    with socket.create_connection(address(system.settings.redis)) as store, store.makefile("rw") as lines:
        for command in commands:
            lines.write(f"{command}\r\n")
            lines.flush()
            answer = lines.readline().strip()
            if answer.startswith("$") and answer != "$-1":
                answer = lines.readline().strip()
    return answer


def run(environment: dict[str, str], module: str, *arguments: str) -> subprocess.Popen[str]:
    assignments = [f"{name}={value}" for name, value in environment.items()]
    command = ["env", *assignments, sys.executable, "-u", "-m", f"deploy.laptop.{module}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


def until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"ended before saying '{words}'")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return free_environment(tmp_path)


@pytest.fixture
def up(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`up` with the broker and the online store, ready."""
    with run(environment, "up", "--only", ",".join(STORES), "--keep-going") as process:
        until(process, "Ctrl-C or `make down` stops everything")
        yield process
        process.send_signal(signal.SIGTERM)


def test_what_was_written_survives_the_death_of_the_online_store(environment: dict[str, str]) -> None:
    with running(environment, ["online-store"]) as system:
        assert say(system, "SET feature 42") == "+OK"
        assert say(system, "WAITAOF 1 0 5000") == "*2"  # on disk now
        assert system.kill("online-store") == -signal.SIGKILL
        system.start("online-store")
        assert say(system, "GET feature") == "42"


def test_the_online_store_asks_for_the_password_of_the_settings(environment: dict[str, str]) -> None:
    environment["FRESHRANK_REDIS"] += ",password=secret"
    with running(environment, ["online-store"]) as system:
        assert say(system, "GET feature").startswith("-NOAUTH")
        assert say(system, "AUTH secret", "GET feature") == "$-1"
        assert (system.settings.data_dir / "online-store/valkey.conf").stat().st_mode & 0o077 == 0


def test_processes_end_with_the_block(environment: dict[str, str]) -> None:
    with running(environment, STORES) as system:
        processes = dict(system.processes)
        assert all(process.poll() is None for process in processes.values())
    assert [process.returncode for process in processes.values()] == [0, 0]
    assert not answers(address(system.settings.broker))


def test_what_a_killed_process_leaves_behind_is_killed_as_well() -> None:
    script = "sleep 600 & echo $!; kill -9 $$"
    killed = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert killed.stdout
    left = int(killed.stdout.readline())
    killed.wait()
    os.kill(left, 0)  # it runs
    bury(killed)
    assert killed.stdout.read() == b""  # which its end lets come to an end
    killed.stdout.close()
    bury(killed)  # nothing is left: no harm done


def test_a_process_that_cannot_start_says_why(environment: dict[str, str]) -> None:
    environment["FRESHRANK_TRITON_PYTHON"] = "/nowhere/python"
    refused = pytest.raises(NotReady, match=r"(?s)triton exited with code 1 .*no working Python at /nowhere/python")
    with refused, running(environment, ["broker", "triton"]):
        raise AssertionError("this system cannot be ready")
    assert not answers(address(environment["FRESHRANK_BROKER"]))


def test_a_port_in_use_stops_up_before_it_starts_anything(environment: dict[str, str]) -> None:
    with running(environment, ["broker"]) as system:
        code, output = finished(run(environment, "up", "--only", "broker,online-store"))
        assert not answers(address(system.settings.redis))
    assert code == 1
    assert output.count("\n") == 1
    assert f"broker cannot listen on {environment['FRESHRANK_BROKER']} (Address already in use)" in output


def test_down_stops_what_up_started(up: subprocess.Popen[str], environment: dict[str, str]) -> None:
    settings = settings_from(environment)
    assert answers(address(settings.broker)) and answers(address(settings.redis))
    assert finished(run(environment, "down")) == (0, "stopped up, broker, online-store\n")
    assert up.wait(timeout=10) == 0
    assert not answers(address(settings.broker)) and not answers(address(settings.redis))
    assert finished(run(environment, "down")) == (0, "nothing is running\n")


def test_a_second_up_is_refused(up: subprocess.Popen[str], environment: dict[str, str]) -> None:
    code, output = finished(run(environment, "up", "--only", "broker"))
    assert code == 1
    assert output.startswith("up runs already (pid ")


def test_down_stops_what_a_killed_up_left_behind(up: subprocess.Popen[str], environment: dict[str, str]) -> None:
    up.kill()
    up.wait()
    assert finished(run(environment, "down")) == (0, "stopped broker, online-store\n")
    assert not answers(address(environment["FRESHRANK_BROKER"]))


def test_down_stops_a_demo_that_was_left_running(environment: dict[str, str], tmp_path: Path) -> None:
    with running(environment | {"FRESHRANK_DATA_DIR": str(tmp_path / "demo")}, ["online-store"]) as system:
        pidfile.write(record(system.settings), {"online-store": system.pid("online-store")})
        assert finished(run(environment, "down")) == (0, "stopped online-store\n")
        assert not answers(address(system.settings.redis))


def test_up_keeps_going_when_asked_and_names_the_dead(up: subprocess.Popen[str], environment: dict[str, str]) -> None:
    os.kill(pidfile.alive(record(settings_from(environment)))["broker"], signal.SIGKILL)
    until(up, "broker ended with signal SIGKILL")
    assert answers(address(environment["FRESHRANK_REDIS"]))


def test_the_death_of_one_process_stops_the_others(environment: dict[str, str]) -> None:
    with run(environment, "up", "--only", ",".join(STORES)) as process:
        until(process, "Ctrl-C or `make down` stops everything")
        os.kill(pidfile.alive(record(settings_from(environment)))["online-store"], signal.SIGTERM)
        code, output = finished(process)
    assert code == 1
    assert "online-store ended with exit code 0" in output
    assert not answers(address(environment["FRESHRANK_BROKER"]))
