"""One attempt to hold one lease, without its I/O: what threads, tasks and simulations do alike."""

from collections.abc import Callable

from holdfast.coordination.drivers.clock import Clock
from holdfast.coordination.leases.health import Health, Tally
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Phase,
    Released,
    Seen,
    Send,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.stores.store import Item, Outcome, Reply, Request


class Claim:
    """Waits for the lease, holds it, gives it back; says what to send next, and tells listeners.

    Args:
        core: The lease, idle. It may be used again after the claim has ended.
        key: Its key.
        clock: What it is counted on.
        tally: Counts what happens.
        settles: Told of every record that refuses; true if waiting for it has become pointless.
    """

    def __init__(
        self,
        core: LeaseCore,
        key: str,
        clock: Clock,
        tally: Tally,
        settles: Callable[[Item | None], bool] = lambda _: False,
    ) -> None:
        self.core = core
        self.key = key
        self.lease: Lease | None = None
        """The lease, once it has been acquired."""
        self.holder: str | None = None
        """Who holds the lease as far as is known, as ``<owner>/<instance>``."""
        self.pointless = False
        """Whether there is nothing left to wait for."""
        self._trouble: str | None = None
        self._clock = clock
        self._tally = tally
        self._settles = settles
        self._ended = False
        self._asked = False

    @property
    def due_ms(self) -> int | None:
        """When :meth:`on_tick` must be called next; None while only a reply can change anything."""
        return self.core.due_ms

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do: the lease has been given back, or is lost."""
        return self.core.phase is Phase.IDLE

    @property
    def health(self) -> Health:
        """Numbers for health checks and gauges, as of now."""
        remaining_ms = 0 if self.lease is None else self.lease.remaining_ms
        return self._tally.health(self.now_ms(), leader=self.holder, remaining_ms=remaining_ms)

    @property
    def obstacle(self) -> str:
        """Why the lease has not come, for humans, by the last request while it was waited for."""
        if self._trouble is not None:
            return f"its store did not answer ({self._trouble})"
        return f"{self.holder} holds it" if self.holder else "others were faster"

    def now_ms(self) -> int:
        """The time."""
        return self._clock.now_ms()

    def campaign(self) -> Request | None:
        """Starts to wait, and returns what to send."""
        return self._follow(self.core.campaign(self.now_ms()))

    def on_tick(self) -> Request | None:
        """What to send now that time has passed."""
        return self._follow(self.core.on_tick(self.now_ms()))

    def on_reply(self, reply: Reply) -> Request | None:
        """What to send now that the last request has ended.

        Args:
            reply: How it ended.
        """
        now_ms = self.now_ms()
        self._asked = False
        self._tally.replied(now_ms, reply)
        if self.core.phase is Phase.WAITING:
            failed = reply.outcome in (Outcome.UNKNOWN, Outcome.RETRY)
            self._trouble = reply.reason if failed else None
        request = self._follow(self.core.on_reply(now_ms, reply))
        if reply.outcome is Outcome.REFUSED and self.lease is None:
            self.pointless = self._settles(reply.item)
        return request

    def leave(self) -> Request | None:
        """Gives the lease back, or stops to wait for it, and returns what to send."""
        self.end()
        return self._follow(self.core.leave(self.now_ms()))

    def give_up(self) -> Request | None:
        """For drivers that have ended a request under way, to which no reply will come.

        Returns:
            What to send now.
        """
        return self.on_reply(Reply(Outcome.UNKNOWN, reason="given up")) if self._asked else None

    def end(self, reason: StopReason = StopReason.ASKED) -> None:
        """Ends the term, if there is one, and tells why.

        Args:
            reason: Why.
        """
        if self.lease is None or self._ended:
            return
        self._ended = True
        self.holder = None
        self.lease.end(reason)
        # The lease may have noticed by the clock before.
        reason = self.lease.reason or reason
        lost = reason is not StopReason.ASKED
        self._tally.happened(Stopped(self.lease.token, reason), lost=lost)

    def _follow(self, actions: list[Action]) -> Request | None:
        request: Request | None = None
        for action in actions:
            match action:
                case Send():
                    request = action.request
                    self._asked = True
                case Started(token, until_ms):
                    self.lease = Lease(
                        key=self.key, token=token, until_ms=until_ms, clock=self._clock
                    )
                    self.holder = self.core.holder
                    self._tally.happened(action)
                case Extended(until_ms) if self.lease is not None:
                    self.lease.extend(until_ms)
                    self._tally.happened(action)
                case Stopped(_, reason):
                    self.end(reason)
                case Seen(holder, _):
                    self.holder = holder
                    self._tally.happened(action)
                case Released():
                    self._tally.happened(action)
                case _:
                    # An extension that comes after the term of this claim.
                    pass
        return request
