"""Partitioned leadership for asyncio: the same core as :class:`Partitions`, driven by tasks.

Guarantees and costs:
    Those of :mod:`holdfast.coordination.leases.partitions`. The work on a partition is
    cancelled at its next ``await`` once its term is over.

Does not guarantee:
    That a coroutine which never awaits notices: it blocks the event loop, and with it the
    renewals. Its leases are lost and its writes are fenced.
"""

import asyncio
from collections.abc import Awaitable, Callable

from holdfast.coordination.drivers.aio_pump import AsyncPump, failure_of
from holdfast.coordination.drivers.driver import TaskDriver
from holdfast.coordination.drivers.kind import awaitable, check_coroutine, check_plain
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import StopReason
from holdfast.coordination.leases.partitions import AnyPartitions
from holdfast.coordination.stores.store import AsyncConditionalStore

_STARTED = "on_started of AsyncPartitions"
_THREADS = "Partitions"


class AsyncPartitions(AnyPartitions[AsyncConditionalStore, AsyncPump], TaskDriver):
    """One member of a group that shares partitions, for asyncio."""

    _on_started: Callable[[str, Lease], Awaitable[None]]

    async def run(
        self,
        on_started: Callable[[str, Lease], Awaitable[None]],
        on_stopped: Callable[[str, StopReason], None] | None = None,
    ) -> None:
        """Takes part until :meth:`stop` or cancellation. Call it once.

        Args:
            on_started: The leader's work on one partition, called with its name. It is cancelled
                when its term is over; until it has ended, the partition is not handed over.
            on_stopped: Called when the work on a partition must stop, before it is cancelled.

        Raises:
            ConfigurationError: If the store refuses the first request that it answers,
                ``on_started`` is a plain function or ``on_stopped`` a coroutine function.
            Exception: Whatever ``on_started`` or ``on_stopped`` raised, after all leases have been
                released.
        """
        check_coroutine(_STARTED, on_started, _THREADS)
        check_plain("on_stopped of AsyncPartitions", on_stopped, "a task of its own")
        self._on_started, self._on_stopped = on_started, on_stopped
        self._works: dict[str, asyncio.Task[None]] = {}
        await self._drive()

    def _make_pump(self, store: AsyncConditionalStore) -> AsyncPump:
        return AsyncPump(store=store, clock=self._clock)

    def _begin(self, partition: str, lease: Lease) -> None:
        work = asyncio.create_task(self._lead(partition, lease))
        self._works[partition] = work
        work.add_done_callback(
            lambda done: self._pump.signal(lambda: self._work_ended(partition, failure_of(done)))
        )

    def _halt(self, partition: str) -> None:
        self._works[partition].cancel()

    async def _lead(self, partition: str, lease: Lease) -> None:
        await awaitable(_STARTED, self._on_started(partition, lease), _THREADS)
