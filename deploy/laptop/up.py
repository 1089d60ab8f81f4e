"""Run the Procfile: checks first, then every process, their logs side by side, until Ctrl-C or `make down`.

examples:
  python -m deploy.laptop.up
  python -m deploy.laptop.up --only broker,online-store
  python -m deploy.laptop.up --without api
  python -m deploy.laptop.up --keep-going    a process that dies is reported; the others go on
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.laptop import broker, online_store, pidfile, triton
from deploy.laptop.follow import Followers
from deploy.laptop.ports import port_problems
from deploy.laptop.procfile import chosen
from deploy.laptop.ready import READY
from deploy.laptop.settings import Address, LaptopSettings
from deploy.laptop.start import parser, refuse
from deploy.laptop.system import System

PROBLEMS: dict[str, Callable[[LaptopSettings], list[str]]] = {
    "broker": broker.problems,
    "online-store": online_store.problems,
    "triton": triton.problems,
    "api": lambda settings: port_problems("api", Address(settings.api_host, settings.api_port), "API_PORT"),
}
LOOK_SECONDS = 0.1
ASK_EVERY = 5  # looks


class Stopped(Exception):
    """Somebody asked us to stop."""


def record(settings: LaptopSettings) -> Path:
    """The file that tells `down` what runs."""
    return settings.data_dir / "up.pid"


def demo_record(settings: LaptopSettings) -> Path:
    """The same of a demo that was left running."""
    return settings.data_dir / "demo/up.pid"


def problems(settings: LaptopSettings, names: list[str]) -> list[str]:
    """Why the processes cannot start, a sentence each."""
    if pids := pidfile.alive(record(settings)):
        return [f"{name} runs already (pid {pid}): `make down` stops it." for name, pid in pids.items()]
    return [problem for name in names if name in PROBLEMS for problem in PROBLEMS[name](settings)]


def supervise(system: System, names: list[str], keep_going: bool) -> int:
    """Start the processes and show their logs until one dies (with `keep_going`: all); returns an exit code."""
    followers = Followers({name: system.log(name) for name in names})
    try:
        for name in names:
            system.launch(name)
        pids = {name: system.pid(name) for name in names}
        pidfile.write(record(system.settings), {"up": os.getpid()} | pids)
        return _watch(system, followers, names, keep_going)
    except Stopped as reason:
        followers.say(f"{reason}: stopping {', '.join(names)}")
        return 0
    finally:
        system.stop()
        followers.show()
        record(system.settings).unlink(missing_ok=True)


def _watch(system: System, followers: Followers, names: list[str], keep_going: bool) -> int:
    silent, looks = [name for name in names if name != "worker"], 0
    while system.processes:
        followers.show()
        for name, code in system.ended().items():
            followers.say(f"{name} ended with {_said(code)}; its log is {system.log(name)}.")
            if not keep_going:
                followers.say("stopping the others (--keep-going leaves them running)")
                return 1
        if looks % ASK_EVERY == 0:
            for name in [name for name in silent if READY[name](system.settings)]:
                silent.remove(name)
                followers.say(f"{name} is ready" + ("" if silent else "; Ctrl-C or `make down` stops everything"))
        looks += 1
        time.sleep(LOOK_SECONDS)
    return 1


def _said(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _stop(number: int, frame: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough: stopping has begun
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped(signal.Signals(number).name)


def main() -> None:
    """Check, then run until stopped."""
    arguments = parser("deploy.laptop.up", __doc__)
    arguments.add_argument("--only", default="", help="these processes, separated by commas")
    arguments.add_argument("--without", default="", help="all processes but these")
    arguments.add_argument("--keep-going", action="store_true", help="survive the death of a process")
    options = arguments.parse_args()
    try:
        names = chosen(_names(options.only), _names(options.without))
    except ValueError as reason:
        arguments.error(str(reason))
    system = System({})
    refuse(problems(system.settings, names))
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(supervise(system, names, options.keep_going))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    main()
