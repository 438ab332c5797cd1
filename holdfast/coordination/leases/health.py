"""What elections, groups and locks tell health checks, gauges and logs: numbers, and events."""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import (
    Extended,
    Released,
    Seen,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.stores.store import Outcome, Reply


@dataclass(frozen=True, slots=True)
class Trouble:
    """A request without an answer that settles anything.

    Attributes:
        reason: Why, for a human.
    """

    reason: str


LeaseEvent = Started | Extended | Stopped | Seen | Released | Trouble
"""What a listener is told: a term's begin, renewals and end, who leads, that this process neither
holds nor waits any more, and failed requests."""

Listener = Callable[[LeaseEvent], None]
"""Called on the thread or task that drives the lease. It must return soon, and not raise."""


@dataclass(frozen=True, slots=True)
class Health:
    """One candidate, or one user of a lock, at one moment. The counts only grow.

    Attributes:
        leads: Whether it leads, or holds the lock, and may go on for now.
        leader: Who does as far as it knows; None if nobody.
        remaining_ms: How long it may go on if no renewal succeeds any more; 0 if it does not lead.
        silent_ms: For how long the store has not given an answer; None if it never has.
        terms: How many terms it has begun.
        renewals: How often it has renewed.
        losses: How many terms ended by lost contact or a takeover.
        troubles: How many requests failed.
    """

    leads: bool
    leader: str | None
    remaining_ms: int
    silent_ms: int | None
    terms: int
    renewals: int
    losses: int
    troubles: int


class Tally:
    """Counts what happens to one candidate, and passes it on.

    Args:
        listener: Whom to tell, if anybody.
    """

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._answered_ms: int | None = None
        self._terms = self._renewals = self._losses = self._troubles = 0

    def replied(self, now_ms: int, reply: Reply) -> None:
        """Counts a reply.

        Args:
            now_ms: The time.
            reply: The reply.
        """
        if reply.outcome in (Outcome.APPLIED, Outcome.REFUSED):
            self._answered_ms = now_ms
        else:
            self._troubles += 1
            self._tell(Trouble(reply.reason))

    def happened(
        self, event: Started | Extended | Stopped | Seen | Released, *, lost: bool = False
    ) -> None:
        """Counts an event.

        Args:
            event: What happened.
            lost: Whether a term ended against the holder's will.
        """
        self._terms += isinstance(event, Started)
        self._renewals += isinstance(event, Extended)
        self._losses += lost
        self._tell(event)

    def resigned(self, lease: Lease) -> None:
        """Counts the end of a term by its work's own return; another end has been told of.

        Args:
            lease: The term's lease, not ended by the caller yet.
        """
        if lease.reason is None:
            self.happened(Stopped(lease.token, StopReason.ASKED))

    def silent_ms(self, now_ms: int) -> int | None:
        """For how long the store has not given an answer; None if it never has.

        Args:
            now_ms: The time.
        """
        return None if self._answered_ms is None else now_ms - self._answered_ms

    def health(self, now_ms: int, *, leader: str | None, remaining_ms: int) -> Health:
        """The numbers at one moment.

        Args:
            now_ms: The time.
            leader: Who leads.
            remaining_ms: How long this candidate may go on leading.
        """
        return Health(
            leads=remaining_ms > 0,
            leader=leader,
            remaining_ms=remaining_ms,
            silent_ms=self.silent_ms(now_ms),
            terms=self._terms,
            renewals=self._renewals,
            losses=self._losses,
            troubles=self._troubles,
        )

    def _tell(self, event: LeaseEvent) -> None:
        if self._listener is not None:
            self._listener(event)
