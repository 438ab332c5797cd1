"""Partitioned leadership for threads: many leases, shared out evenly among the members.

For work that is split by jurisdiction, region, cell or workflow shard, where each part needs one
leader and no member should lead them all.

Guarantees:
    Those of :mod:`holdfast.coordination.leases.partition_core`. ``on_stopped`` is called on
    time even while calls to the store hang.

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
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.driver import Driver, P, ThreadDriver
from holdfast.coordination.drivers.kind import check_plain, returned_plainly
from holdfast.coordination.drivers.pump import Pump
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.election_core import Finished
from holdfast.coordination.leases.health import Health, Listener, Tally
from holdfast.coordination.leases.lease import Lease, random_nonce
from holdfast.coordination.leases.lease_core import (
    Action,
    Extended,
    Released,
    Seen,
    Send,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.leases.partition_core import At, Enrol, PartitionAction, PartitionCore
from holdfast.coordination.stores.store import ConditionalStore, Reply

_LOG = logging.getLogger("holdfast.coordination")
MOST_CALLS = 32
"""Most calls of one member at the same time, each on a thread of its own."""
_STARTED = "on_started of Partitions"
_ASYNC = "AsyncPartitions"
S = TypeVar("S")


class AnyPartitions(Driver[P], Generic[S, P]):
    """What members for threads and for asyncio have in common: all but how the work runs."""

    def __init__(
        self,
        *,
        store: S,
        prefix: str,
        partitions: Collection[str],
        owner: str,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
        listener_of: Callable[[str], Listener] | None = None,
    ) -> None:
        """A member that does not take part yet. Nothing is sent.

        Args:
            store: Where the leases and the roster live. Never a last-writer-wins table.
            prefix: Of the keys of the group's records, the same for all members.
            partitions: Names of all partitions, the same for all members.
            owner: Who takes part, for humans: region, host, process.
            timing: How long leases last.
            clock: What leases are counted on.
            new_nonce: Source of strings that never repeat.
            listener_of: Called once with each partition's name; what it returns is told of
                everything that happens to this member there, for metrics and logs.

        Raises:
            ConfigurationError: If there is no partition, or too many, or one twice.
        """
        self._timing = timing or LeaseTiming()
        self._prefix = prefix
        self._clock = clock or SystemClock()
        self._core = PartitionCore(
            prefix=prefix,
            partitions=partitions,
            owner=owner,
            timing=self._timing,
            new_nonce=new_nonce,
        )
        self._leases: dict[str, Lease] = {}
        self._tally = Tally(None)
        self._tallies = {
            name: Tally(None if listener_of is None else listener_of(name)) for name in partitions
        }
        self._on_stopped: Callable[[str, StopReason], None] | None = None
        self._pump = self._make_pump(store)

    @property
    def leases(self) -> Mapping[str, Lease]:
        """The leases of the partitions that this member leads now."""
        return {name: lease for name, lease in self._leases.copy().items() if lease.held}

    @property
    def members(self) -> frozenset[str]:
        """Who was in the group when this member last looked, as ``<owner>/<instance>``."""
        return self._core.members

    @property
    def health(self) -> Mapping[str, Health]:
        """Numbers for health checks and gauges by partition, as of now.

        For how long the store has been silent is the same in all: that of any answer to this
        member. Who leads is what the roster says, which may be a beat old.
        """
        now_ms, leaders, leases = self._clock.now_ms(), self._core.leaders, self._leases.copy()
        silent_ms = self._tally.silent_ms(now_ms)
        found: dict[str, Health] = {}
        for name, tally in self._tallies.items():
            lease, leader = leases.get(name), leaders.get(name)
            remaining_ms = 0 if lease is None else lease.remaining_ms
            health = tally.health(now_ms, leader=leader, remaining_ms=remaining_ms)
            found[name] = replace(health, silent_ms=silent_ms)
        return found

    @abstractmethod
    def _make_pump(self, store: S) -> P:
        """What carries requests to the store."""

    @abstractmethod
    def _begin(self, partition: str, lease: Lease) -> None:
        """Begins the work of a term, whose end goes to :meth:`_work_ended`."""

    @abstractmethod
    def _halt(self, partition: str) -> None:
        """Makes the work on a partition end, as far as that can be done from outside."""

    @property
    def _name(self) -> str:
        return f"group {self._prefix}"

    @property
    def _due_ms(self) -> int | None:
        return self._core.due_ms

    def _start(self) -> None:
        self._carry_out(self._core.start(self._clock.now_ms()))

    def _tick(self) -> None:
        self._carry_out(self._core.on_tick(self._clock.now_ms()))

    def _leave(self) -> None:
        self._carry_out(self._core.stop(self._clock.now_ms()))

    def _over(self) -> None:
        for name, lease in self._leases.items():
            lease.end(StopReason.LOST_CONTACT)
            self._halt(name)

    def _carry_out(self, actions: list[PartitionAction]) -> None:
        for action in actions:
            match action:
                case Enrol(request):
                    self._pump.send(request, self._on_roster)
                case At(partition, inner):
                    self._carry_out_at(partition, inner)
                case Finished():
                    self._finished = True

    def _carry_out_at(self, partition: str, action: Action) -> None:
        lease, tally = self._leases.get(partition), self._tallies[partition]
        match action:
            case Send(request):
                self._pump.send(request, lambda reply: self._on_reply(partition, reply))
            case Started(token, until_ms):
                _LOG.info(
                    "%s/%s: %s leads with token %d",
                    self._prefix,
                    partition,
                    self._core.member,
                    token,
                )
                tally.happened(action)
                key = self._core.key(partition)
                lease = Lease(key=key, token=token, until_ms=until_ms, clock=self._clock)
                self._leases[partition] = lease
                self._begin(partition, lease)
            case Extended(until_ms) if lease is not None:
                lease.extend(until_ms)
                tally.happened(action)
            case Stopped():
                tally.happened(action, lost=action.reason is not StopReason.ASKED)
                # The work may have noticed first that its time is over, and have returned.
                if lease is not None:
                    self._end(partition, lease, action)
            case Seen() | Released():
                tally.happened(action)
            case _:
                # An extension that comes after the term.
                pass

    def _end(self, partition: str, lease: Lease, stopped: Stopped) -> None:
        _LOG.info(
            "%s/%s: term with token %d ends: %s",
            self._prefix,
            partition,
            stopped.token,
            stopped.reason,
        )
        lease.end(stopped.reason)
        if self._on_stopped is not None:
            try:
                self._on_stopped(partition, stopped.reason)
            except Exception as error:  # noqa: BLE001 - re-raised by run(), whatever it is
                self._fail(error)
        self._halt(partition)

    def _on_roster(self, reply: Reply) -> None:
        self._tally.replied(self._clock.now_ms(), reply)
        self._heard(reply)
        self._carry_out(self._core.on_roster(self._clock.now_ms(), reply))

    def _on_reply(self, partition: str, reply: Reply) -> None:
        for tally in (self._tally, self._tallies[partition]):
            tally.replied(self._clock.now_ms(), reply)
        self._carry_out(self._core.on_reply(self._clock.now_ms(), partition, reply))

    def _work_ended(self, partition: str, failure: BaseException | None) -> None:
        lease = self._leases.pop(partition)
        self._tallies[partition].resigned(lease)
        lease.end(StopReason.ASKED)
        if failure is not None:
            self._fail(failure)
        self._carry_out(self._core.on_work_ended(self._clock.now_ms(), partition))


class Partitions(AnyPartitions[ConditionalStore, Pump], ThreadDriver):
    """One member of a group that shares partitions, for threads."""

    _on_started: Callable[[str, Lease], object]

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
            ConfigurationError: If the store refuses the first request that it answers, or a
                function is one that must be awaited.
            BaseException: Whatever ``on_started`` or ``on_stopped`` raised, and an interrupt of the
                calling thread, after all leases have been released.
        """
        check_plain(_STARTED, on_started, _ASYNC)
        check_plain("on_stopped of Partitions", on_stopped, _ASYNC)
        self._on_started, self._on_stopped = on_started, on_stopped
        self._drive()

    def _make_pump(self, store: ConditionalStore) -> Pump:
        # A call may hang until its time limit; the others must not wait for it.
        name = f"store of {self._prefix}"
        return Pump(store=store, clock=self._clock, name=name, most_calls=MOST_CALLS)

    def _begin(self, partition: str, lease: Lease) -> None:
        name = f"leader of {lease.key}"
        work = threading.Thread(target=self._work, args=(partition, lease), name=name, daemon=True)
        work.start()

    def _halt(self, partition: str) -> None:
        """Nothing can: the work looks at its lease."""

    def _work(self, partition: str, lease: Lease) -> None:
        failure: BaseException | None = None
        try:
            returned_plainly(_STARTED, self._on_started(partition, lease), _ASYNC)
        except BaseException as error:  # noqa: BLE001 - re-raised by run(), sys.exit() too
            failure = error
        self._pump.signal(lambda: self._work_ended(partition, failure))
