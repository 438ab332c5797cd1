"""A lock for asyncio: a lease that is held for the length of an ``async with`` block.

Guarantees, and does not guarantee:
    What :class:`~holdfast.coordination.Lock` does.
"""

import functools
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

from holdfast.coordination.leases.aio_hold import AsyncHold
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lock import AnyLock, P, R
from holdfast.coordination.stores.store import AsyncConditionalStore


class AsyncLock(AnyLock[AsyncConditionalStore]):
    """One user of a named lock, in one task. It can be entered again after it has ended."""

    _hold: AsyncHold | None = None

    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]]
    ) -> Callable[P, Coroutine[Any, Any, R]]:
        """Decorates a coroutine function: each call of it holds the lock, whichever task it is in.

        What needs the fencing token uses ``async with`` instead.

        Args:
            function: What to await under the lock.

        Raises:
            ConfigurationError: If it is no coroutine function, or the lock is one that keeps
                trying.
        """
        self._check_decorates(function, coroutines=True)

        @functools.wraps(function)
        async def locked(*args: P.args, **kwargs: P.kwargs) -> R:
            async with self._another():
                return await function(*args, **kwargs)

        return locked

    async def __aenter__(self) -> Lease:
        """Takes the lock.

        Raises:
            LockTimeoutError: If others kept it for longer than ``wait_s``.
            ConfigurationError: If the store refuses the first request, or this object already
                holds the lock.
        """
        if self._hold is not None:
            raise self._held_already()
        claim = self._begin()
        hold = AsyncHold(claim, self._store, self._clock)
        lease = self._settled(claim, await hold.take(self._wait_s))
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
            core, self._core = self._core, None
            await hold.give_back()
            self._core = core
