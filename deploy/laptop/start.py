"""checks -> this process becomes the program, so signals reach it directly."""

import argparse
import os
import sys
from typing import NoReturn


def become(command: list[str]) -> NoReturn:
    """Replace this process by the program; raises OSError if it cannot be executed."""
    sys.stdout.flush()
    os.execvp(command[0], command)


def refuse(problems: list[str]) -> None:
    """Exit with code 1 and one sentence per problem, if there are any."""
    if problems:
        sys.exit("\n".join(problems))


def parser(module: str, text: str | None) -> argparse.ArgumentParser:
    """The command line of `python -m <module>`, whose help is the module's docstring."""
    return argparse.ArgumentParser(
        prog=f"python -m {module}", description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
