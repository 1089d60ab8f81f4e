"""A real API with keys on: a new key opens it, a revoked one no longer, and all of it is on record."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deploy.laptop.ports import free_environment
from deploy.laptop.system import System, running
from feature_repo.settings import StoreSettings
from serving.keys.key import id_of
from serving.keys.tables import open_tables
from tests.serving.live import eventually

pytestmark = pytest.mark.process


def delete_item(system: System, key: str = "") -> int:
    """The status of an action of admins; no broker is there, so 503 is as far as it gets."""
    url = f"http://{system.settings.api_host}:{system.settings.api_port}/v1/items/a"
    request = urllib.request.Request(url, method="DELETE", headers={"authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def keys(environment: dict[str, str], *arguments: str) -> str:
    """What ``python -m serving.keys`` prints."""
    command = [sys.executable, "-W", "ignore", "-m", "serving.keys", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_a_new_key_opens_the_api_and_a_revoked_one_does_not(tmp_path: Path) -> None:
    environment = free_environment(tmp_path) | {
        "FRESHRANK_API_KEYS": "true",
        "FRESHRANK_BROKER_TIMEOUT_MS": "200",
    }
    with running(environment, ["api"]) as system:
        assert delete_item(system) == delete_item(system, "frk_0123456789ab_guess") == 401
        key = keys(environment, "create", "ops", "--scopes", "admin")
        eventually(lambda: delete_item(system, key) == 503)
        keys(environment, "revoke", id_of(key))
        eventually(lambda: delete_item(system, key) == 401)
        assert "API keys are on" in system.tail("api", 1000) and key not in system.tail("api", 1000)
    tables = open_tables(StoreSettings(data_dir=tmp_path))
    actions = [(each.action, each.subject, each.outcome) for each in tables.actions(100)]
    tables.close()
    assert actions[:2] == [("keys create", id_of(key), "asked"), ("keys create", id_of(key), "done")]
    assert ("DELETE /v1/items/{item_id}", "a", "asked") in actions and ("keys revoke", id_of(key), "done") in actions
