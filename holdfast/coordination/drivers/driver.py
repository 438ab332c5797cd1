"""What elections and groups have in common: a core that one thread, or one task, runs to its end.

Guarantees:
    ``run`` returns, or raises, only after the work has returned and the lease has been released;
    so it does when the work or ``on_stopped`` raises, when the task is cancelled, and when an
    interrupt arrives, for which it waits one lease at the longest.

Does not guarantee:
    That, when a clock goes back, a listener raises, or a second interrupt or cancellation
    arrives: the leases end on this side then, and their records are left to run out.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from holdfast.coordination.drivers.aio_pump import AsyncPump
from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.drivers.pump import Pump
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.stores.store import Outcome, Reply, Request
from holdfast.errors import ConfigurationError

_LOG = logging.getLogger("holdfast.coordination")


class AnyPump(Protocol):
    """What carries requests and signals, whoever turns it."""

    def send(self, request: Request, on_reply: Callable[[Reply], None]) -> None:
        """Hands a request to the store, and its reply to the driver's own thread or task."""
        ...

    def signal(self, handler: Callable[[], None]) -> None:
        """Has the driver's own thread or task call something."""
        ...

    def close(self) -> None:
        """Ends what carries requests, and gives up on their replies."""
        ...


P = TypeVar("P", bound=AnyPump)


class Driver(ABC, Generic[P]):
    """What drivers on threads and in tasks have in common: all but the waiting."""

    _pump: P
    _clock: Clock
    _timing: LeaseTiming
    _ran = False
    _finished = False
    _failure: BaseException | None = None
    _trouble: str | None = None

    def stop(self) -> None:
        """Asks ``run`` to give back what it leads and return.

        The work is told to stop, and its lease is kept until it has returned. Safe from a signal
        handler; for threads, from any thread.
        """
        self._pump.signal(self._leave)

    @property
    @abstractmethod
    def _name(self) -> str:
        """What is run, for humans."""

    @property
    @abstractmethod
    def _due_ms(self) -> int | None:
        """When :meth:`_tick` must be called next; None while only a signal changes anything."""

    @abstractmethod
    def _start(self) -> None:
        """Begins."""

    @abstractmethod
    def _tick(self) -> None:
        """Does what is due."""

    @abstractmethod
    def _leave(self) -> None:
        """Begins to leave; ``_finished`` is set at the end."""

    @abstractmethod
    def _over(self) -> None:
        """Ends what an exception has left open."""

    def _enter(self) -> None:
        # Its core has left for good: it would acquire a lease that nobody then looks after.
        if self._ran:
            raise ConfigurationError(
                f"run() of this object for {self._name} has been called before. One call lasts for "
                "as many terms as there are, until stop(); make a new object to take part again."
            )
        self._ran = True

    def _heard(self, reply: Reply) -> None:
        """Warns of a failed request."""
        failed = reply.outcome in (Outcome.UNKNOWN, Outcome.RETRY)
        # Once for each reason: in a region that is not home they fail for as long.
        if failed and reply.reason != self._trouble:
            _LOG.warning("%s: requests fail (%s)", self._name, reply.reason)
        self._trouble = reply.reason if failed else None

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._leave()


class ThreadDriver(Driver[Pump]):
    """Runs a core on the calling thread."""

    def _drive(self) -> None:
        self._enter()
        try:
            self._start()
            self._until_finished(None)
        except (KeyboardInterrupt, SystemExit):
            # Leave in good order, but not for longer than another would have to wait anyway.
            self.stop()
            self._until_finished(self._clock.now_ms() + self._timing.lease_ms)
            raise
        finally:
            self._pump.close()
            self._over()
        if self._failure is not None:
            raise self._failure

    def _until_finished(self, latest_ms: int | None) -> None:
        while not self._finished and (latest_ms is None or self._clock.now_ms() < latest_ms):
            dues = [each for each in (self._due_ms, latest_ms) if each is not None]
            self._pump.turn(min(dues, default=None))
            self._tick()


class TaskDriver(Driver[AsyncPump]):
    """Runs a core in the calling task."""

    async def _drive(self) -> None:
        self._enter()
        try:
            self._start()
            await self._until_finished()
        except asyncio.CancelledError:
            self.stop()
            await self._until_finished()
            raise
        finally:
            self._pump.close()
            self._over()
        if self._failure is not None:
            raise self._failure

    async def _until_finished(self) -> None:
        while not self._finished:
            await self._pump.turn(self._due_ms)
            self._tick()
