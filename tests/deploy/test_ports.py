"""Free and taken ports."""

import socket
import subprocess
import sys
from pathlib import Path

from deploy.laptop.ports import WIDTH, answers, claimed, free_environment, free_port, free_ports, port_problems
from deploy.laptop.settings import Address, settings_from


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert not any(answers(Address("127.0.0.1", port)) for port in ports)


def test_ports_are_neither_handed_out_twice_nor_taken_by_outgoing_connections() -> None:
    first, second = free_ports(5), free_ports(5)
    assert not set(first) & set(second)
    assert max(first + second) < 32_768


def test_two_processes_choose_different_ports() -> None:
    choose = "from deploy.laptop.ports import free_ports; print(*free_ports(5))"
    both = [subprocess.Popen([sys.executable, "-c", choose], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (set(process.communicate()[0].split()) for process in both)
    assert len(first) == len(second) == 5
    assert not first & second


def test_a_block_that_somebody_has_is_left_to_them() -> None:
    with claimed(17) as mine, claimed(17) as theirs:
        first, second = mine.getsockname()[1], theirs.getsockname()[1]
    assert first != second and (second - first) % WIDTH == 0


def test_a_taken_port_is_named_with_the_setting_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = Address(*taken.getsockname())
        [problem] = port_problems("broker", at, "BROKER")
        assert answers(at)
    assert problem.startswith(f"broker cannot listen on {at} (Address already in use): ")
    assert problem.endswith("set FRESHRANK_BROKER to another one.")


def test_a_free_port_is_no_problem() -> None:
    assert port_problems("broker", Address("127.0.0.1", free_port()), "BROKER") == []


def test_a_free_environment_is_understood_by_the_settings(tmp_path: Path) -> None:
    settings = settings_from(free_environment(tmp_path))
    assert settings.data_dir == tmp_path
    assert settings.model_repository == tmp_path / "triton_models"
