"""A lock for threads: a lease that is held for the length of a ``with`` block.

Guarantees:
    Those of :mod:`holdfast.coordination.lease_core`: at most one holder whose writes pass a fence,
    a greater token for each, takeover of a crashed holder after one lease.

Does not guarantee:
    Order among waiters. That the block is interrupted when the lease is lost: call
    ``lease.check()`` between its steps and pass ``lease.token`` to a fence.

Costs:
    One request to acquire and one to release when nobody else wants it, one per ``renew_ms`` in
    between; one per ``retry_ms`` while waiting.
"""

import threading
from collections.abc import Callable
from types import TracebackType

from holdfast.coordination.clock import Clock, SystemClock
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
from holdfast.coordination.store import ConditionalStore, Reply
from holdfast.coordination.timing import LeaseTiming
from holdfast.errors import ConfigurationError, LockTimeoutError


class Lock:
    """One user of a named lock. Use one object per thread; it can be entered again after it ended.

    Args:
        store: Where the lease lives. Never a last-writer-wins table.
        key: Key of the lock's item, the same for all users.
        owner: Who locks, for humans.
        wait_s: Longest wait for the lock, in seconds; 0 to try once.
        timing: How long the lease lasts.
        clock: What the lease is counted on.
        new_nonce: Source of strings that never repeat.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
        key: str,
        owner: str,
        wait_s: float,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
    ) -> None:
        check_wait(key, wait_s)
        self._store = store
        self._key = key
        self._owner = owner
        self._wait_s = wait_s
        self._timing = timing or LeaseTiming()
        self._clock = clock or SystemClock()
        self._new_nonce = new_nonce
        self._hold: _Hold | None = None

    def __enter__(self) -> Lease:
        """Takes the lock.

        Raises:
            LockTimeoutError: If others kept it for longer than ``wait_s``.
            ConfigurationError: If the store refuses the first request, or this object already
                holds the lock.
        """
        if self._hold is not None:
            raise ConfigurationError(
                f"This Lock object already holds {self._key}. Make one object per thread and per "
                "nesting; a lock is not reentrant."
            )
        core = LeaseCore(
            key=self._key, owner=self._owner, timing=self._timing, new_nonce=self._new_nonce
        )
        hold = _Hold(core, self._store, self._key, self._clock)
        lease = hold.take(self._wait_s)
        if lease is None:
            raise timed_out(self._key, self._wait_s, hold.holder)
        self._hold = hold
        return lease

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Gives the lock back. A lock that was lost meanwhile is no error here."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.give_back()


def check_wait(key: str, wait_s: float) -> None:
    """Refuses a wait that cannot be.

    Args:
        key: Key of the lock.
        wait_s: Longest wait, in seconds.

    Raises:
        ConfigurationError: If it is negative or not a number.
    """
    if not wait_s >= 0:
        raise ConfigurationError(
            f"wait_s={wait_s} for lock {key} is negative. Use 0 to try once, or how many seconds "
            "the caller can afford to wait."
        )


def timed_out(key: str, wait_s: float, holder: str | None) -> LockTimeoutError:
    """The error for a lock that others kept.

    Args:
        key: Key of the lock.
        wait_s: How long the caller waited, in seconds.
        holder: Who held it last, if known.
    """
    return LockTimeoutError(
        f"Lock {key} was not free within {wait_s} s; "
        f"{f'{holder} holds it' if holder else 'its store did not answer'}. Wait longer, or hold "
        "it for shorter."
    )


class _Hold:
    """One acquisition, with the thread that keeps it alive."""

    def __init__(self, core: LeaseCore, store: ConditionalStore, key: str, clock: Clock) -> None:
        self.holder: str | None = None
        self._core = core
        self._key = key
        self._clock = clock
        self._pump = Pump(store=store, clock=clock, on_reply=self._on_reply, name=f"lock {key}")
        self._lease: Lease | None = None
        self._tried = threading.Event()
        self._settled = threading.Event()
        self._ended = threading.Event()
        self._failure: ConfigurationError | None = None

    def take(self, wait_s: float) -> Lease | None:
        threading.Thread(target=self._run, name=f"lease of {self._key}", daemon=True).start()
        # Even with no time to wait, the first request is given its answer.
        self._tried.wait()
        self._settled.wait(wait_s)
        if self._lease is None:
            self.give_back()
        if self._failure is not None:
            raise self._failure
        return self._lease if self._lease is not None and self._lease.held else None

    def give_back(self) -> None:
        self._pump.signal(self._leave)
        self._ended.wait()

    def _run(self) -> None:
        self._pump.open()
        try:
            self._carry_out(self._core.campaign(self._clock.now_ms()))
            while not self._ended.is_set():
                self._pump.turn(self._core.due_ms)
                self._carry_out(self._core.on_tick(self._clock.now_ms()))
        except ConfigurationError as error:
            self._failure = error
        finally:
            self._pump.close()
            self._tried.set()
            self._settled.set()
            self._ended.set()

    def _leave(self) -> None:
        if self._lease is not None:
            self._lease.end(StopReason.ASKED)
        self._carry_out(self._core.leave(self._clock.now_ms()))

    def _on_reply(self, reply: Reply) -> None:
        self._carry_out(self._core.on_reply(self._clock.now_ms(), reply))
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
                case Released():
                    self._ended.set()
                case Seen(holder, _):
                    self.holder = holder
                case _:
                    # An extension or an end that comes after the term of this lock.
                    pass
