"""Run by Triton's Python: what that environment holds, printed as JSON."""

import ctypes
import importlib.metadata
import importlib.util
import json
import sys
import sysconfig
from pathlib import Path


def version(package: str) -> str:
    """The installed version, or an empty string."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def library_directory(library: str) -> str | None:
    """Where this Python keeps its shared library; "" if the system finds it, None if nobody does."""
    directory = str(sysconfig.get_config_var("LIBDIR"))
    if (Path(directory) / library).exists():
        return directory
    try:
        ctypes.CDLL(library)
    except OSError:
        return None
    return ""


def main() -> None:
    """Print the answers."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    spec = importlib.util.find_spec("pytriton")
    found = {
        "python": python,
        "numpy": version("numpy"),
        "onnxruntime": version("onnxruntime"),
        "server": str(Path(spec.origin).parent / "tritonserver") if spec and spec.origin else "",
        "library_directory": library_directory(f"libpython{python}.so.1.0"),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
