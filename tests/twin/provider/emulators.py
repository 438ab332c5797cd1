"""Emulator processes, one to a region, for tests that need no twin around them.

They are amended as a region's are, and otherwise as they come.
"""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence

from holdfast.errors import TwinError
from holdfast.twin.provider.cloud import Cloud
from tests.ports import free_ports

ACCOUNT = "000000000000"
AMENDED = """
from ministack import app
from holdfast.twin.region.amendments import amend_on_load
amend_on_load(app)
app.main()
"""
START_S = 30


@contextlib.contextmanager
def emulators(regions: Sequence[str]) -> Generator[Cloud]:
    """A cloud of plain emulators, ended when the test is."""
    ports = dict(zip(regions, free_ports(len(regions)), strict=True))
    processes = [_start(region, port) for region, port in ports.items()]

    def endpoint(region: str) -> str:
        if region not in ports:
            raise TwinError(f"no region {region}; there are {', '.join(sorted(ports))}")
        return f"http://127.0.0.1:{ports[region]}"

    try:
        for port in ports.values():
            _wait(port)
        yield Cloud(endpoint, ACCOUNT)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(10)


def _start(region: str, port: int) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        "LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen(
        [sys.executable, "-c", AMENDED],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait(port: int) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1):
                return
        except OSError as error:
            if time.monotonic() > until:
                raise TwinError(f"no emulator on port {port}") from error
            time.sleep(0.05)
