"""Who runs, according to `<data>/up.pid`."""

import os
import subprocess
from pathlib import Path

from deploy.laptop import pidfile
from deploy.laptop.down import stop


def test_a_recorded_process_is_alive_until_it_ends(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        pidfile.write(tmp_path / "up.pid", {"us": os.getpid(), "other": process.pid})
        assert pidfile.alive(tmp_path / "up.pid") == {"us": os.getpid(), "other": process.pid}
        process.kill()
        process.wait()
        assert pidfile.alive(tmp_path / "up.pid") == {"us": os.getpid()}


def test_another_process_with_the_same_id_is_not_mistaken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "up.pid").write_text(f"up {os.getpid()} 12345\n")
    assert pidfile.alive(tmp_path / "up.pid") == {}
    assert stop(tmp_path / "up.pid") == []
    assert not (tmp_path / "up.pid").exists()


def test_without_a_file_nothing_runs(tmp_path: Path) -> None:
    assert pidfile.alive(tmp_path / "up.pid") == {}
    assert stop(tmp_path / "up.pid") == []


def test_what_an_ended_up_left_behind_is_stopped(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as orphan:
        pidfile.write(tmp_path / "up.pid", {"broker": orphan.pid})
        assert stop(tmp_path / "up.pid") == ["broker"]
        assert orphan.wait() == -15
