"""Make, list and revoke API keys, and read the record of what admins did.

examples:
  python -m serving.keys create shop --scopes write-events read-rankings
  python -m serving.keys create prometheus --scopes read-metrics --days 365
  python -m serving.keys list
  python -m serving.keys revoke 3f9ab2c41d07
  python -m serving.keys audit --last 20

A new key is printed once and can be shown by nobody again: only its hash is kept, in the registry's database
(FRESHRANK_REGISTRY). The API reads the keys every five seconds, so it needs no restart.
"""

import argparse
import getpass
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from feature_repo.settings import StoreSettings
from serving.keys.key import Key, Scope, digest, issue
from serving.keys.tables import Action, Tables, open_tables

DAY_MS = 86_400_000


def create(tables: Tables, asked: argparse.Namespace) -> None:
    """Print a new key's text, the only time it can be."""
    now_ms = _now()
    key_id, text = issue()
    expires_at = now_ms + round(asked.days * DAY_MS) if asked.days else None
    scopes = frozenset(Scope(scope) for scope in asked.scopes)
    _record(tables, "keys create", key_id, "asked")
    tables.add(Key(key_id, asked.name, digest(text), scopes, now_ms, asked.per_second, expires_at))
    _record(tables, "keys create", key_id, "done")
    print(f"made the key {key_id} ({asked.name}); keep the next line, it is shown only now", file=sys.stderr)
    print(text)


def show(tables: Tables, asked: argparse.Namespace) -> None:
    """Print a line per key."""
    lines = [("ID", "NAME", "SCOPES", "PER SECOND", "MADE", "STATE"), *(_line(key) for key in tables.every_key())]
    _print_columns(lines)


def revoke(tables: Tables, asked: argparse.Namespace) -> None:
    """Shut a key out; one that is shut out stays so."""
    _record(tables, "keys revoke", asked.key_id, "asked")
    known = tables.revoke(asked.key_id, _now())
    _record(tables, "keys revoke", asked.key_id, "done" if known else "no such key")
    if not known:
        sys.exit(f"there is no key {asked.key_id}: `python -m serving.keys list` has their ids")
    print(f"revoked {asked.key_id}: within five seconds no API process takes it any more", file=sys.stderr)


def audit(tables: Tables, asked: argparse.Namespace) -> None:
    """Print the newest actions of admins."""
    actions = tables.actions(asked.last)
    head = ("AT", "WHO", "ACTION", "SUBJECT", "OUTCOME")
    _print_columns([head, *((_when(each.at), each.who, each.action, each.subject, each.outcome) for each in actions)])


def main(argv: Sequence[str] | None = None) -> None:
    """One command on the tables of the registry's database."""
    asked = _parser().parse_args(argv)
    tables = open_tables(StoreSettings())
    try:
        asked.command(tables, asked)
    except SQLAlchemyError as error:
        sys.exit(f"the registry's database cannot be used (FRESHRANK_REGISTRY says where it is): {error}")
    finally:
        tables.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.keys", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="create | list | revoke | audit")
    making = commands.add_parser("create", help="make a key and print it")
    making.add_argument("name", type=_name, help="who will use it")
    making.add_argument(
        "--scopes", nargs="+", required=True, choices=list(map(str, Scope)), metavar="SCOPE", help=_SCOPES
    )
    making.add_argument("--per-second", type=_positive, help="requests of one API process (FRESHRANK_RATE_LIMIT)")
    making.add_argument("--days", type=_positive, help="until it expires; for ever, where left out")
    making.set_defaults(command=create)
    commands.add_parser("list", help="show every key, not its text").set_defaults(command=show)
    revoking = commands.add_parser("revoke", help="shut a key out")
    revoking.add_argument("key_id", help="as `list` shows it")
    revoking.set_defaults(command=revoke)
    reading = commands.add_parser("audit", help="show what admins did")
    reading.add_argument("--last", type=int, default=100, help="how many actions (100)")
    reading.set_defaults(command=audit)
    return parser


_SCOPES = f"one or more of {', '.join(Scope)}; admin is good for everything"


def _name(text: str) -> str:
    if not text.isprintable() or not 0 < len(text) <= 100:
        raise argparse.ArgumentTypeError("a name has 1 to 100 printable characters")
    return text


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and a million")
    return number


def _line(key: Key) -> tuple[str, ...]:
    rate = f"{key.per_second:g}" if key.per_second else "-"
    return key.key_id, key.name, " ".join(sorted(key.scopes)), rate, _when(key.created_at), _state(key)


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {_when(key.revoked_at)}"
    if key.expires_at is None:
        return "in force"
    return f"{'in force until' if key.in_force(_now()) else 'expired'} {_when(key.expires_at)}"


def _print_columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _record(tables: Tables, action: str, subject: str, outcome: str) -> None:
    tables.record(Action(_now(), f"cli:{getpass.getuser()}", action, subject, outcome))


def _when(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _now() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
