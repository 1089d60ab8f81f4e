"""What a number was measured on: the machine and the commit."""

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
CPU = Path("/proc/cpuinfo")


def machine() -> dict[str, str | int | float | None]:
    """Processor, cores, memory and Python."""
    lines = CPU.read_text().splitlines() if CPU.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": named[0] if named else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit of the checkout, with a plus where files differ from it; `unknown` outside of git."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(asked, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"
