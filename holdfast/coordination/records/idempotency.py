"""Handling each event once, for threads.

Guarantees:
    Of all runs for one event id, at most one result is kept, and every later delivery gets it
    without running again. A run that crashed is taken over within one lease and two retries,
    however long the work takes while it is alive. A run that was taken over can neither keep its
    result nor remove the next run's record. An id that comes with another payload is refused.

Does not guarantee:
    That the *effects* of a run which crashed half-way, or was paused past its lease, happened
    once: send them through an outbox, or with ``lease.token`` to a fence.

Costs:
    Two writes for a new event, one for a repeated one; one per ``renew_ms`` while it runs.
    Records stay until :func:`~holdfast.coordination.records.sweep.sweep_events` removes them.
"""

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.drivers.kind import check_plain
from holdfast.coordination.drivers.program import run
from holdfast.coordination.leases.hold import Hold
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.records.idempotency_core import AnyOnce, EventRecord
from holdfast.coordination.stores.store import ConditionalStore
from holdfast.errors import ConfigurationError

_HANDLER = "the handler of an event"
E = TypeVar("E")


class Once(AnyOnce[ConditionalStore]):
    """Handles events once. Share one object between threads."""

    def event(self, event_id: str, payload: bytes = b"") -> "Run":
        """One delivery of an event, to be entered with ``with``.

        Args:
            event_id: What names the event for ever.
            payload: What came with it. Only its hash is kept.

        Raises:
            ConfigurationError: If the id is empty.
        """
        return Run(self._record(event_id, payload), self._store, self._clock, self._wait_s)

    def handler(
        self, event_id: Callable[[E], str], payload: Callable[[E], bytes] = lambda _: b""
    ) -> Callable[[Callable[[E], str | None]], Callable[[E], str]]:
        """Decorates a function that handles one event and returns its result as text.

        None is a result too: it is kept, and returned, as the empty text.

        Args:
            event_id: The id of an event.
            payload: What came with it, as bytes.

        Raises:
            ConfigurationError: If what is decorated is a coroutine function.
        """

        def decorate(handle: Callable[[E], str | None]) -> Callable[[E], str]:
            check_plain(_HANDLER, handle, "AsyncOnce")

            @functools.wraps(handle)
            def once(event: E) -> str:
                with self.event(event_id(event), payload(event)) as delivery:
                    if delivery.result is None:
                        delivery.complete(handle(event))
                    return delivery.result or ""

            return once

        return decorate


class Run:
    """One delivery of an event.

    Inside the ``with`` block, ``result`` is the result of an earlier run if there was one;
    otherwise do the work and call :meth:`complete`. A block that ends without it, or by an
    exception, leaves the event to the next delivery at once.

    Args:
        record: The event's protocol.
        store: Where its record lives.
        clock: What the lease is counted on.
        wait_s: Longest wait for another run to end, in seconds.
    """

    def __init__(
        self, record: EventRecord, store: ConditionalStore, clock: Clock, wait_s: float
    ) -> None:
        self.result: str | None = None
        self._record = record
        self._store = store
        self._wait_s = wait_s
        self._claim = record.claim(clock)
        self._hold = Hold(self._claim, store, clock)
        self._lease: Lease | None = None

    @property
    def lease(self) -> Lease | None:
        """The lease of this run; None if an earlier run has a result."""
        return self._lease

    def __enter__(self) -> Self:
        """Waits until this run may begin, or an earlier one has ended.

        Raises:
            PayloadMismatchError: If the id came with another payload before.
            LockTimeoutError: If another run was still under way after ``wait_s``.
            ConfigurationError: If the store refuses the first request.
        """
        self._lease = self._hold.take(self._wait_s)
        if self._lease is None:
            self.result = self._record.not_run(self._wait_s, self._claim.obstacle)
        return self

    def complete(self, result: str | None) -> None:
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
        run(self._record.complete(token, text), self._store)
        self.result = text
        if problem is not None:
            raise ConfigurationError(problem)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Leaves the event to the next delivery, unless it has a result."""
        if self._lease is not None:
            if self.result is None:
                self._hold.give_back()
            else:
                self._hold.drop()
