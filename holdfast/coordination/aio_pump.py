"""The asyncio driver's plumbing: calls run as tasks, events come in on one queue."""

import asyncio
from collections.abc import Callable

from holdfast.coordination.clock import Clock
from holdfast.coordination.pump import reply_to_error
from holdfast.coordination.store import AsyncConditionalStore, Outcome, Reply, Request
from holdfast.errors import ConfigurationError, StoreUnavailableError

_MS_PER_S = 1000


class AsyncPump:
    """Carries requests to a store, and brings replies and other signals back in order.

    Args:
        store: Where requests go.
        clock: What deadlines are counted on.
        on_reply: Called with each reply.
    """

    def __init__(
        self, *, store: AsyncConditionalStore, clock: Clock, on_reply: Callable[[Reply], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_reply = on_reply
        self._signals: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._calls: set[asyncio.Task[None]] = set()
        self._answered = False
        self._refusal: ConfigurationError | None = None

    def close(self) -> None:
        """Gives up on the calls that are under way."""
        for call in self._calls:
            call.cancel()

    def send(self, request: Request) -> None:
        """Starts a call.

        Args:
            request: What to ask.
        """
        call = asyncio.create_task(self._call_store(request))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    def signal(self, handler: Callable[[], None]) -> None:
        """Has the loop's task call something. For the event loop's own thread.

        Args:
            handler: What to call.
        """
        self._signals.put_nowait(handler)

    async def turn(self, due_ms: int | None) -> None:
        """Waits for a signal, until it is due at the latest, and carries it out.

        Args:
            due_ms: When to return without one; None to wait for as long as it takes.

        Raises:
            ConfigurationError: If the store refused the first request that it ever answered.
        """
        timeout_s = None
        if due_ms is not None:
            timeout_s = max(0, due_ms - self._clock.now_ms()) / _MS_PER_S
        try:
            async with asyncio.timeout(timeout_s):
                handler = await self._signals.get()
        except TimeoutError:
            return
        handler()
        if self._refusal is not None:
            raise self._refusal

    async def _call_store(self, request: Request) -> None:
        try:
            reply = await self._store.call(request)
            self._answered = self._answered or reply.outcome is not Outcome.UNKNOWN
        except ConfigurationError as error:
            if not self._answered:
                self._refusal = error
            reply = reply_to_error(error)
        except StoreUnavailableError as error:
            reply = reply_to_error(error)
        self.signal(lambda: self._on_reply(reply))
