"""The thread behind a lock: it acquires one lease, keeps it alive, and gives it back."""

import threading
from collections.abc import Callable

from holdfast.coordination.clock import Clock
from holdfast.coordination.lease import Lease
from holdfast.coordination.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Released,
    Seen,
    Send,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.pump import Pump
from holdfast.coordination.store import ConditionalStore, Item, Outcome, Reply
from holdfast.errors import ConfigurationError


class Hold:
    """One acquisition, and the thread that keeps it alive.

    Args:
        core: The lease, not yet campaigned for.
        store: Where it lives.
        key: Its key.
        clock: What it is counted on.
        settles: Told of every record that refuses; true if waiting for it has become pointless.
    """

    def __init__(
        self,
        core: LeaseCore,
        store: ConditionalStore,
        key: str,
        clock: Clock,
        settles: Callable[[Item | None], bool] | None = None,
    ) -> None:
        self.holder: str | None = None
        """Who held the lease when this candidate last looked."""
        self._settles = settles
        self._core = core
        self._key = key
        self._clock = clock
        self._pump = Pump(store=store, clock=clock, on_reply=self._on_reply, name=f"lock {key}")
        self._lease: Lease | None = None
        self._tried = threading.Event()
        self._settled = threading.Event()
        self._ended = threading.Event()
        self._failure: ConfigurationError | None = None

    def take(self, wait_s: float) -> Lease | None:
        """Waits for the lease. If it does not come, nothing is left behind.

        Args:
            wait_s: Longest wait, in seconds; the first request gets its answer in any case.

        Returns:
            The lease, or None if the time or the point of waiting has run out.

        Raises:
            ConfigurationError: If the store refuses the first request.
        """
        threading.Thread(target=self._run, name=f"lease of {self._key}", daemon=True).start()
        self._tried.wait()
        self._settled.wait(wait_s)
        if self._lease is None:
            self.give_back()
        if self._failure is not None:
            raise self._failure
        return self._lease if self._lease is not None and self._lease.held else None

    def give_back(self) -> None:
        """Releases the lease, and waits until that is done or has no more point."""
        self._pump.signal(self._leave)
        self._ended.wait()

    def drop(self) -> None:
        """Stops looking after the lease, whose record somebody else has brought to its end."""
        self._pump.signal(self._ended.set)
        self._ended.wait()

    def _run(self) -> None:
        self._pump.open()
        try:
            self._carry_out(self._core.campaign(self._clock.now_ms()))
            while not self._ended.is_set():
                self._pump.turn(self._core.due_ms)
                self._carry_out(self._core.on_tick(self._clock.now_ms()))
        except ConfigurationError as error:
            self._failure = error
        finally:
            self._pump.close()
            self._tried.set()
            self._settled.set()
            self._ended.set()

    def _leave(self) -> None:
        if self._lease is not None:
            self._lease.end(StopReason.ASKED)
        self._carry_out(self._core.leave(self._clock.now_ms()))

    def _on_reply(self, reply: Reply) -> None:
        self._carry_out(self._core.on_reply(self._clock.now_ms(), reply))
        refused = reply.outcome is Outcome.REFUSED and self._lease is None
        if refused and self._settles is not None and self._settles(reply.item):
            self._settled.set()
        self._tried.set()

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(request):
                    self._pump.send(request)
                case Started(token, until_ms):
                    self._lease = Lease(
                        key=self._key, token=token, until_ms=until_ms, clock=self._clock
                    )
                    self._settled.set()
                case Extended(until_ms) if self._lease is not None:
                    self._lease.extend(until_ms)
                case Stopped(_, reason) if self._lease is not None:
                    self._lease.end(reason)
                case Released():
                    self._ended.set()
                case Seen(holder, _):
                    self.holder = holder
                case _:
                    # An extension or an end that comes after the term of this lock.
                    pass
