"""The task behind an asyncio lock: it acquires one lease, keeps it alive, and gives it back."""

import asyncio
from collections.abc import Callable

from holdfast.coordination.aio_pump import AsyncPump
from holdfast.coordination.clock import Clock
from holdfast.coordination.lease import Lease
from holdfast.coordination.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Released,
    Seen,
    Send,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.store import AsyncConditionalStore, Item, Outcome, Reply


class AsyncHold:
    """One acquisition, and the task that keeps it alive.

    Args:
        core: The lease, not yet campaigned for.
        store: Where it lives.
        key: Its key.
        clock: What it is counted on.
        settles: Told of every record that refuses; true if waiting for it has become pointless.
    """

    def __init__(
        self,
        core: LeaseCore,
        store: AsyncConditionalStore,
        key: str,
        clock: Clock,
        settles: Callable[[Item | None], bool] | None = None,
    ) -> None:
        self.holder: str | None = None
        """Who held the lease when this candidate last looked."""
        self._settles = settles
        self._core = core
        self._key = key
        self._clock = clock
        self._pump = AsyncPump(store=store, clock=clock, on_reply=self._on_reply)
        self._lease: Lease | None = None
        self._tried = asyncio.Event()
        self._settled = asyncio.Event()
        self._ended = False
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
        if self._lease is None:
            # It settled without a lease. If the store refused, the task's result is its error.
            await self.give_back()
        return self._lease

    async def give_back(self) -> None:
        """Releases the lease, and waits until that is done or has no more point."""
        self._pump.signal(self._leave)
        if self._task is not None:
            await asyncio.shield(self._task)

    async def drop(self) -> None:
        """Stops looking after the lease, whose record somebody else has brought to its end."""
        self._pump.signal(self._end)
        if self._task is not None:
            await asyncio.shield(self._task)

    def _end(self) -> None:
        self._ended = True

    async def _run(self) -> None:
        try:
            self._carry_out(self._core.campaign(self._clock.now_ms()))
            while not self._ended:
                await self._pump.turn(self._core.due_ms)
                self._carry_out(self._core.on_tick(self._clock.now_ms()))
        finally:
            self._pump.close()
            self._tried.set()
            self._settled.set()

    def _leave(self) -> None:
        if self._lease is not None:
            self._lease.end(StopReason.ASKED)
        self._carry_out(self._core.leave(self._clock.now_ms()))

    def _on_reply(self, reply: Reply) -> None:
        self._carry_out(self._core.on_reply(self._clock.now_ms(), reply))
        refused = reply.outcome is Outcome.REFUSED and self._lease is None
        if refused and self._settles is not None and self._settles(reply.item):
            self._settled.set()
        self._tried.set()

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(request):
                    self._pump.send(request)
                case Started(token, until_ms):
                    self._lease = Lease(
                        key=self._key, token=token, until_ms=until_ms, clock=self._clock
                    )
                    self._settled.set()
                case Extended(until_ms) if self._lease is not None:
                    self._lease.extend(until_ms)
                case Stopped(_, reason) if self._lease is not None:
                    self._lease.end(reason)
                case Seen(holder, _):
                    self.holder = holder
                case Released():
                    self._ended = True
                case _:
                    # An extension or an end that comes after the term of this lock.
                    pass
