"""Leader election for threads.

Guarantees:
    Those of :mod:`holdfast.coordination.lease_core` and
    :mod:`holdfast.coordination.election_core`. ``on_stopped`` is called on time even while a
    call to the store hangs.

Does not guarantee:
    A single leader in the sense of wall-clock time: a leader that is paused does not know it.
    Pass ``lease.token`` to a fence with every write that matters.

Costs:
    One conditional write per candidate and ``retry_ms``, one per leader and ``renew_ms``.
"""

import logging
import threading
from collections.abc import Callable

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
from holdfast.coordination.pump import Pump
from holdfast.coordination.store import ConditionalStore, Outcome, Reply
from holdfast.coordination.timing import LeaseTiming

_LOG = logging.getLogger("holdfast.coordination")


class Election:
    """One candidate for one lease.

    Args:
        store: Where the lease lives. Never a last-writer-wins table.
        key: Key of the lease's item, the same for all candidates.
        owner: Who stands, for humans: region, host, process.
        timing: How long the lease lasts.
        clock: What the lease is counted on.
        new_nonce: Source of strings that never repeat.
        listener: Told of everything that happens, for metrics and logs.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
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
        self._core = ElectionCore(core, retry_ms=timing.retry_ms)
        self._tally = Tally(listener)
        self._holder = core.holder
        self._pump = Pump(
            store=store, clock=self._clock, on_reply=self._on_reply, name=f"store of {key}"
        )
        self._lease: Lease | None = None
        self._leader: str | None = None
        self._finished = False
        self._failure: Exception | None = None
        self._on_started: Callable[[Lease], None] = _no_work
        self._on_stopped: Callable[[StopReason], None] = _no_word

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
                permission.
            Exception: Whatever ``on_started`` raised, after the lease has been released.
        """
        self._on_started = on_started
        self._on_stopped = on_stopped or _no_word
        self._pump.open()
        try:
            self._carry_out(self._core.start(self._clock.now_ms()))
            while not self._finished:
                self._pump.turn(self._core.due_ms)
                self._carry_out(self._core.on_tick(self._clock.now_ms()))
        finally:
            self._pump.close()
            # Over already, unless by an exception.
            if self._lease is not None:
                self._lease.end(StopReason.LOST_CONTACT)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Asks :meth:`run` to release the lease and return. Safe from any thread or signal handler.

        The work is told to stop, and the lease is kept until it has returned.
        """
        self._pump.signal(lambda: self._carry_out(self._core.stop(self._clock.now_ms())))

    def _on_reply(self, reply: Reply) -> None:
        self._tally.replied(self._clock.now_ms(), reply)
        if reply.outcome in (Outcome.UNKNOWN, Outcome.RETRY):
            _LOG.warning("lease %s: a request failed (%s)", self._key, reply.reason)
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
                case Stopped(token, reason):
                    self._tally.happened(action, lost=reason is not StopReason.ASKED)
                    self._end(token, reason)
                case Seen(holder, _):
                    self._tally.happened(action)
                    self._leader = holder
                case Released():
                    self._tally.happened(action)
                    self._leader = None
                case Finished():
                    self._finished = True
                case _:
                    # An extension that comes after the term.
                    pass

    def _start(self, token: int, until_ms: int) -> None:
        _LOG.info("lease %s: %s leads with token %d", self._key, self._holder, token)
        self._leader = self._holder
        self._lease = Lease(key=self._key, token=token, until_ms=until_ms, clock=self._clock)
        work = threading.Thread(
            target=self._work, args=(self._lease,), name=f"leader of {self._key}", daemon=True
        )
        work.start()

    def _end(self, token: int, reason: StopReason) -> None:
        _LOG.info("lease %s: term with token %d ends: %s", self._key, token, reason)
        self._leader = None
        if self._lease is not None:
            self._lease.end(reason)
        self._on_stopped(reason)

    def _work(self, lease: Lease) -> None:
        failure: Exception | None = None
        try:
            self._on_started(lease)
        except Exception as error:  # noqa: BLE001 - re-raised by run(), whatever it is
            failure = error
        self._pump.signal(lambda: self._work_ended(lease, failure))

    def _work_ended(self, lease: Lease, failure: Exception | None) -> None:
        self._tally.resigned(lease)
        lease.end(StopReason.ASKED)
        now_ms = self._clock.now_ms()
        actions: list[Action | Finished] = []
        if failure is not None:
            self._failure = failure
            actions += self._core.stop(now_ms)
        self._carry_out(actions + self._core.on_work_ended(now_ms))


def _no_work(_lease: Lease) -> None:
    """Stands where run() puts the caller's work."""


def _no_word(_reason: StopReason) -> None:
    """For callers whose work watches its lease and needs no call."""
