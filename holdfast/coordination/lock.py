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

from collections.abc import Callable
from types import TracebackType

from holdfast.coordination.clock import Clock, SystemClock
from holdfast.coordination.hold import Hold
from holdfast.coordination.lease import Lease, random_nonce
from holdfast.coordination.lease_core import LeaseCore
from holdfast.coordination.store import ConditionalStore
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
        self._hold: Hold | None = None
        self._core: LeaseCore | None = None

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
        # The same core each time: it remembers what it has seen, so that many short waits find a
        # dead holder as one long wait does.
        core = self._core or LeaseCore(
            key=self._key, owner=self._owner, timing=self._timing, new_nonce=self._new_nonce
        )
        self._core = None
        hold = Hold(core, self._store, self._key, self._clock)
        lease = hold.take(self._wait_s)
        self._core = core
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
