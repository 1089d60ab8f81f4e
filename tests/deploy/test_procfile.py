"""The Procfile's names and command lines."""

import sys
from pathlib import Path

import pytest

from deploy.laptop.procfile import chosen, commands
from deploy.laptop.ready import READY

NAMES = ["broker", "online-store", "worker", "triton", "api"]


def test_every_process_has_a_command_and_a_way_to_ask_whether_it_is_ready() -> None:
    assert list(commands()) == NAMES
    assert set(READY) == set(NAMES)


def test_python_means_the_interpreter_that_runs_us(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("a: python -m some.module --option 'two words'\n\nb: other\n")
    expected = {"a": [sys.executable, "-u", "-m", "some.module", "--option", "two words"], "b": ["other"]}
    assert commands(procfile) == expected


def test_processes_are_chosen_by_name_and_keep_their_order() -> None:
    assert chosen([], []) == NAMES
    assert chosen(["api", "broker"], []) == ["broker", "api"]
    assert chosen([], ["api", "triton"]) == ["broker", "online-store", "worker"]


def test_an_unknown_process_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no process 'brokre' in the Procfile; there are broker, online-store"):
        chosen(["brokre"], [])
