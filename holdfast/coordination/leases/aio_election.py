"""Leader election for asyncio: the same core as for threads, driven by tasks.

Guarantees:
    Those of :class:`~holdfast.coordination.Election`. The leader's coroutine is cancelled at its
    next ``await`` once its term is over.

Does not guarantee:
    That a coroutine which never awaits notices: it blocks the event loop, and with it the
    renewals. Its lease is lost and its writes are fenced.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from holdfast.coordination.drivers.aio_pump import AsyncPump, failure_of
from holdfast.coordination.drivers.driver import TaskDriver
from holdfast.coordination.drivers.kind import awaitable, check_coroutine, check_plain
from holdfast.coordination.leases.election import AnyElection
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import StopReason
from holdfast.coordination.stores.store import AsyncConditionalStore

_STARTED = "on_started of an AsyncElection"
_THREADS = "Election"


@dataclass(frozen=True, slots=True)
class Leadership:
    """A change of who leads, as one candidate sees it.

    Attributes:
        leader: Who, as ``<owner>/<instance>``; None if nobody is known to.
        lease: The lease, if it is this candidate.
    """

    leader: str | None
    lease: Lease | None


class AsyncElection(AnyElection[AsyncConditionalStore, AsyncPump], TaskDriver):
    """One candidate for one lease, for asyncio."""

    _on_started: Callable[[Lease], Awaitable[None]]
    _work: "asyncio.Task[None] | None" = None
    _listeners: "tuple[asyncio.Queue[Leadership], ...]" = ()

    async def run(
        self,
        on_started: Callable[[Lease], Awaitable[None]],
        on_stopped: Callable[[StopReason], None] | None = None,
    ) -> None:
        """Stands for election, term after term, until :meth:`stop` or cancellation. Call it once.

        Args:
            on_started: The leader's work. It is cancelled when its term is over. If it returns
                while it leads, the process resigns and stands again after the others had a
                chance.
            on_stopped: Called when the work must stop, before it is cancelled.

        Raises:
            ConfigurationError: If the store refuses its first request, ``on_started`` is a plain
                function or ``on_stopped`` a coroutine function.
            Exception: Whatever ``on_started`` or ``on_stopped`` raised, after the lease has been
                released.
        """
        check_coroutine(_STARTED, on_started, _THREADS)
        check_plain("on_stopped of an AsyncElection", on_stopped, "a task of its own")
        self._on_started, self._on_stopped = on_started, on_stopped
        await self._drive()

    async def changes(self) -> AsyncGenerator[Leadership, None]:
        """Who leads now, and every change from now on. Ends when :meth:`run` does."""
        listener: asyncio.Queue[Leadership] = asyncio.Queue()
        listener.put_nowait(Leadership(self.leader, self.lease))
        self._listeners += (listener,)
        try:
            while not (self._finished and listener.empty()):
                yield await listener.get()
        finally:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

    def _make_pump(self, store: AsyncConditionalStore) -> AsyncPump:
        return AsyncPump(store=store, clock=self._clock)

    def _begin(self, lease: Lease) -> None:
        work = asyncio.create_task(self._lead(lease))
        work.add_done_callback(
            lambda done: self._pump.signal(lambda: self._work_ended(lease, failure_of(done)))
        )
        self._work = work

    async def _lead(self, lease: Lease) -> None:
        await awaitable(_STARTED, self._on_started(lease), _THREADS)

    def _halt(self) -> None:
        if self._work is not None:
            self._work.cancel()

    def _see(self, leader: str | None) -> None:
        changed = leader != self.leader or self._finished
        super()._see(leader)
        if changed:
            for listener in self._listeners:
                lease = self.lease if leader == self.holder else None
                listener.put_nowait(Leadership(leader, lease))
