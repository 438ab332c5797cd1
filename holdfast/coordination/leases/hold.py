"""What is behind a lock: it acquires one lease, keeps it alive, and gives it back.

The caller's own thread acquires and releases; a thread in between only renews. So a lock that is
free costs two calls and no change of threads on their way.
"""

import os
import threading
import time

from holdfast.coordination.drivers.clock import Clock, Countdown
from holdfast.coordination.drivers.pump import Trust
from holdfast.coordination.leases.claim import Claim
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import StopReason
from holdfast.coordination.stores.store import ConditionalStore, Reply, Request

_MS_PER_S = 1000


class Hold:
    """One claim, and the thread that keeps it alive.

    Args:
        claim: What to acquire, not yet campaigned for.
        store: Where it lives.
        clock: What it is counted on.
    """

    def __init__(self, claim: Claim, store: ConditionalStore, clock: Clock) -> None:
        self._claim = claim
        self._store = store
        self._countdown = Countdown(clock)
        self._trust = Trust()
        self._leaving = threading.Event()
        self._keeper: threading.Thread | None = None
        self._failure: Exception | None = None
        self._process = os.getpid()

    def take(self, wait_s: float) -> Lease | None:
        """Waits for the lease. If it does not come, nothing is left behind.

        Args:
            wait_s: Longest wait, in seconds; the first request gets its answer in any case.

        Returns:
            The lease, or None if the time or the point of waiting has run out.

        Raises:
            ConfigurationError: If the store refuses the first request.
            Exception: Whatever else the store raises before it has ever worked.
        """
        claim = self._claim
        give_up_ms = claim.now_ms() + int(wait_s * _MS_PER_S)
        try:
            self._carry_out(claim.campaign())
            while claim.lease is None and not claim.pointless and claim.now_ms() < give_up_ms:
                self._sleep_until(give_up_ms)
                self._carry_out(claim.on_tick())
            if claim.lease is not None:
                keeper = threading.Thread(
                    target=self._keep, name=f"lease of {claim.key}", daemon=True
                )
                keeper.start()
                self._keeper = keeper
        except BaseException:
            # To a store that never worked, nothing can be given back.
            if self._trust.mistake is None:
                self.give_back()
            raise
        if claim.lease is None:
            self.give_back()
        return claim.lease

    def give_back(self) -> None:
        """Releases the lease, and waits until that is done or has no more point.

        Raises:
            Exception: Whatever kept the lease from being looked after, such as a clock that went
                back. The lease ended then, and its record is left to run out.
        """
        if self._inherited():
            return
        self.drop()
        # A call that was interrupted, by a signal's exception, will not be answered any more.
        self._carry_out(self._claim.leave() or self._claim.give_up())
        while not self._claim.idle:
            self._sleep_until(None)
            self._carry_out(self._claim.on_tick())

    def drop(self) -> None:
        """Stops looking after the lease, whose record somebody else has brought to its end.

        Raises:
            Exception: As :meth:`give_back`.
        """
        if self._inherited():
            return
        self._leaving.set()
        if self._claim.lease is not None:
            self._claim.lease.end(StopReason.ASKED)
        if self._keeper is not None:
            self._keeper.join()
        # Told by this thread and not before: listeners hear of one thing at a time.
        self._claim.end()
        if self._failure is not None:
            raise self._failure

    def _inherited(self) -> bool:
        """Whether this is a fork's copy, whose way out of a block must not release the original."""
        return os.getpid() != self._process

    def _keep(self) -> None:
        try:
            while not self._claim.idle and (due_ms := self._claim.due_ms) is not None:
                if self._leaving.wait(self._countdown.left_s(due_ms)):
                    return
                self._carry_out(self._claim.on_tick())
        except Exception as error:  # noqa: BLE001 - raised where the lease is given back
            self._failure = error
            self._claim.end(StopReason.LOST_CONTACT)

    def _sleep_until(self, latest_ms: int | None) -> None:
        dues = [each for each in (self._claim.due_ms, latest_ms) if each is not None]
        time.sleep(self._countdown.left_s(min(dues)))

    def _carry_out(self, request: Request | None) -> None:
        """Sends a request, and what follows from its reply."""
        while request is not None:
            request = self._claim.on_reply(self._call(request))

    def _call(self, request: Request) -> Reply:
        try:
            return self._trust.replied(self._store.call(request))
        except Exception as error:
            reply = self._trust.raised(error)
            if self._trust.mistake is not None:
                raise
            return reply
