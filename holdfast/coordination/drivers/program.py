"""Protocols of a few steps, written once and run by threads, by asyncio and by the simulator.

A program is a generator that yields what it wants done (a request to a store, or a pause) and
is sent the reply. It does no I/O and reads no clock but an injected one.
"""

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from holdfast.coordination.stores.store import (
    AsyncConditionalStore,
    ConditionalStore,
    Outcome,
    Reply,
    Request,
)
from holdfast.errors import HoldfastError, StoreUnavailableError

_MS_PER_S = 1000
_ATTEMPTS = 5
_PAUSE_MS = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so long before the next step."""

    wait_ms: int


Program = Generator[Request | Pause, Reply, T]
"""A protocol in progress; its value is the protocol's result.

An exception of the store (other than a missing answer, which is a reply) is raised at the yield.
"""

_PAUSED = Reply(Outcome.APPLIED)


def settled(request: Request) -> Program[Reply]:
    """Repeats a request, a few times at most, until it is known what came of it.

    A write that is repeated because its reply was lost may be refused by what it wrote itself:
    callers recognise that.

    Args:
        request: What to ask.

    Returns:
        The last reply; its outcome tells whether anything is known.
    """
    reply = yield request
    for _ in range(_ATTEMPTS - 1):
        if reply.outcome in (Outcome.APPLIED, Outcome.REFUSED):
            break
        yield Pause(_PAUSE_MS)
        reply = yield request
    return reply


def run(program: Program[T], store: ConditionalStore) -> T:
    """Runs a program on the calling thread.

    Args:
        program: What to run.
        store: Where its requests go.

    Raises:
        HoldfastError: Whatever the program or the store raises.
    """
    try:
        step = next(program)
        while True:
            if isinstance(step, Pause):
                time.sleep(step.wait_ms / _MS_PER_S)
                step = program.send(_PAUSED)
                continue
            try:
                reply = store.call(step)
            except HoldfastError as error:
                step = _failed(program, error)
            else:
                step = program.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


async def run_async(program: Program[T], store: AsyncConditionalStore) -> T:
    """Runs a program in the calling task.

    Args:
        program: What to run.
        store: Where its requests go.

    Raises:
        HoldfastError: Whatever the program or the store raises.
    """
    try:
        step = next(program)
        while True:
            if isinstance(step, Pause):
                await asyncio.sleep(step.wait_ms / _MS_PER_S)
                step = program.send(_PAUSED)
                continue
            try:
                reply = await store.call(step)
            except HoldfastError as error:
                step = _failed(program, error)
            else:
                step = program.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


def _failed(program: Program[T], error: HoldfastError) -> Request | Pause:
    """Hands a store's exception to the program; one that only lacks an answer becomes a reply."""
    if isinstance(error, StoreUnavailableError):
        return program.send(Reply(Outcome.UNKNOWN, reason=str(error)))
    return program.throw(error)
