"""Keys, their rates, and the command that makes them."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from serving.errors import KeysUnavailable, Unauthorized
from serving.keys.__main__ import main
from serving.keys.key import Key, Scope, digest, id_of, issue, same
from serving.keys.keyring import Keyring
from serving.keys.rate import take

RANKINGS = frozenset([Scope.READ_RANKINGS])


def a_key(text: str, **other: int) -> Key:
    return Key(id_of(text), "shop", digest(text), RANKINGS, 1, **other)


def test_a_new_key_is_like_no_other_and_carries_its_id() -> None:
    (one, text), (_, other) = issue(), issue()
    assert text != other and id_of(text) == one
    assert re.fullmatch(r"frk_[0-9a-f]{12}_[\w-]{43}", text)


@given(st.text())
def test_no_other_text_opens(text: str) -> None:
    known = a_key("frk_0123456789ab_secret")
    assert not same(known, text) and not same(None, text)
    assert same(known, "frk_0123456789ab_secret")


rates = st.floats(0.01, 1000)
waits = st.lists(st.floats(0, 10), min_size=1, max_size=100)


@given(rates, st.floats(1, 100), waits)
def test_never_more_pass_than_the_bucket_held_and_gained(per_second: float, burst: float, waits: list[float]) -> None:
    full_at, now, passed = 0.0, 1000.0, 0
    for wait in waits:
        now += wait
        full_at, left = take(full_at, now, per_second, burst)
        passed += left == 0
    assert passed <= burst + sum(waits[1:]) * per_second + 1e-6


@given(rates, st.floats(1, 100), waits)
def test_who_waits_as_long_as_told_passes(per_second: float, burst: float, waits: list[float]) -> None:
    full_at, now = 0.0, 1000.0
    for wait in waits:
        now += wait
        full_at, left = take(full_at, now, per_second, burst)
        if left:
            assert take(full_at, now + left + 1e-6, per_second, burst)[1] == 0


def test_a_keyring_follows_the_table_and_keeps_what_it_knew_while_the_table_is_away() -> None:
    text, keys, away = "frk_0123456789ab_secret", [a_key("frk_0123456789ab_secret")], True

    def read() -> list[Key]:
        if away:
            raise OperationalError("select", {}, Exception("gone"))
        return keys

    keyring = Keyring(read)
    asyncio.run(keyring.refresh())
    with pytest.raises(KeysUnavailable, match="cannot be read"):
        keyring.find(text)
    away = False
    asyncio.run(keyring.refresh())
    assert keyring.find(text) is keys[0]
    away = True
    asyncio.run(keyring.refresh())
    assert keyring.find(text) is keys[0] and asyncio.run(keyring.problem()) == ""
    away, keys = False, [a_key(text, revoked_at=5)]
    asyncio.run(keyring.refresh())
    with pytest.raises(Unauthorized):
        keyring.find(text)


def test_a_key_expires_without_being_read_again() -> None:
    soon = time.time_ns() // 1_000_000 + 60_000
    key = a_key("frk_0123456789ab_secret", expires_at=soon)
    assert key.in_force(soon - 1) and not key.in_force(soon)


def test_the_command_makes_lists_and_revokes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRESHRANK_DATA_DIR", str(tmp_path / "new"))
    main(["create", "shop", "--scopes", "write-events", "read-rankings", "--days", "1"])
    text = capsys.readouterr().out.strip()
    main(["list"])
    listed = capsys.readouterr().out
    assert id_of(text) in listed and "in force until" in listed and text not in listed
    main(["revoke", id_of(text)])
    main(["list"])
    assert "revoked" in capsys.readouterr().out
    main(["audit"])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["OUTCOME", *["asked", "done"] * 2]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["revoke", "nope"], "there is no key nope"),
        (["create", "shop", "--scopes", "everything"], "invalid choice: 'everything'"),
        (["create", "a\nb", "--scopes", "admin"], "1 to 100 printable characters"),
        (["create", "shop", "--scopes", "admin", "--days", "-1"], "does not lie between 0 and a million"),
    ],
)
def test_the_command_says_what_is_wrong(
    argv: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FRESHRANK_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as raised:
        main(argv)
    assert message in f"{raised.value} {capsys.readouterr().err}"


def test_a_database_that_is_away_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRESHRANK_REGISTRY", "sqlite:////nowhere/at/all.db")
    with pytest.raises(SystemExit, match="FRESHRANK_REGISTRY says where it is"):
        main(["list"])
