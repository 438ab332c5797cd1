"""A lock for asyncio: a lease that is held for the length of an ``async with`` block.

Guarantees, and does not guarantee:
    What :class:`~holdfast.coordination.Lock` does.
"""

from collections.abc import Callable
from types import TracebackType

from holdfast.coordination.aio_hold import AsyncHold
from holdfast.coordination.clock import Clock, SystemClock
from holdfast.coordination.lease import Lease, random_nonce
from holdfast.coordination.lease_core import LeaseCore
from holdfast.coordination.lock import check_wait, timed_out
from holdfast.coordination.store import AsyncConditionalStore
from holdfast.coordination.timing import LeaseTiming
from holdfast.errors import ConfigurationError


class AsyncLock:
    """One user of a named lock. Arguments as of :class:`~holdfast.coordination.Lock`.

    Args:
        store: Where the lease lives.
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
        store: AsyncConditionalStore,
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
        self._hold: AsyncHold | None = None
        self._core: LeaseCore | None = None

    async def __aenter__(self) -> Lease:
        """Takes the lock.

        Raises:
            LockTimeoutError: If others kept it for longer than ``wait_s``.
            ConfigurationError: If the store refuses the first request, or this object already
                holds the lock.
        """
        if self._hold is not None:
            raise ConfigurationError(
                f"This AsyncLock object already holds {self._key}. Make one object per task and "
                "per nesting; a lock is not reentrant."
            )
        # The same core each time: it remembers what it has seen, so that many short waits find a
        # dead holder as one long wait does.
        core = self._core or LeaseCore(
            key=self._key, owner=self._owner, timing=self._timing, new_nonce=self._new_nonce
        )
        self._core = None
        hold = AsyncHold(core, self._store, self._key, self._clock)
        lease = await hold.take(self._wait_s)
        self._core = core
        if lease is None:
            raise timed_out(self._key, self._wait_s, hold.holder)
        self._hold = hold
        return lease

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Gives the lock back. A lock that was lost meanwhile is no error here."""
        hold, self._hold = self._hold, None
        if hold is not None:
            await hold.give_back()
