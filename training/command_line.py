"""A command's name, what it does and examples -> the parser of its flags, whose --help keeps their lines."""

import argparse


def command(name: str, about: str | None, examples: str, **more: str) -> argparse.ArgumentParser:
    """A parser for ``python -m training.<name>``; ``more`` goes to argparse."""
    return argparse.ArgumentParser(
        f"python -m training.{name}",
        description=about,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **more,  # type: ignore[arg-type]
    )
