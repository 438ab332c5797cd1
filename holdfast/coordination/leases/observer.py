"""Who leads, for processes that do not stand themselves: dashboards, routers, health checks.

Guarantees:
    What a :class:`Sighting` says was true in the store at some moment of the last ``max_age_ms``,
    on this process's own clock. If the store has not said for longer, it says ``UNKNOWN``. A
    holder is called ``STALE`` only if its record has not changed for a whole lease of its own
    between two looks. No more than one request per ``period_ms``, however many ask.

Does not guarantee:
    That a holder which is named is at work: one that has died looks ``HELD`` until it has been
    silent for a lease. That it still leads when the caller acts on it: a sighting tells where to
    send a request, never who may write. Only the fence does.

Costs:
    One strongly consistent read per look, no write, and none while nobody asks.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Generic, TypeVar

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.program import run, run_async
from holdfast.coordination.leases.observer_core import ObserverCore, Sighting
from holdfast.coordination.stores.store import AsyncConditionalStore, ConditionalStore

DEFAULT_PERIOD_MS = 1_000
DEFAULT_MAX_AGE_MS = 3_000
_MS_PER_S = 1000
S = TypeVar("S")


class AnyObserver(Generic[S]):
    """What observers for threads and for asyncio have in common: all but the waiting."""

    def __init__(
        self,
        *,
        store: S,
        key: str,
        period_ms: int = DEFAULT_PERIOD_MS,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
        clock: Clock | None = None,
    ) -> None:
        """An observer that has not looked yet. Nothing is sent.

        Args:
            store: Where the lease lives.
            key: Key of the lease's item, as given to the election or lock.
            period_ms: Shortest time between two looks.
            max_age_ms: How old an answer may be, counted from the sending of its look.
            clock: What all of this is counted on.

        Raises:
            ConfigurationError: If looks come too often, or an answer is too old before the next.
        """
        self._store = store
        self._clock = clock or SystemClock()
        self._core = ObserverCore(
            key=key, period_ms=period_ms, max_age_ms=max_age_ms, clock=self._clock
        )

    @property
    def known(self) -> Sighting:
        """What is known now. Sends nothing."""
        return self._core.known

    def _pause_s(self) -> float:
        return max(0, self._core.due_ms - self._clock.now_ms()) / _MS_PER_S


class LeaseObserver(AnyObserver[ConditionalStore]):
    """Watches one lease, for threads, which may share one object."""

    def look(self) -> Sighting:
        """Reads the record, unless somebody has within ``period_ms``, and tells what is known.

        Raises:
            ConfigurationError: If the store refuses the first look, or the item is no lease.
        """
        return run(self._core.look(), self._store)

    def changes(self, stop: threading.Event | None = None) -> Iterator[Sighting]:
        """What is known now, and every change of standing, holder or token from now on.

        A change is noticed by the next look; that the store is silent, as soon as the call that
        waits for it has ended.

        Args:
            stop: Ends the iteration.

        Raises:
            ConfigurationError: As :meth:`look`.
        """
        stop, told = stop or threading.Event(), None
        while not stop.is_set():
            sighting = self.look()
            if sighting != told:
                told = sighting
                yield sighting
            stop.wait(self._pause_s())


class AsyncLeaseObserver(AnyObserver[AsyncConditionalStore]):
    """Watches one lease, for tasks, which may share one object."""

    async def look(self) -> Sighting:
        """Reads the record, unless somebody has within ``period_ms``, and tells what is known.

        Raises:
            ConfigurationError: If the store refuses the first look, or the item is no lease.
        """
        return await run_async(self._core.look(), self._store)

    async def changes(self) -> AsyncGenerator[Sighting, None]:
        """What is known now, and every change of standing, holder or token from now on.

        Raises:
            ConfigurationError: As :meth:`look`.
        """
        told: Sighting | None = None
        while True:
            sighting = await self.look()
            if sighting != told:
                told = sighting
                yield sighting
            await asyncio.sleep(self._pause_s())
