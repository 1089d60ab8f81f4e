"""log files -> their new lines on the terminal, each with its process's name before it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

COLOURS = (36, 33, 32, 35, 34)


class Follower:
    """A log file held open at the place printed last."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.file: TextIO = path.open(errors="replace")
        self.file.seek(0, 2)
        self.rest = ""

    def lines(self) -> Iterator[str]:
        """The whole lines written since the last call."""
        *whole, self.rest = (self.rest + self.file.read()).split("\n")
        yield from whole


class Followers:
    """The logs of several processes, printed side by side."""

    def __init__(self, logs: dict[str, Path]) -> None:
        self.followers = {name: Follower(path) for name, path in logs.items()}
        self.width = max(map(len, [*logs, "up"]))

    def show(self) -> None:
        """Print what the processes have written since the last call."""
        for place, (name, follower) in enumerate(self.followers.items()):
            for line in follower.lines():
                self.say(line, name, COLOURS[place % len(COLOURS)])

    def say(self, line: str, name: str = "up", colour: int = 1) -> None:
        """Print one line under a name."""
        lead = f"{name:<{self.width}} |"
        print(f"\033[{colour}m{lead}\033[0m {line}" if sys.stdout.isatty() else f"{lead} {line}", flush=True)
