"""docker-compose.yml: valid, and the same system as the Procfile."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.laptop.procfile import commands
from deploy.laptop.settings import ROOT, LaptopSettings
from feature_repo.settings import StoreSettings
from serving.settings import ServingSettings
from streaming.settings import StreamSettings

SETTINGS = (LaptopSettings, StoreSettings, StreamSettings, ServingSettings)
TEXTS = ("docker-compose.yml", ".env.example")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())  # type: ignore[no-any-return]


def compose_schema() -> dict[str, Any]:
    """The compose specification's JSON schema, as the package check-jsonschema carries it."""
    path = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    found = Path(str(distribution("check-jsonschema").locate_file(path)))
    return json.loads(found.read_text())  # type: ignore[no-any-return]


def test_the_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    checker = jsonschema.Draft7Validator(compose_schema())
    assert [error.message for error in checker.iter_errors(compose)] == []


def test_every_process_of_the_procfile_is_a_service(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == set(commands()) | {"postgres", "apply"}


def test_our_own_services_run_the_procfiles_commands(compose: dict[str, Any]) -> None:
    for name in ("worker", "api"):
        assert compose["services"][name]["command"][1:] == commands()[name][2:]


@pytest.mark.parametrize("name", TEXTS)
def test_every_setting_named_exists(name: str) -> None:
    known = {f"FRESHRANK_{field}".upper() for settings in SETTINGS for field in settings.model_fields}
    assert set(re.findall(r"FRESHRANK_[A-Z_]+", (ROOT / name).read_text())) - known == set()


def test_every_variable_the_compose_file_needs_is_in_the_example() -> None:
    needed = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    offered = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert needed == set(offered)
    assert not any(offered.values()), "a committed example holds no secret"


def test_ports_are_published_on_the_loopback_address_only(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_services_wait_for_the_health_of_what_they_need(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, needed in service.get("depends_on", {}).items():
            healthy = needed["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in compose["services"][name]
            assert healthy or name in ("apply", "triton")
