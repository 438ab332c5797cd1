"""Runs production's programs on simulated processes."""

from collections.abc import Callable
from typing import TypeVar

from holdfast.coordination.drivers.program import Pause, Program
from holdfast.coordination.stores.store import Outcome, Reply, Request
from holdfast.errors import HoldfastError
from holdfast.testing.network import Network
from holdfast.testing.store import SimulatedStore
from holdfast.testing.world import Process

T = TypeVar("T")


def run_simulated(
    program: Program[T],
    process: Process,
    network: Network,
    store: SimulatedStore,
    on_end: Callable[[T | HoldfastError], None],
) -> None:
    """Starts a program on a process; virtual time must pass for it to get anywhere.

    Args:
        program: What to run.
        process: Where. If it crashes, the program is never heard of again.
        network: How it reaches the store.
        store: Where its requests go.
        on_end: Called in the process with the program's value, or with the error it raised.
    """

    def step(reply: Reply | None) -> None:
        try:
            wanted = next(program) if reply is None else program.send(reply)
        except StopIteration as end:
            value: T = end.value
            on_end(value)
        except HoldfastError as error:
            on_end(error)
        else:
            carry_out(wanted)

    def carry_out(wanted: Request | Pause) -> None:
        if isinstance(wanted, Pause):
            process.wake_after(wanted.wait_ms, lambda: step(Reply(Outcome.APPLIED)))
        else:
            network.call(process, store, wanted, step)

    step(None)
