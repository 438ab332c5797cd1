"""The thread driver's plumbing: calls go out on one thread, events come in on one queue.

A store call may hang until its time limit. It runs on a thread of its own, so that the end of a
lease is noticed on time while a call hangs.
"""

import queue
import threading
from collections.abc import Callable

from holdfast.coordination.clock import Clock
from holdfast.coordination.store import ConditionalStore, Outcome, Reply, Request
from holdfast.errors import ConfigurationError, StoreUnavailableError

_MS_PER_S = 1000


def reply_to_error(error: Exception) -> Reply:
    """What a protocol learns from a call that ended in an exception: nothing certain.

    Args:
        error: The exception.
    """
    return Reply(Outcome.UNKNOWN, reason=f"{type(error).__name__}: {error}")


class Pump:
    """Carries requests to a store, and brings replies and other signals back in order.

    A signal is a function that the owner's loop calls when it takes it from the queue, so that
    everything the loop owns is touched by the loop's thread alone.

    Args:
        store: Where requests go.
        clock: What deadlines are counted on.
        on_reply: Called in the loop's thread with each reply.
        name: Name of the thread that calls the store.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
        clock: Clock,
        on_reply: Callable[[Reply], None],
        name: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_reply = on_reply
        self._name = name
        self._signals: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._answered = False
        self._refusal: ConfigurationError | None = None

    def open(self) -> None:
        """Starts the thread that calls the store."""
        threading.Thread(target=self._call_store, name=self._name, daemon=True).start()

    def close(self) -> None:
        """Ends that thread as soon as the call it is in, if any, has ended."""
        self._requests.put(None)

    def send(self, request: Request) -> None:
        """Hands a request to the thread that calls the store.

        Args:
            request: The request.
        """
        self._requests.put(request)

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
            ConfigurationError: If the store refused the first request that it ever answered.
        """
        timeout_s = None
        if due_ms is not None:
            timeout_s = max(0, due_ms - self._clock.now_ms()) / _MS_PER_S
        try:
            handler = self._signals.get(timeout=timeout_s)
        except queue.Empty:
            return
        handler()
        if self._refusal is not None:
            raise self._refusal

    def _call_store(self) -> None:
        while (request := self._requests.get()) is not None:
            self.signal(self._deliver(request))

    def _deliver(self, request: Request) -> Callable[[], None]:
        try:
            reply = self._store.call(request)
            self._answered = self._answered or reply.outcome is not Outcome.UNKNOWN
        except ConfigurationError as error:
            # A store that has worked and now refuses is an outage. One that never worked is a
            # mistake, which the caller must hear of.
            if not self._answered:
                self._refusal = error
            reply = reply_to_error(error)
        except StoreUnavailableError as error:
            reply = reply_to_error(error)
        return lambda: self._on_reply(reply)
