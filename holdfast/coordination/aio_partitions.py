"""Partitioned leadership for asyncio: the same core as :class:`Partitions`, driven by tasks.

Guarantees and costs:
    Those of :mod:`holdfast.coordination.partitions`. The work on a partition is cancelled at its
    next ``await`` once its term is over.

Does not guarantee:
    That a coroutine which never awaits notices: it blocks the event loop, and with it the
    renewals. Its leases are lost and its writes are fenced.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from holdfast.coordination.clock import Clock, SystemClock
from holdfast.coordination.election_core import Finished
from holdfast.coordination.lease import Lease, random_nonce
from holdfast.coordination.lease_core import Action, Extended, Send, Started, Stopped, StopReason
from holdfast.coordination.partition_core import At, Enrol, PartitionAction, PartitionCore
from holdfast.coordination.pump import reply_to_error
from holdfast.coordination.store import AsyncConditionalStore, Outcome, Reply, Update
from holdfast.coordination.timing import LeaseTiming
from holdfast.errors import ConfigurationError, StoreUnavailableError

_MS_PER_S = 1000


class AsyncPartitions:
    """One member of a group. Arguments as of :class:`~holdfast.coordination.Partitions`.

    Args:
        store: Where the leases and the roster live.
        prefix: Of the keys of the group's records.
        partitions: Names of all partitions.
        owner: Who takes part, for humans.
        timing: How long leases last.
        clock: What leases are counted on.
        new_nonce: Source of strings that never repeat.

    Raises:
        ConfigurationError: If there is no partition, or too many, or one twice.
    """

    def __init__(
        self,
        *,
        store: AsyncConditionalStore,
        prefix: str,
        partitions: Collection[str],
        owner: str,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._clock = clock or SystemClock()
        self._core = PartitionCore(
            prefix=prefix,
            partitions=partitions,
            owner=owner,
            timing=timing or LeaseTiming(),
            new_nonce=new_nonce,
        )
        self._signals: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._calls: set[asyncio.Task[None]] = set()
        self._leases: dict[str, Lease] = {}
        self._works: dict[str, asyncio.Future[None]] = {}
        self._finished = False
        self._answered = False
        self._refusal: ConfigurationError | None = None
        self._failure: BaseException | None = None
        self._on_started: Callable[[str, Lease], Awaitable[None]] = _no_work
        self._on_stopped: Callable[[str, StopReason], None] | None = None

    @property
    def leases(self) -> Mapping[str, Lease]:
        """The leases of the partitions that this member leads now."""
        return {name: lease for name, lease in self._leases.items() if lease.held}

    @property
    def members(self) -> frozenset[str]:
        """Who was in the group when this member last looked, as ``<owner>/<instance>``."""
        return self._core.members

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
            ConfigurationError: If the store refuses the first request that it answers.
            Exception: Whatever ``on_started`` raised, after all leases have been released.
        """
        self._on_started, self._on_stopped = on_started, on_stopped
        try:
            self._carry_out(self._core.start(self._clock.now_ms()))
            await self._until_finished()
        except asyncio.CancelledError:
            # Leave in good order: let the works end, release the leases.
            self.stop()
            await self._until_finished()
            raise
        finally:
            for call in self._calls:
                call.cancel()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Asks :meth:`run` to cancel the works, hand over all partitions and return."""
        self._signals.put_nowait(lambda: self._carry_out(self._core.stop(self._clock.now_ms())))

    async def _until_finished(self) -> None:
        while not self._finished:
            await self._turn()
            self._carry_out(self._core.on_tick(self._clock.now_ms()))

    async def _turn(self) -> None:
        due_ms = self._core.due_ms
        timeout_s = None
        if due_ms is not None:
            timeout_s = max(0, due_ms - self._clock.now_ms()) / _MS_PER_S
        try:
            async with asyncio.timeout(timeout_s):
                handler = await self._signals.get()
        except TimeoutError:
            return
        handler()
        if self._refusal is not None:
            raise self._refusal

    def _send(self, request: Update, on_reply: Callable[[Reply], None]) -> None:
        call = asyncio.create_task(self._call_store(request, on_reply))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _call_store(self, request: Update, on_reply: Callable[[Reply], None]) -> None:
        try:
            reply = await self._store.call(request)
            self._answered = self._answered or reply.outcome is not Outcome.UNKNOWN
        except ConfigurationError as error:
            # A store that never worked is a mistake, which the caller must hear of.
            if not self._answered:
                self._refusal = error
            reply = reply_to_error(error)
        except StoreUnavailableError as error:
            reply = reply_to_error(error)
        self._signals.put_nowait(lambda: on_reply(reply))

    def _carry_out(self, actions: list[PartitionAction]) -> None:
        for action in actions:
            match action:
                case Enrol(request):
                    self._send(request, self._on_roster)
                case At(partition, inner):
                    self._carry_out_at(partition, inner)
                case Finished():
                    self._finished = True

    def _carry_out_at(self, partition: str, action: Action) -> None:
        lease = self._leases.get(partition)
        match action:
            case Send(request):
                self._send(request, lambda reply: self._on_reply(partition, reply))
            case Started(token, until_ms):
                self._start(partition, token, until_ms)
            case Extended(until_ms) if lease is not None:
                lease.extend(until_ms)
            case Stopped(_, reason):
                self._end(partition, reason)
            case _:
                # Who else leads is in the roster.
                pass

    def _on_roster(self, reply: Reply) -> None:
        self._carry_out(self._core.on_roster(self._clock.now_ms(), reply))

    def _on_reply(self, partition: str, reply: Reply) -> None:
        self._carry_out(self._core.on_reply(self._clock.now_ms(), partition, reply))

    def _start(self, partition: str, token: int, until_ms: int) -> None:
        lease = Lease(
            key=f"{self._prefix}/{partition}", token=token, until_ms=until_ms, clock=self._clock
        )
        self._leases[partition] = lease
        work = asyncio.ensure_future(self._on_started(partition, lease))
        self._works[partition] = work
        work.add_done_callback(
            lambda done: self._signals.put_nowait(lambda: self._work_ended(partition, done))
        )

    def _end(self, partition: str, reason: StopReason) -> None:
        if partition in self._leases:
            self._leases[partition].end(reason)
        if self._on_stopped is not None:
            self._on_stopped(partition, reason)
        if partition in self._works:
            self._works[partition].cancel()

    def _work_ended(self, partition: str, work: asyncio.Future[None]) -> None:
        self._leases.pop(partition).end(StopReason.ASKED)
        del self._works[partition]
        now_ms = self._clock.now_ms()
        if not work.cancelled() and (failure := work.exception()) is not None:
            self._failure = self._failure or failure
            self._carry_out(self._core.stop(now_ms))
        self._carry_out(self._core.on_work_ended(now_ms, partition))


async def _no_work(_partition: str, _lease: Lease) -> None:
    """Stands where run() puts the caller's work."""
