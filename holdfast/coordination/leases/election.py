"""Leader election for threads.

Guarantees:
    Those of :mod:`holdfast.coordination.leases.lease_core` and
    :mod:`holdfast.coordination.leases.election_core`. ``on_stopped`` is called on time even while a
    call to the store hangs.

Does not guarantee:
    A single leader in the sense of wall-clock time: a leader that is paused does not know it.
    Pass ``lease.token`` to a fence with every write that matters.

Costs:
    One conditional write per candidate and ``retry_ms``, one per leader and ``renew_ms``.
"""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.driver import Driver, P, ThreadDriver
from holdfast.coordination.drivers.kind import check_plain, returned_plainly
from holdfast.coordination.drivers.pump import Pump
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.election_core import ElectionCore, Finished
from holdfast.coordination.leases.health import Health, Listener, Tally
from holdfast.coordination.leases.lease import Lease, random_nonce
from holdfast.coordination.leases.lease_core import (
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
from holdfast.coordination.stores.store import ConditionalStore, Reply

_LOG = logging.getLogger("holdfast.coordination")
_STARTED = "on_started of an Election"
_ASYNC = "AsyncElection"
S = TypeVar("S")


class AnyElection(Driver[P], Generic[S, P]):
    """What candidates for threads and for asyncio have in common: all but how the work runs."""

    def __init__(
        self,
        *,
        store: S,
        key: str,
        owner: str,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
        listener: Listener | None = None,
    ) -> None:
        """A candidate that does not stand yet. Nothing is sent.

        Args:
            store: Where the lease lives. Never a last-writer-wins table.
            key: Key of the lease's item, the same for all candidates.
            owner: Who stands, for humans: region, host, process.
            timing: How long the lease lasts.
            clock: What the lease is counted on.
            new_nonce: Source of strings that never repeat.
            listener: Told of everything that happens, for metrics and logs.
        """
        self._timing = timing or LeaseTiming()
        core = LeaseCore(key=key, owner=owner, timing=self._timing, new_nonce=new_nonce)
        self._key = key
        self._clock = clock or SystemClock()
        self._core = ElectionCore(core, retry_ms=self._timing.retry_ms)
        self._holder = core.holder
        self._tally = Tally(listener)
        self._lease: Lease | None = None
        self._leader: str | None = None
        self._on_stopped: Callable[[StopReason], None] | None = None
        self._pump = self._make_pump(store)

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

    @abstractmethod
    def _make_pump(self, store: S) -> P:
        """What carries requests to the store."""

    @abstractmethod
    def _begin(self, lease: Lease) -> None:
        """Begins the work of a term, whose end goes to :meth:`_work_ended`."""

    @abstractmethod
    def _halt(self) -> None:
        """Makes the work end, as far as that can be done from outside."""

    def _see(self, leader: str | None) -> None:
        self._leader = leader

    @property
    def _name(self) -> str:
        return f"lease {self._key}"

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
        if self._lease is not None:
            self._lease.end(StopReason.LOST_CONTACT)
        self._halt()
        if not self._finished:
            self._finished = True
            self._see(None)

    def _on_reply(self, reply: Reply) -> None:
        self._tally.replied(self._clock.now_ms(), reply)
        self._heard(reply)
        self._carry_out(self._core.on_reply(self._clock.now_ms(), reply))

    def _carry_out(self, actions: list[Action | Finished]) -> None:
        for action in actions:
            match action:
                case Send(request):
                    self._pump.send(request, self._on_reply)
                case Started(token, until_ms):
                    _LOG.info("lease %s: %s leads with token %d", self._key, self._holder, token)
                    self._tally.happened(action)
                    self._lease = Lease(
                        key=self._key, token=token, until_ms=until_ms, clock=self._clock
                    )
                    self._begin(self._lease)
                    self._see(self._holder)
                case Extended(until_ms) if self._lease is not None:
                    self._lease.extend(until_ms)
                    self._tally.happened(action)
                case Stopped():
                    self._tally.happened(action, lost=action.reason is not StopReason.ASKED)
                    self._end(action)
                case Seen(holder, _):
                    self._tally.happened(action)
                    self._see(holder)
                case Released():
                    self._tally.happened(action)
                    self._see(None)
                case Finished():
                    self._finished = True
                    self._see(None)
                case _:
                    # An extension that comes after the term.
                    pass

    def _end(self, stopped: Stopped) -> None:
        _LOG.info("lease %s: term with token %d ends: %s", self._key, stopped.token, stopped.reason)
        if self._lease is not None:
            self._lease.end(stopped.reason)
        if self._on_stopped is not None:
            try:
                self._on_stopped(stopped.reason)
            except Exception as error:  # noqa: BLE001 - re-raised by run(), whatever it is
                self._fail(error)
        self._halt()
        self._see(None)

    def _work_ended(self, lease: Lease, failure: BaseException | None) -> None:
        if failure is not None:
            self._fail(failure)
        self._tally.resigned(lease)
        lease.end(StopReason.ASKED)
        self._carry_out(self._core.on_work_ended(self._clock.now_ms()))


class Election(AnyElection[ConditionalStore, Pump], ThreadDriver):
    """One candidate for one lease, for threads."""

    _on_started: Callable[[Lease], object]

    def run(
        self,
        on_started: Callable[[Lease], None],
        on_stopped: Callable[[StopReason], None] | None = None,
    ) -> None:
        """Stands for election, term after term, until :meth:`stop`. Call it once.

        Args:
            on_started: The leader's work, called on a thread of its own at the start of each
                term. It must return soon after ``lease.held`` turns false; until it does, this
                process does not stand again. If it returns while it leads, the process resigns
                and stands again after the others had a chance.
            on_stopped: Called when the work must stop, ``margin_ms`` before others may take over
                (or at once, when they already have). It must not block.

        Raises:
            ConfigurationError: If the store refuses its first request: no such table, no
                permission. If a function is one that must be awaited.
            BaseException: Whatever ``on_started`` or ``on_stopped`` raised, and an interrupt of the
                calling thread, after the lease has been released.
        """
        check_plain(_STARTED, on_started, _ASYNC)
        check_plain("on_stopped of an Election", on_stopped, _ASYNC)
        self._on_started, self._on_stopped = on_started, on_stopped
        self._drive()

    def _make_pump(self, store: ConditionalStore) -> Pump:
        return Pump(store=store, clock=self._clock, name=f"store of {self._key}")

    def _begin(self, lease: Lease) -> None:
        name = f"leader of {self._key}"
        threading.Thread(target=self._work, args=(lease,), name=name, daemon=True).start()

    def _halt(self) -> None:
        """Nothing can: the work looks at its lease."""

    def _work(self, lease: Lease) -> None:
        failure: BaseException | None = None
        try:
            returned_plainly(_STARTED, self._on_started(lease), _ASYNC)
        except BaseException as error:  # noqa: BLE001 - re-raised by run(), sys.exit() too
            failure = error
        self._pump.signal(lambda: self._work_ended(lease, failure))
