"""The laptop's Triton: the real server, its Python backend running ONNX Runtime on the CPU.

examples:
  python -m deploy.laptop.triton             serve the newest versions in triton_models/
  python -m deploy.laptop.triton --refresh   make a running server load what is new there
"""

import shutil
from pathlib import Path

from deploy.laptop.overlay import refresh_overlay
from deploy.laptop.ports import answers, port_problems
from deploy.laptop.settings import LOOPBACK, Address, LaptopSettings, address
from deploy.laptop.start import become, parser, refuse
from deploy.laptop.triton_environment import Environment, Unusable, environment


def directory(settings: LaptopSettings) -> Path:
    """Where the overlay repository and Triton's backends are put together."""
    return settings.data_dir.absolute() / "triton"


def command(settings: LaptopSettings, found: Environment) -> list[str]:
    """The server's command line: gRPC and metrics only, models loaded when asked and at start."""
    at = address(settings.triton)
    search = f"{settings.triton_python.absolute().parent}:{settings.search_path}"
    libraries = [path for path in (found.library_directory, settings.library_path) if path]
    return [
        "env",
        f"PATH={search}",  # the stub takes its environment from the first python3
        f"LD_LIBRARY_PATH={':'.join(libraries)}",
        str(Path(found.server) / "bin/tritonserver"),
        f"--model-repository={directory(settings) / 'models'}",
        f"--backend-directory={directory(settings) / 'backends'}",
        "--backend-config=python,stub-timeout-seconds=120",
        "--model-control-mode=explicit",
        "--load-model=*",
        "--disable-auto-complete-config",
        "--exit-on-error=false",  # a broken model must not keep the others from being served
        "--exit-timeout-secs=5",
        f"--grpc-address={at.host}",
        f"--grpc-port={at.port}",
        "--allow-http=false",
        f"--metrics-address={LOOPBACK}",
        f"--metrics-port={settings.triton_metrics_port}",
        "--allow-gpu-metrics=false",
        "--pinned-memory-pool-byte-size=0",
        "--log-info=false",  # pages of tables; warnings and errors stay
        "--log-format=ISO8601",
    ]


def problems(settings: LaptopSettings) -> list[str]:
    """Why Triton cannot start, a sentence each."""
    try:
        environment(settings.triton_python)
    except Unusable as reason:
        return [str(reason)]
    return [
        *port_problems("triton", address(settings.triton), "TRITON"),
        *port_problems("triton", Address(LOOPBACK, settings.triton_metrics_port), "TRITON_METRICS_PORT"),
    ]


def install_backend(found: Environment, target: Path) -> None:
    """Lay out `target/python` as Triton looks for it, with the stub of this Python."""
    backend = target / "python"
    shutil.rmtree(backend, ignore_errors=True)
    backend.mkdir(parents=True)
    for path in (*(Path(found.server) / "backends/python").glob("*.*"), found.stub):
        (backend / path.name).symlink_to(path)


def refresh(settings: LaptopSettings) -> list[str]:
    """Make a running server load the newest versions; returns the models' names.

    Raises InferenceServerException when a model cannot be loaded; its older versions keep serving.
    """
    from tritonclient.grpc import InferenceServerClient

    with InferenceServerClient(str(address(settings.triton))) as client:
        names = refresh_overlay(settings.model_repository, directory(settings))
        for name in names:
            client.load_model(name)
    return names


def main() -> None:
    """Check, build the overlay, then become the server; or refresh a running one."""
    arguments = parser("deploy.laptop.triton", __doc__)
    arguments.add_argument("--refresh", action="store_true", help="make a running server load what is new")
    settings = LaptopSettings()
    if arguments.parse_args().refresh:
        print_refreshed(settings)
        return
    refuse(problems(settings))
    found = environment(settings.triton_python)
    names = refresh_overlay(settings.model_repository, directory(settings))
    install_backend(found, directory(settings) / "backends")
    print(f"models: {', '.join(names) or 'none yet (make export, then python -m deploy.laptop.triton --refresh)'}")
    become(command(settings, found))


def print_refreshed(settings: LaptopSettings) -> None:
    """Refresh and say what was loaded; exits with one sentence when no server answers."""
    if not answers(address(settings.triton)):
        refuse([f"no Triton answers on {address(settings.triton)}: start it (`make up`) or set FRESHRANK_TRITON."])
    print(f"loaded: {', '.join(refresh(settings)) or 'nothing: no model has a version yet'}")


if __name__ == "__main__":
    main()
