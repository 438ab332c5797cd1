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

from holdfast.coordination.aio_pump import AsyncPump
from holdfast.coordination.clock import Clock, SystemClock
from holdfast.coordination.election_core import ElectionCore, Finished
from holdfast.coordination.health import Health, Listener, Tally
from holdfast.coordination.lease import Lease, random_nonce
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
from holdfast.coordination.store import AsyncConditionalStore, Reply
from holdfast.coordination.timing import LeaseTiming
from holdfast.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Leadership:
    """A change of who leads, as one candidate sees it.

    Attributes:
        leader: Who, as ``<owner>/<instance>``; None if nobody is known to.
        lease: The lease, if it is this candidate.
    """

    leader: str | None
    lease: Lease | None


class AsyncElection:
    """One candidate for one lease. Arguments as of :class:`~holdfast.coordination.Election`.

    Args:
        store: Where the lease lives.
        key: Key of the lease's item, the same for all candidates.
        owner: Who stands, for humans.
        timing: How long the lease lasts.
        clock: What the lease is counted on.
        new_nonce: Source of strings that never repeat.
        listener: Told of everything that happens, for metrics and logs.
    """

    def __init__(
        self,
        *,
        store: AsyncConditionalStore,
        key: str,
        owner: str,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
        listener: Listener | None = None,
    ) -> None:
        timing = timing or LeaseTiming()
        self._key = key
        self._clock = clock or SystemClock()
        core = LeaseCore(key=key, owner=owner, timing=timing, new_nonce=new_nonce)
        self._holder = core.holder
        self._core = ElectionCore(core, retry_ms=timing.retry_ms)
        self._tally = Tally(listener)
        self._pump = AsyncPump(store=store, clock=self._clock, on_reply=self._on_reply)
        self._lease: Lease | None = None
        self._leader: str | None = None
        self._finished = False
        self._failure: BaseException | None = None
        self._work: asyncio.Future[None] | None = None
        self._on_started: Callable[[Lease], Awaitable[None]] | None = None
        self._on_stopped: Callable[[StopReason], None] | None = None
        self._listeners: list[asyncio.Queue[Leadership]] = []

    @property
    def lease(self) -> Lease | None:
        """The lease of the current term, or None while this process does not lead."""
        lease = self._lease
        return lease if lease is not None and lease.held else None

    @property
    def leader(self) -> str | None:
        """Who led when this candidate last looked, as ``<owner>/<instance>``; None if nobody."""
        return self._leader

    @property
    def holder(self) -> str:
        """How this candidate is named in :attr:`leader` while it leads."""
        return self._holder

    @property
    def health(self) -> Health:
        """Numbers for health checks and gauges, as of now."""
        lease = self._lease
        remaining_ms = 0 if lease is None else lease.remaining_ms
        now_ms = self._clock.now_ms()
        return self._tally.health(now_ms, leader=self._leader, remaining_ms=remaining_ms)

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
            ConfigurationError: If the store refuses its first request.
            Exception: Whatever ``on_started`` raised, after the lease has been released.
        """
        self._on_started, self._on_stopped = on_started, on_stopped
        try:
            self._carry_out(self._core.start(self._clock.now_ms()))
            await self._until_finished()
        except asyncio.CancelledError:
            # Leave in good order: let the work end, release the lease.
            self.stop()
            await self._until_finished()
            raise
        finally:
            self._pump.close()
            # Over already, unless by an exception.
            if self._lease is not None:
                self._lease.end(StopReason.LOST_CONTACT)
            if self._work is not None:
                self._work.cancel()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Asks :meth:`run` to cancel the work, release the lease and return."""
        self._pump.signal(lambda: self._carry_out(self._core.stop(self._clock.now_ms())))

    async def changes(self) -> AsyncGenerator[Leadership, None]:
        """Who leads now, and every change from now on. Ends when :meth:`run` does."""
        listener: asyncio.Queue[Leadership] = asyncio.Queue()
        listener.put_nowait(Leadership(self._leader, self._lease))
        self._listeners.append(listener)
        try:
            while not (self._finished and listener.empty()):
                yield await listener.get()
        finally:
            self._listeners.remove(listener)

    async def _until_finished(self) -> None:
        while not self._finished:
            await self._pump.turn(self._core.due_ms)
            self._carry_out(self._core.on_tick(self._clock.now_ms()))

    def _on_reply(self, reply: Reply) -> None:
        self._tally.replied(self._clock.now_ms(), reply)
        self._carry_out(self._core.on_reply(self._clock.now_ms(), reply))

    def _carry_out(self, actions: list[Action | Finished]) -> None:
        for action in actions:
            match action:
                case Send(request):
                    self._pump.send(request)
                case Started(token, until_ms):
                    self._tally.happened(action)
                    self._start(token, until_ms)
                case Extended(until_ms) if self._lease is not None:
                    self._lease.extend(until_ms)
                    self._tally.happened(action)
                case Stopped(_, reason):
                    self._tally.happened(action, lost=reason is not StopReason.ASKED)
                    self._end(reason)
                case Seen(holder, _):
                    self._tally.happened(action)
                    self._tell(holder, None)
                case Released():
                    self._tally.happened(action)
                    self._tell(None, None)
                case Finished():
                    self._finished = True
                    self._tell(None, None)
                case _:
                    # An extension that comes after the term.
                    pass

    def _start(self, token: int, until_ms: int) -> None:
        if self._on_started is None:
            raise ConfigurationError(
                f"The election for {self._key} was driven without run(). Call run(on_started)."
            )
        lease = Lease(key=self._key, token=token, until_ms=until_ms, clock=self._clock)
        self._lease = lease
        work = asyncio.ensure_future(self._on_started(lease))
        self._work = work
        work.add_done_callback(lambda done: self._pump.signal(lambda: self._work_ended(done)))
        self._tell(self._holder, lease)

    def _end(self, reason: StopReason) -> None:
        if self._lease is not None:
            self._lease.end(reason)
            self._lease = None
        if self._on_stopped is not None:
            self._on_stopped(reason)
        if self._work is not None:
            self._work.cancel()
        self._tell(None, None)

    def _work_ended(self, work: asyncio.Future[None]) -> None:
        self._work = None
        if self._lease is not None:
            self._tally.resigned(self._lease)
            self._lease.end(StopReason.ASKED)
            self._lease = None
        now_ms = self._clock.now_ms()
        actions: list[Action | Finished] = []
        if not work.cancelled() and (failure := work.exception()) is not None:
            self._failure = failure
            actions += self._core.stop(now_ms)
        self._carry_out(actions + self._core.on_work_ended(now_ms))

    def _tell(self, leader: str | None, lease: Lease | None) -> None:
        changed = leader != self._leader or self._finished
        self._leader = leader
        if changed:
            for listener in self._listeners:
                listener.put_nowait(Leadership(leader, lease))
