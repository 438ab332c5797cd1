"""Handling each event once, for asyncio.

Guarantees, does not guarantee, and costs:
    What :mod:`holdfast.coordination.records.idempotency` says.
"""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.drivers.kind import awaitable, check_coroutine
from holdfast.coordination.drivers.program import run_async
from holdfast.coordination.leases.aio_hold import AsyncHold
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.records.idempotency_core import AnyOnce, EventRecord
from holdfast.coordination.stores.store import AsyncConditionalStore
from holdfast.errors import ConfigurationError

_HANDLER = "the handler of an event"
E = TypeVar("E")


class AsyncOnce(AnyOnce[AsyncConditionalStore]):
    """Handles events once. Share one object between tasks."""

    def event(self, event_id: str, payload: bytes = b"") -> "AsyncRun":
        """One delivery of an event, to be entered with ``async with``.

        Args:
            event_id: What names the event for ever.
            payload: What came with it. Only its hash is kept.

        Raises:
            ConfigurationError: If the id is empty.
        """
        return AsyncRun(self._record(event_id, payload), self._store, self._clock, self._wait_s)

    def handler(
        self, event_id: Callable[[E], str], payload: Callable[[E], bytes] = lambda _: b""
    ) -> Callable[[Callable[[E], Awaitable[str | None]]], Callable[[E], Coroutine[Any, Any, str]]]:
        """Decorates a coroutine function that handles one event and returns its result as text.

        None is a result too: it is kept, and returned, as the empty text.

        Args:
            event_id: The id of an event.
            payload: What came with it, as bytes.

        Raises:
            ConfigurationError: If what is decorated is a plain function.
        """

        def decorate(
            handle: Callable[[E], Awaitable[str | None]],
        ) -> Callable[[E], Coroutine[Any, Any, str]]:
            check_coroutine(_HANDLER, handle, "Once")

            @functools.wraps(handle)
            async def once(event: E) -> str:
                async with self.event(event_id(event), payload(event)) as delivery:
                    if delivery.result is None:
                        outcome = await awaitable(_HANDLER, handle(event), "Once")
                        await delivery.complete(outcome)
                    return delivery.result or ""

            return once

        return decorate


class AsyncRun:
    """One delivery of an event, as :class:`~holdfast.coordination.records.idempotency.Run`.

    Args:
        record: The event's protocol.
        store: Where its record lives.
        clock: What the lease is counted on.
        wait_s: Longest wait for another run to end, in seconds.
    """

    def __init__(
        self, record: EventRecord, store: AsyncConditionalStore, clock: Clock, wait_s: float
    ) -> None:
        self.result: str | None = None
        self._record = record
        self._store = store
        self._wait_s = wait_s
        self._claim = record.claim(clock)
        self._hold = AsyncHold(self._claim, store, clock)
        self._lease: Lease | None = None

    @property
    def lease(self) -> Lease | None:
        """The lease of this run; None if an earlier run has a result."""
        return self._lease

    async def __aenter__(self) -> Self:
        """Waits until this run may begin, or an earlier one has ended.

        Raises:
            PayloadMismatchError: If the id came with another payload before.
            LockTimeoutError: If another run was still under way after ``wait_s``.
            ConfigurationError: If the store refuses the first request.
        """
        self._lease = await self._hold.take(self._wait_s)
        if self._lease is None:
            self.result = self._record.not_run(self._wait_s, self._claim.obstacle)
        return self

    async def complete(self, result: str | None) -> None:
        """Keeps the result, for this and every later delivery.

        Args:
            result: As text; None is kept as the empty text.

        Raises:
            LeaseLostError: If this run was taken over, or an earlier one has a result.
            StoreUnavailableError: If it is unknown whether the result was kept.
            ConfigurationError: If the result is no text, or too large. The event counts as
                handled all the same, with an empty result.
        """
        token = 0 if self._lease is None else self._lease.token
        text, problem = self._record.fitted(result)
        await run_async(self._record.complete(token, text), self._store)
        self.result = text
        if problem is not None:
            raise ConfigurationError(problem)

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Leaves the event to the next delivery, unless it has a result."""
        if self._lease is not None:
            if self.result is None:
                await self._hold.give_back()
            else:
                await self._hold.drop()
