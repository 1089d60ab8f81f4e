"""Procfile -> process name -> command line."""

import shlex
import sys
from pathlib import Path

from deploy.laptop.settings import ROOT


def commands(procfile: Path = ROOT / "Procfile") -> dict[str, list[str]]:
    """Process name -> command line; `python` is the interpreter that reads this."""
    lines = (line.partition(":") for line in procfile.read_text().splitlines() if ":" in line)
    return {name.strip(): _command(text) for name, _, text in lines}


def chosen(only: list[str], without: list[str]) -> list[str]:
    """The Procfile's names kept by the two options, in its order; raises ValueError on an unknown name."""
    known = list(commands())
    if unknown := [name for name in [*only, *without] if name not in known]:
        raise ValueError(f"no process '{unknown[0]}' in the Procfile; there are {', '.join(known)}.")
    return [name for name in known if (not only or name in only) and name not in without]


def _command(text: str) -> list[str]:
    program, *arguments = shlex.split(text)
    return [sys.executable, "-u", *arguments] if program == "python" else [program, *arguments]
