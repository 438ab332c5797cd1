"""Protocols as programs: what a user writes with them is run, and simulated, like ours."""

from holdfast.coordination.drivers.program import (
    Pause,
    Program,
    run,
    run_async,
    settled,
)

__all__ = [
    "Pause",
    "Program",
    "run",
    "run_async",
    "settled",
]
