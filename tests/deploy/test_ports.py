"""Free and taken ports."""

import socket
from pathlib import Path

from deploy.laptop.ports import answers, free_environment, free_port, free_ports, port_problems
from deploy.laptop.settings import Address, settings_from


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert not any(answers(Address("127.0.0.1", port)) for port in ports)


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
