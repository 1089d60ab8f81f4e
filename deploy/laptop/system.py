"""Procfile + environment -> running processes with logs, for `make up`, tests, the demo and benchmarks.

with running(free_environment(tmp_path), ["broker", "online-store"]) as system:
    system.kill("broker", signal.SIGKILL)
    system.start("broker")
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.laptop.procfile import commands
from deploy.laptop.ready import READY
from deploy.laptop.settings import settings_from

STOP_SECONDS = 8.0
STATEFUL = ("broker", "online-store")


class NotReady(RuntimeError):
    """A process died or stayed silent instead of answering."""


class System:
    """Processes of the Procfile that share one environment; each logs to `<data>/logs/<process>.log`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.settings = settings_from(environment)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, timeout: float = 60.0) -> None:
        """Start a process and return once it answers; raises NotReady after `timeout` seconds."""
        self.launch(name)
        self.wait(name, timeout)

    def launch(self, name: str) -> None:
        """Start a process and return at once."""
        self.log(name).parent.mkdir(parents=True, exist_ok=True)
        assignments = [f"{variable}={value}" for variable, value in self.environment.items()]
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["env", *assignments, *commands()[name]],  # env replaces itself, so the pid is the process's
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, name: str, timeout: float = 60.0) -> None:
        """Return once the process answers; raises NotReady with the end of its log."""
        deadline = time.monotonic() + timeout
        while True:
            ready, code = READY[name](self.settings), self.processes[name].poll()
            if code is not None:
                raise NotReady(f"{name} exited with code {code} before it answered:\n{self.tail(name)}")
            if ready:
                return
            if time.monotonic() > deadline:
                raise NotReady(f"{name} did not answer within {timeout:.0f} s:\n{self.tail(name)}")
            time.sleep(0.05)

    def pid(self, name: str) -> int:
        """The process id."""
        return self.processes[name].pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the process a signal that ends it, wait, and return its exit code (-9 after SIGKILL)."""
        self.processes[name].send_signal(number)
        code = self.processes[name].wait(STOP_SECONDS)
        bury(self.processes[name])
        return code

    def ended(self) -> dict[str, int]:
        """Processes that ended since the last call: name -> exit code; they are no longer ours to stop."""
        codes = {name: process.poll() for name, process in self.processes.items()}
        gone = {name: code for name, code in codes.items() if code is not None}
        for name in gone:
            bury(self.processes.pop(name))
        return gone

    def log(self, name: str) -> Path:
        """The file that has what the process printed."""
        return self.settings.data_dir / "logs" / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines of the process's log."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Ask every process to end, those with state last; kill what is left after eight seconds."""
        others = [name for name in self.processes if name not in STATEFUL]
        self._stop(others)  # the worker's last batch still finds the broker and the store
        self._stop([name for name in self.processes if name in STATEFUL])

    def _stop(self, names: list[str]) -> None:
        for name in names:
            self.processes[name].terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for name in names:
            _reap(self.processes[name], deadline)


def bury(process: "subprocess.Popen[bytes]") -> None:
    """Kill what a process that has ended leaves behind: a Triton that is killed may leave a model's process running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)  # it led a session of its own
    except ProcessLookupError:
        return


def _reap(process: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    bury(process)


@contextmanager
def running(environment: dict[str, str], processes: Sequence[str]) -> Iterator[System]:
    """Run Procfile processes with these FRESHRANK_* variables until the block ends; each answers on entry."""
    system = System(environment)
    try:
        for name in processes:
            system.launch(name)
        for name in processes:
            system.wait(name)
        yield system
    finally:
        system.stop()
