"""``python -m holdfast.twin.region --config FILE``: one region's server, until SIGTERM."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from holdfast.errors import HoldfastError
from holdfast.twin.region.config import ServerConfig, load


async def _serve(config: ServerConfig) -> None:
    # Only here, so that a wrong configuration is told without loading the emulator.
    from holdfast.twin.region.server import RegionServer  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await RegionServer(config).run(stop)


def main() -> int:
    """Serves one region. 0 after SIGTERM, 1 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.twin.region")
    parser.add_argument("--config", type=Path, required=True, help="what the supervisor wrote")
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(load(arguments.config)))
    except HoldfastError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"the region's server cannot use its address: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
