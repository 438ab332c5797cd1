"""The asyncio driver's plumbing: calls run as tasks, events come in on one queue."""

import asyncio
from collections.abc import Callable

from holdfast.coordination.drivers.clock import Clock, Countdown
from holdfast.coordination.drivers.pump import Trust
from holdfast.coordination.stores.store import AsyncConditionalStore, Outcome, Reply, Request


class AsyncPump:
    """Carries requests to a store, and brings replies and other signals back in order.

    Args:
        store: Where requests go.
        clock: What deadlines are counted on.
    """

    def __init__(self, *, store: AsyncConditionalStore, clock: Clock) -> None:
        self._store = store
        self._countdown = Countdown(clock)
        self._trust = Trust()
        self._signals: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._calls: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Gives up on the calls that are under way."""
        for call in self._calls:
            call.cancel()

    def send(self, request: Request, on_reply: Callable[[Reply], None]) -> None:
        """Starts a call.

        Args:
            request: What to ask.
            on_reply: Called with the reply.
        """
        call = asyncio.create_task(self._call_store(request, on_reply))
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
            Exception: What the store raised, if it never worked; a ``ConfigurationError`` if it
                refuses requests.
        """
        try:
            async with asyncio.timeout(None if due_ms is None else self._countdown.left_s(due_ms)):
                handler = await self._signals.get()
        except TimeoutError:
            return
        handler()
        if self._trust.mistake is not None:
            raise self._trust.mistake

    async def _call_store(self, request: Request, on_reply: Callable[[Reply], None]) -> None:
        # An event loop that is about to close cancels this task, too: whoever still waits for
        # the reply must hear that none will come.
        reply = Reply(Outcome.UNKNOWN, reason="the call was cancelled")
        try:
            reply = self._trust.replied(await self._store.call(request))
        except Exception as error:  # noqa: BLE001 - without a reply, the loop would wait for ever
            reply = self._trust.raised(error)
        finally:
            self.signal(lambda: on_reply(reply))


def failure_of(work: "asyncio.Future[None]") -> BaseException | None:
    """What a leader's work raised; None if it returned or was cancelled.

    Args:
        work: The work, which has ended.
    """
    return None if work.cancelled() else work.exception()
