"""Chaos: a real broker, a real Redis and several workers, while things go wrong; then every row is compared.

python -m tests.chaos                       100,000 events; prints progress and a summary; exit code 1 if a row differs
python -m tests.chaos --seed 7              the same harm in the same order (the moments depend on the machine)
python -m tests.chaos --events 5000 --rate 500 --workers 2
"""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

import kafka  # noqa: F401  (before feast, which turns on the warnings of whatever is imported after it)

from tests.chaos.plan import draw
from tests.chaos.run import Storm, run, say, summary
from tests.chaos.upheaval import drawn


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=5_000)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=800, help="events sent a second")
    parser.add_argument("--seed", type=int, help="drawn and printed where it is not given")
    parser.add_argument("--keep", type=Path, help="a folder for logs and stores that stays; else a temporary one")
    options = parser.parse_args()
    plan = draw(options.seed or secrets.randbelow(10**6), options.events, options.users, options.items)
    say(f"seed {plan.seed}: {len(plan.sent):,} messages to {options.workers} workers")
    with tempfile.TemporaryDirectory(prefix="freshrank-chaos-") as folder:
        storm = Storm(options.workers, options.rate, (2, 7), drawn(plan.seed))
        report = run(plan, options.keep or Path(folder), storm, say)
    print(summary(report))
    sys.exit(1 if report.differences else 0)


if __name__ == "__main__":
    main()
