"""What is behind a lock: it acquires one lease, keeps it alive, and gives it back.

The caller's own thread acquires and releases; a thread in between only renews. So a lock that is
free costs two calls and no change of threads on their way.
"""

import threading
import time
from collections.abc import Callable

from holdfast.coordination.clock import Clock
from holdfast.coordination.lease import Lease
from holdfast.coordination.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Phase,
    Released,
    Seen,
    Send,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.pump import reply_to_error
from holdfast.coordination.store import ConditionalStore, Item, Outcome, Reply, Request
from holdfast.errors import ConfigurationError, StoreUnavailableError

_MS_PER_S = 1000


class Hold:
    """One acquisition, and the thread that keeps it alive.

    Args:
        core: The lease, idle. It may be used again after the hold has ended.
        store: Where it lives.
        key: Its key.
        clock: What it is counted on.
        settles: Told of every record that refuses; true if waiting for it has become pointless.
    """

    def __init__(
        self,
        core: LeaseCore,
        store: ConditionalStore,
        key: str,
        clock: Clock,
        settles: Callable[[Item | None], bool] | None = None,
    ) -> None:
        self.holder: str | None = None
        """Who held the lease when this candidate last looked."""
        self._core = core
        self._store = store
        self._key = key
        self._clock = clock
        self._settles = settles
        self._lease: Lease | None = None
        self._answered = False
        self._pointless = False
        self._left = False
        self._leaving = threading.Event()
        self._keeper: threading.Thread | None = None

    def take(self, wait_s: float) -> Lease | None:
        """Waits for the lease. If it does not come, nothing is left behind.

        Args:
            wait_s: Longest wait, in seconds; the first request gets its answer in any case.

        Returns:
            The lease, or None if the time or the point of waiting has run out.

        Raises:
            ConfigurationError: If the store refuses the first request.
        """
        give_up_ms = self._clock.now_ms() + int(wait_s * _MS_PER_S)
        try:
            self._drive(self._core.campaign)
            while self._lease is None and not self._pointless:
                if self._clock.now_ms() >= give_up_ms:
                    break
                self._sleep_until(give_up_ms)
                self._drive(self._core.on_tick)
        except ConfigurationError:
            raise
        except BaseException:
            self.give_back()
            raise
        if self._lease is None:
            self.give_back()
            return None
        self._keeper = threading.Thread(
            target=self._keep, name=f"lease of {self._key}", daemon=True
        )
        self._keeper.start()
        return self._lease

    def give_back(self) -> None:
        """Releases the lease, and waits until that is done or has no more point."""
        self.drop()
        self._drive(self._core.leave)
        while not self._left:
            self._sleep_until(None)
            self._drive(self._core.on_tick)

    def drop(self) -> None:
        """Stops looking after the lease, whose record somebody else has brought to its end."""
        self._leaving.set()
        if self._lease is not None:
            self._lease.end(StopReason.ASKED)
        if self._keeper is not None:
            self._keeper.join()

    def _keep(self) -> None:
        while self._core.phase is Phase.HOLDING and (due_ms := self._core.due_ms) is not None:
            if self._leaving.wait(max(0, due_ms - self._clock.now_ms()) / _MS_PER_S):
                return
            self._drive(self._core.on_tick)

    def _sleep_until(self, latest_ms: int | None) -> None:
        due_ms = self._core.due_ms
        dues = [each for each in (due_ms, latest_ms) if each is not None]
        time.sleep(max(0, min(dues, default=0) - self._clock.now_ms()) / _MS_PER_S)

    def _drive(self, event: Callable[[int], list[Action]]) -> None:
        """Hands the core an event, and carries out what follows from it, requests included."""
        request = self._carry_out(event(self._clock.now_ms()))
        while request is not None:
            reply = self._call(request)
            actions = self._core.on_reply(self._clock.now_ms(), reply)
            if reply.outcome is Outcome.REFUSED and self._lease is None and self._settles:
                self._pointless = self._settles(reply.item)
            request = self._carry_out(actions)

    def _call(self, request: Request) -> Reply:
        try:
            reply = self._store.call(request)
        except ConfigurationError as error:
            # A store that has worked and now refuses is an outage.
            if not self._answered:
                raise
            return reply_to_error(error)
        except StoreUnavailableError as error:
            return reply_to_error(error)
        self._answered = self._answered or reply.outcome is not Outcome.UNKNOWN
        return reply

    def _carry_out(self, actions: list[Action]) -> Request | None:
        request: Request | None = None
        for action in actions:
            match action:
                case Send():
                    request = action.request
                case Started(token, until_ms):
                    self._lease = Lease(
                        key=self._key, token=token, until_ms=until_ms, clock=self._clock
                    )
                case Extended(until_ms) if self._lease is not None:
                    self._lease.extend(until_ms)
                case Stopped(_, reason) if self._lease is not None:
                    self._lease.end(reason)
                case Seen(holder, _):
                    self.holder = holder
                case Released():
                    self._left = True
                case _:
                    # An extension or an end that comes after the term of this lock.
                    pass
        return request
