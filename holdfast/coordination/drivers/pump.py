"""The thread driver's plumbing: calls go out on other threads, events come in on one queue.

A store call may hang until its time limit. It runs on a thread of its own, so that the end of a
lease is noticed on time while a call hangs.
"""

import queue
import threading
from collections.abc import Callable

from holdfast.coordination.drivers.clock import Clock, Countdown
from holdfast.coordination.stores.store import ConditionalStore, Outcome, Reply, Request
from holdfast.errors import StoreUnavailableError


class Trust:
    """Tells a store that never worked, which is a mistake, from one that has stopped: an outage.

    The caller must hear of a mistake: a table that does not exist, no permission, a store whose
    own code is wrong. Whatever goes wrong later teaches a protocol nothing certain, and is
    waited out.
    """

    def __init__(self) -> None:
        self.mistake: Exception | None = None
        """What the store raised before it ever carried out or refused a request."""
        self._worked = False

    def replied(self, reply: Reply) -> Reply:
        """Takes in a reply, and returns it.

        Args:
            reply: The reply.
        """
        self._worked = self._worked or reply.outcome in (Outcome.APPLIED, Outcome.REFUSED)
        return reply

    def raised(self, error: Exception) -> Reply:
        """Takes in an exception, and returns what a protocol learns from it.

        Args:
            error: What the store's call raised.
        """
        if not self._worked and not isinstance(error, StoreUnavailableError):
            self.mistake = self.mistake or error
        return Reply(Outcome.UNKNOWN, reason=f"{type(error).__name__}: {error}")


class Pump:
    """Carries requests to a store, and brings replies and other signals back in order.

    A signal is a function that the owner's loop calls when it takes it from the queue, so that
    everything the loop owns is touched by the loop's thread alone.

    Args:
        store: Where requests go.
        clock: What deadlines are counted on.
        name: Name of the threads that call the store.
        most_calls: Most calls at the same time, each on a thread of its own; more wait.
    """

    def __init__(
        self, *, store: ConditionalStore, clock: Clock, name: str, most_calls: int = 1
    ) -> None:
        self._store = store
        self._countdown = Countdown(clock)
        self._name = name
        self._most_calls = most_calls
        self._trust = Trust()
        self._signals: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._requests: queue.SimpleQueue[tuple[Request, Callable[[Reply], None]] | None] = (
            queue.SimpleQueue()
        )
        self._threads = 0
        self._under_way = 0

    def close(self) -> None:
        """Ends the threads that call the store as soon as the calls they are in have ended."""
        for _ in range(self._threads):
            self._requests.put(None)

    def send(self, request: Request, on_reply: Callable[[Reply], None]) -> None:
        """Hands a request to a thread that calls the store. For the loop's thread.

        Args:
            request: The request.
            on_reply: Called in the loop's thread with its reply.
        """
        self._under_way += 1
        if self._threads < min(self._under_way, self._most_calls):
            threading.Thread(target=self._call_store, name=self._name, daemon=True).start()
            self._threads += 1
        self._requests.put((request, on_reply))

    def signal(self, handler: Callable[[], None]) -> None:
        """Has the loop's thread call something. Safe from any thread and any signal handler.

        Args:
            handler: What to call.
        """
        self._signals.put(handler)

    def turn(self, due_ms: int | None) -> None:
        """Waits for a signal, until it is due at the latest, and carries it out.

        Args:
            due_ms: When to return without one; None to wait for as long as it takes.

        Raises:
            Exception: What the store raised, if it never worked; a ``ConfigurationError`` if it
                refuses requests.
        """
        try:
            handler = self._signals.get(
                timeout=None if due_ms is None else self._countdown.left_s(due_ms)
            )
        except queue.Empty:
            return
        handler()
        if self._trust.mistake is not None:
            raise self._trust.mistake

    def _call_store(self) -> None:
        while (asked := self._requests.get()) is not None:
            self.signal(self._deliver(*asked))

    def _deliver(self, request: Request, on_reply: Callable[[Reply], None]) -> Callable[[], None]:
        try:
            reply = self._trust.replied(self._store.call(request))
        except Exception as error:  # noqa: BLE001 - without a reply, the loop would wait for ever
            reply = self._trust.raised(error)

        def answered() -> None:
            self._under_way -= 1
            on_reply(reply)

        return answered
