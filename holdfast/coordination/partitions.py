"""Partitioned leadership for threads: many leases, shared out evenly among the members.

For work that is split by jurisdiction, region, cell or workflow shard, where each part needs one
leader and no member should lead them all.

Guarantees:
    Those of :mod:`holdfast.coordination.partition_core`. ``on_stopped`` is called on time even
    while calls to the store hang.

Does not guarantee:
    A single leader in the sense of wall-clock time: pass ``lease.token`` to a fence with every
    write that matters.

Costs:
    Per member one conditional write per led partition and ``renew_ms``, one write to the roster
    per ``renew_ms`` and per partition that it gains or gives up, and one request per ``retry_ms``
    and partition that it is about to take over. A crashed member's partitions are taken over
    within ``lease_ms + 3 * renew_ms + 2 * retry_ms`` and two round trips; one that is handed over
    within ``renew_ms + retry_ms`` and two round trips after its work was told to stop, or
    ``retry_ms`` and one round trip after it has returned, whichever is later.
"""

import logging
import queue
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from holdfast.coordination.clock import Clock, SystemClock
from holdfast.coordination.election_core import Finished
from holdfast.coordination.lease import Lease, random_nonce
from holdfast.coordination.lease_core import Action, Extended, Send, Started, Stopped, StopReason
from holdfast.coordination.partition_core import At, Enrol, PartitionAction, PartitionCore
from holdfast.coordination.pump import reply_to_error
from holdfast.coordination.store import ConditionalStore, Outcome, Reply, Update
from holdfast.coordination.timing import LeaseTiming
from holdfast.errors import ConfigurationError, StoreUnavailableError

_LOG = logging.getLogger("holdfast.coordination")
_MS_PER_S = 1000
_MOST_CALLS = 32


class Partitions:
    """One member of a group that shares partitions.

    Args:
        store: Where the leases and the roster live. Never a last-writer-wins table.
        prefix: Of the keys of the group's records, the same for all members.
        partitions: Names of all partitions, the same for all members.
        owner: Who takes part, for humans: region, host, process.
        timing: How long leases last.
        clock: What leases are counted on.
        new_nonce: Source of strings that never repeat.

    Raises:
        ConfigurationError: If there is no partition, or too many, or one twice.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
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
        self._signals: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # A call may hang until its time limit; the others must not wait for it.
        self._calls = ThreadPoolExecutor(
            min(_MOST_CALLS, len(partitions) + 1), thread_name_prefix=f"store of {prefix}"
        )
        self._leases: dict[str, Lease] = {}
        self._finished = False
        self._answered = False
        self._refusal: ConfigurationError | None = None
        self._failure: Exception | None = None
        self._on_started: Callable[[str, Lease], None] = _no_work
        self._on_stopped: Callable[[str, StopReason], None] = _no_word

    @property
    def leases(self) -> Mapping[str, Lease]:
        """The leases of the partitions that this member leads now."""
        return {name: lease for name, lease in self._leases.copy().items() if lease.held}

    @property
    def members(self) -> frozenset[str]:
        """Who was in the group when this member last looked, as ``<owner>/<instance>``."""
        return self._core.members

    def run(
        self,
        on_started: Callable[[str, Lease], None],
        on_stopped: Callable[[str, StopReason], None] | None = None,
    ) -> None:
        """Takes part until :meth:`stop`. Call it once.

        Args:
            on_started: The leader's work on one partition, called with its name on a thread of
                its own. It must return soon after ``lease.held`` turns false; until it does, the
                partition is not handed over.
            on_stopped: Called when the work on a partition must stop. It must not block.

        Raises:
            ConfigurationError: If the store refuses the first request that it answers.
            Exception: Whatever ``on_started`` raised, after all leases have been released.
        """
        self._on_started, self._on_stopped = on_started, on_stopped or _no_word
        try:
            self._carry_out(self._core.start(self._clock.now_ms()))
            while not self._finished:
                self._turn()
                self._carry_out(self._core.on_tick(self._clock.now_ms()))
        finally:
            self._calls.shutdown(wait=False, cancel_futures=True)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Asks :meth:`run` to hand over all partitions and return. Safe from any thread."""
        self._signals.put(lambda: self._carry_out(self._core.stop(self._clock.now_ms())))

    def _turn(self) -> None:
        due_ms = self._core.due_ms
        timeout_s = None
        if due_ms is not None:
            timeout_s = max(0, due_ms - self._clock.now_ms()) / _MS_PER_S
        try:
            handler = self._signals.get(timeout=timeout_s)
        except queue.Empty:
            return
        handler()
        if self._refusal is not None:
            raise self._refusal

    def _send(self, request: Update, on_reply: Callable[[Reply], None]) -> None:
        def call() -> None:
            reply = self._reply(request)
            self._signals.put(lambda: on_reply(reply))

        self._calls.submit(call)

    def _reply(self, request: Update) -> Reply:
        try:
            reply = self._store.call(request)
        except ConfigurationError as error:
            # A store that has worked and now refuses is an outage. One that never worked is a
            # mistake, which the caller must hear of.
            if not self._answered:
                self._refusal = error
            return reply_to_error(error)
        except StoreUnavailableError as error:
            return reply_to_error(error)
        self._answered = self._answered or reply.outcome is not Outcome.UNKNOWN
        return reply

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
            case Stopped(token, reason):
                _LOG.info(
                    "%s/%s: term with token %d ends: %s", self._prefix, partition, token, reason
                )
                if lease is not None:
                    lease.end(reason)
                self._on_stopped(partition, reason)
            case _:
                # Who else leads is in the roster.
                pass

    def _on_roster(self, reply: Reply) -> None:
        if reply.outcome in (Outcome.UNKNOWN, Outcome.RETRY):
            _LOG.warning("%s: the roster could not be written (%s)", self._prefix, reply.reason)
        self._carry_out(self._core.on_roster(self._clock.now_ms(), reply))

    def _on_reply(self, partition: str, reply: Reply) -> None:
        self._carry_out(self._core.on_reply(self._clock.now_ms(), partition, reply))

    def _start(self, partition: str, token: int, until_ms: int) -> None:
        _LOG.info(
            "%s/%s: %s leads with token %d", self._prefix, partition, self._core.member, token
        )
        lease = Lease(
            key=f"{self._prefix}/{partition}", token=token, until_ms=until_ms, clock=self._clock
        )
        self._leases[partition] = lease
        threading.Thread(
            target=self._work,
            args=(partition, lease),
            name=f"leader of {self._prefix}/{partition}",
            daemon=True,
        ).start()

    def _work(self, partition: str, lease: Lease) -> None:
        failure: Exception | None = None
        try:
            self._on_started(partition, lease)
        except Exception as error:  # noqa: BLE001 - re-raised by run(), whatever it is
            failure = error
        self._signals.put(lambda: self._work_ended(partition, lease, failure))

    def _work_ended(self, partition: str, lease: Lease, failure: Exception | None) -> None:
        lease.end(StopReason.ASKED)
        del self._leases[partition]
        now_ms = self._clock.now_ms()
        if failure is not None:
            self._failure = self._failure or failure
            self._carry_out(self._core.stop(now_ms))
        self._carry_out(self._core.on_work_ended(now_ms, partition))


def _no_work(_partition: str, _lease: Lease) -> None:
    """Stands where run() puts the caller's work."""


def _no_word(_partition: str, _reason: StopReason) -> None:
    """For callers whose work watches its lease and needs no call."""
