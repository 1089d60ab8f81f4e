"""Logs on the terminal."""

from pathlib import Path

import pytest

from deploy.laptop.follow import Follower, Followers


def test_only_whole_new_lines_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("old\n")
    follower = Follower(log)
    with log.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert list(follower.lines()) == ["one"]
        file.write("o\n")
    assert list(follower.lines()) == ["two"]
    assert list(follower.lines()) == []


def test_each_line_carries_its_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = {name: tmp_path / name for name in ("broker", "api")}
    followers = Followers(logs)
    logs["api"].write_text("hello\n")
    logs["broker"].write_text("ready\n")
    followers.show()
    assert capsys.readouterr().out == "broker | ready\napi    | hello\n"
