"""Check a file of surfaces, and print the stages of each as they will run.

examples:
  python -m serving.slate
  python -m serving.slate my-slate.yaml && FRESHRANK_SLATE=my-slate.yaml python -m serving
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from serving.slate.slate import Stage
from serving.slate.surfaces import DEFAULT, InvalidSurfaces, load


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m serving.slate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", default=DEFAULT, help="YAML (serving/slate.yaml)")
    try:
        surfaces = load(parser.parse_args(arguments).file).surfaces
    except InvalidSurfaces as error:
        sys.exit(str(error))
    for name, stages in surfaces.items():
        print(name)
        for stage in stages:
            print(f"  {said(stage)}")


def said(stage: Stage) -> str:
    """A stage with all of its settings, in one line."""
    settings = msgspec.to_builtins(stage)
    tag = settings.pop("stage")
    return f"{tag} {msgspec.json.encode(settings).decode()}" if settings else tag


if __name__ == "__main__":
    main()
