"""Any number of workers of one system: started, killed, frozen, and started again when they stop by themselves."""

import signal
import subprocess
from pathlib import Path

from deploy.laptop.procfile import commands
from deploy.laptop.system import System


class Workers:
    """The workers beside a broker and an online store; each logs to `<data>/logs/worker-<n>.log`."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.started = self.stopped_by_themselves = 0

    def start(self) -> int:
        """Start one more; returns its number."""
        self.started += 1
        environment = self._system.environment | {"FRESHRANK_WORKER_METRICS_PORT": "0"}
        assignments = [f"{variable}={value}" for variable, value in environment.items()]
        with self.log(self.started).open("ab") as log:
            self.running[self.started] = subprocess.Popen(
                ["env", *assignments, *commands()["worker"]], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self.started

    def kill(self, number: int) -> None:
        """End one by SIGKILL."""
        process = self.running.pop(number)
        process.kill()
        process.wait()

    def freeze(self, number: int) -> None:
        """Stop one's clock: it does nothing, not even its heartbeat, until `thaw`."""
        self.running[number].send_signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """Let one go on, with whatever it held."""
        self.running[number].send_signal(signal.SIGCONT)

    def replace(self) -> int:
        """Start another for each that ended by itself, as a supervisor does; returns how many did."""
        gone = [number for number, process in self.running.items() if process.poll() is not None]
        for number in gone:
            del self.running[number]
            self.start()
        self.stopped_by_themselves += len(gone)
        return len(gone)

    def stop(self) -> None:
        """Ask all to end; kill what is left after eight seconds."""
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def log(self, number: int) -> Path:
        """The file that has what a worker printed."""
        return self._system.log(f"worker-{number}")

    def tails(self, lines: int = 15) -> str:
        """The ends of the logs of those that run."""
        return "\n".join(f"--- worker {n}\n{self._system.tail(f'worker-{n}', lines)}" for n in self.running)
