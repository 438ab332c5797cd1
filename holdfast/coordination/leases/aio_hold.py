"""The task behind an asyncio lock: it acquires one lease, keeps it alive, and gives it back."""

import asyncio
from collections.abc import Callable

from holdfast.coordination.drivers.aio_pump import AsyncPump
from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.leases.claim import Claim
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import StopReason
from holdfast.coordination.stores.store import AsyncConditionalStore, Reply, Request


class AsyncHold:
    """One claim, and the task that keeps it alive.

    Args:
        claim: What to acquire, not yet campaigned for.
        store: Where it lives.
        clock: What it is counted on.
    """

    def __init__(self, claim: Claim, store: AsyncConditionalStore, clock: Clock) -> None:
        self._claim = claim
        self._pump = AsyncPump(store=store, clock=clock)
        self._tried = asyncio.Event()
        self._settled = asyncio.Event()
        self._leaving = False
        self._over = False
        self._task: asyncio.Task[None] | None = None

    async def take(self, wait_s: float) -> Lease | None:
        """Waits for the lease. If it does not come, nothing is left behind.

        Args:
            wait_s: Longest wait, in seconds; the first request gets its answer in any case.

        Returns:
            The lease, or None if the time or the point of waiting has run out.

        Raises:
            ConfigurationError: If the store refuses the first request.
        """
        self._task = asyncio.create_task(self._run())
        try:
            await self._tried.wait()
            async with asyncio.timeout(wait_s):
                await self._settled.wait()
        except TimeoutError:
            await self.give_back()
            return None
        except asyncio.CancelledError:
            await self.give_back()
            raise
        if self._claim.lease is None:
            # It settled without a lease. If the store refused, the task's result is its error.
            await self.give_back()
        return self._claim.lease

    async def give_back(self) -> None:
        """Releases the lease, and waits until that is done or has no more point.

        Raises:
            Exception: Whatever kept the lease from being looked after, such as a clock that went
                back. The lease ended then, and its record is left to run out.
        """
        await self._end(self._leave)

    async def drop(self) -> None:
        """Stops looking after the lease, whose record somebody else has brought to its end.

        Raises:
            Exception: As :meth:`give_back`.
        """
        await self._end(self._drop)

    async def _end(self, how: Callable[[], None]) -> None:
        self._pump.signal(how)
        if self._task is not None:
            await asyncio.shield(self._task)

    def _leave(self) -> None:
        self._leaving = True
        self._carry_out(self._claim.leave())

    def _drop(self) -> None:
        self._claim.end()
        self._over = True

    async def _run(self) -> None:
        try:
            self._carry_out(self._claim.campaign())
            await self._until_over()
        except asyncio.CancelledError:
            # The event loop is about to close: leave in good order all the same.
            self._leave()
            await self._until_over()
            raise
        finally:
            # Ended already, unless by an exception, which whoever gives the lease back gets.
            self._claim.end(StopReason.LOST_CONTACT)
            self._pump.close()
            self._tried.set()
            self._settled.set()
            if self._claim.idle:
                self._claim.give_up()

    async def _until_over(self) -> None:
        while not self._over:
            await self._pump.turn(self._claim.due_ms)
            self._carry_out(self._claim.on_tick())

    def _on_reply(self, reply: Reply) -> None:
        self._carry_out(self._claim.on_reply(reply))
        self._tried.set()

    def _carry_out(self, request: Request | None) -> None:
        if request is not None:
            self._pump.send(request, self._on_reply)
        if self._claim.lease is not None or self._claim.pointless:
            self._settled.set()
        self._over = self._over or (self._leaving and self._claim.idle)
