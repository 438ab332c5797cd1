"""A lock for threads: a lease that is held for the length of a ``with`` block.

Guarantees:
    Those of :mod:`holdfast.coordination.leases.lease_core`: at most one holder whose writes
    pass a fence, a greater token for each, takeover of a crashed holder after one lease.

Does not guarantee:
    Order among waiters. An answer at once: that a holder has crashed shows by its silence for a
    whole lease, so a wait is at least that long, or one object is entered again and again
    (``keeps_trying``). That the block is interrupted when the lease is lost: call
    ``lease.check()`` between its steps and pass ``lease.token`` to a fence. That leaving the block
    is quick while the store is away: the release is tried for one lease.

Costs:
    One request to acquire and one to release when nobody else wants it, one per ``renew_ms`` in
    between; one per ``retry_ms`` while waiting.
"""

import functools
import math
from collections.abc import Callable
from types import TracebackType
from typing import Generic, ParamSpec, Self, TypeVar

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.kind import is_asynchronous, returned_plainly, runs_later
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.claim import Claim
from holdfast.coordination.leases.health import Health, Listener, Tally
from holdfast.coordination.leases.hold import Hold
from holdfast.coordination.leases.lease import Lease, random_nonce
from holdfast.coordination.leases.lease_core import LeaseCore
from holdfast.coordination.stores.store import ConditionalStore
from holdfast.errors import ConfigurationError, LockTimeoutError

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")
_MS_PER_S = 1000


class AnyLock(Generic[S]):
    """What locks for threads and for asyncio have in common: all but the waiting."""

    def __init__(
        self,
        *,
        store: S,
        key: str,
        owner: str,
        wait_s: float,
        keeps_trying: bool = False,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
        listener: Listener | None = None,
    ) -> None:
        """A lock that is not held yet. Nothing is sent.

        Args:
            store: Where the lease lives. Never a last-writer-wins table.
            key: Key of the lock's item, the same for all users.
            owner: Who locks, for humans.
            wait_s: Longest wait for the lock, in seconds; at least a lease and two retries, or a
                process that starts anew for each try would never see that a holder has crashed.
            keeps_trying: Whether this very object is entered again and again, in a process that
                goes on. What it has seen at one try it remembers at the next, so that it may wait
                for less, and for 0 s to try once.
            timing: How long the lease lasts.
            clock: What the lease is counted on.
            new_nonce: Source of strings that never repeat.
            listener: Told of everything that happens, for metrics and logs.

        Raises:
            ConfigurationError: If the wait is negative or endless, or shorter than the takeover of
                a crashed holder while nothing says that the object keeps trying.
        """
        timing = timing or LeaseTiming()
        takeover_s = timing.takeover_ms / _MS_PER_S
        if not 0 <= wait_s < math.inf:
            raise ConfigurationError(
                f"wait_s={wait_s} for lock {key} is negative or endless. Use {takeover_s} or more, "
                "as many seconds as the caller can afford to wait."
            )
        if wait_s < takeover_s and not keeps_trying:
            raise ConfigurationError(
                f"wait_s={wait_s} for lock {key} is shorter than it takes to tell that a holder "
                f"has crashed ({takeover_s} s): a process that starts anew for each try, such as "
                f"a cron job, would be locked out for ever by one crash. Wait {takeover_s} s or "
                "longer, shorten the lease, or keep one object, enter it again and again, and say "
                "so with keeps_trying=True."
            )
        self._store = store
        self._key = key
        self._owner = owner
        self._wait_s = wait_s
        self._keeps_trying = keeps_trying
        self._timing = timing
        self._clock = clock or SystemClock()
        self._new_nonce = new_nonce
        self._listener = listener
        self._tally = Tally(listener)
        self._core: LeaseCore | None = None
        self._claim: Claim | None = None

    @property
    def health(self) -> Health:
        """Numbers for health checks and gauges, as of now; of all times that it was taken."""
        if self._claim is None:
            return self._tally.health(self._clock.now_ms(), leader=None, remaining_ms=0)
        return self._claim.health

    def _another(self) -> Self:
        """One more user of the same lock, for one call of a decorated function."""
        return type(self)(
            store=self._store,
            key=self._key,
            owner=self._owner,
            wait_s=self._wait_s,
            timing=self._timing,
            clock=self._clock,
            new_nonce=self._new_nonce,
            listener=self._listener,
        )

    def _check_decorates(self, function: Callable[..., object], *, coroutines: bool) -> None:
        name = getattr(function, "__qualname__", repr(function))
        if not (is_asynchronous(function) if coroutines else not runs_later(function)):
            kind = (
                "is no coroutine function" if coroutines else "is a coroutine function or generator"
            )
            raise ConfigurationError(
                f"{name}, which lock {self._key} decorates, {kind}. Lock is for plain functions, "
                "AsyncLock for coroutine functions."
            )
        if self._keeps_trying:
            raise ConfigurationError(
                f"Lock {self._key}, which decorates {name}, has keeps_trying=True, but each call "
                "of a decorated function tries with an object of its own. Leave it out, and wait "
                f"{self._timing.takeover_ms / _MS_PER_S} s or longer."
            )

    def _begin(self) -> Claim:
        # The same core each time: it remembers what it has seen, so that many short waits find a
        # dead holder as one long wait does. Not one whose release was interrupted.
        core = self._core or LeaseCore(
            key=self._key, owner=self._owner, timing=self._timing, new_nonce=self._new_nonce
        )
        self._core = None
        self._claim = Claim(core, self._key, self._clock, self._tally)
        return self._claim

    def _settled(self, claim: Claim, lease: Lease | None) -> Lease:
        self._core = claim.core
        if lease is not None:
            return lease
        raise LockTimeoutError(
            f"Lock {self._key} was not free within {self._wait_s} s; {claim.obstacle}. "
            "Wait longer, or hold it for shorter."
        )

    def _held_already(self) -> ConfigurationError:
        return ConfigurationError(
            f"This object already holds lock {self._key}. Make one per thread or task, and per "
            "nesting; a lock is not reentrant."
        )


class Lock(AnyLock[ConditionalStore]):
    """One user of a named lock, on one thread. It can be entered again after it has ended."""

    _hold: Hold | None = None

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorates a function: each call of it holds the lock, whichever thread it is on.

        What needs the fencing token uses ``with`` instead.

        Args:
            function: What to call under the lock.

        Raises:
            ConfigurationError: If it is a coroutine function, or the lock is one that keeps trying.
        """
        self._check_decorates(function, coroutines=False)

        @functools.wraps(function)
        def locked(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._another():
                # What still has to run would run without the lock.
                return returned_plainly(
                    f"What lock {self._key} decorates", function(*args, **kwargs), "AsyncLock"
                )

        return locked

    def __enter__(self) -> Lease:
        """Takes the lock.

        Raises:
            LockTimeoutError: If others kept it for longer than ``wait_s``.
            ConfigurationError: If the store refuses the first request, or this object already
                holds the lock.
        """
        if self._hold is not None:
            raise self._held_already()
        claim = self._begin()
        hold = Hold(claim, self._store, self._clock)
        lease = self._settled(claim, hold.take(self._wait_s))
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
            core, self._core = self._core, None
            hold.give_back()
            self._core = core
