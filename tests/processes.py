"""Processes of this machine, found by what they were started with. Linux only."""

import contextlib
import os
import time
from pathlib import Path


def processes_naming(mark: str, *, in_environment: bool = False) -> list[str]:
    """Number and command line of each other process whose arguments hold a text.

    Args:
        mark: The text.
        in_environment: Whether to look into environments as well.
    """
    found: list[str] = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ")
            told = line + ((place / "environ").read_bytes() if in_environment else b"")
            if mark.encode() in told and int(place.name) != os.getpid():
                found.append(f"{place.name} {line.decode(errors='replace')}")
    return found


def left_naming(mark: str, *, within_s: float = 30, in_environment: bool = False) -> list[str]:
    """The same, once there are none, or what is still left after a while."""
    until_s = time.monotonic() + within_s
    while left := processes_naming(mark, in_environment=in_environment):
        if time.monotonic() > until_s:
            break
        time.sleep(0.05)
    return left
