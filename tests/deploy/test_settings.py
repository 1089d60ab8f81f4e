"""Addresses and where settings come from."""

from pathlib import Path

import pytest

from deploy.laptop.settings import Address, LaptopSettings, address, password, settings_from


def test_an_address_is_a_host_and_a_port() -> None:
    assert address("127.0.0.1:9092") == Address("127.0.0.1", 9092)


def test_options_after_the_address_are_not_part_of_it() -> None:
    assert address("store:6379,password=secret,ssl=true") == Address("store", 6379)


@pytest.mark.parametrize("text", ["", "9092", "host:", "host:http", ":9092"])
def test_what_is_no_address_is_named_in_the_error(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is no address: write host:port"):
        address(text)


def test_the_password_is_read_from_the_connection_string() -> None:
    assert password("store:6379,ssl=true,password=secret") == "secret"
    assert password("store:6379") is None


def test_given_variables_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHRANK_BROKER", "elsewhere:1")
    monkeypatch.setenv("FRESHRANK_API_PORT", "1234")
    settings = settings_from({"FRESHRANK_BROKER": "here:2", "FRESHRANK_DATA_DIR": "/tmp/there"})
    assert (settings.broker, settings.api_port, settings.data_dir) == ("here:2", 1234, Path("/tmp/there"))


def test_everything_listens_on_the_loopback_address_unless_told_otherwise() -> None:
    settings = LaptopSettings()
    addresses = [settings.broker, settings.redis, settings.triton, f"{settings.api_host}:{settings.api_port}"]
    assert {address(text).host for text in addresses} == {"127.0.0.1"}
