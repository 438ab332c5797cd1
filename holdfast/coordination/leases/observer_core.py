"""What a process that does not stand for a lease can know of it. Reads no clock but its own.

What it guarantees stands in :mod:`holdfast.coordination.leases.observer`.
"""

import threading
from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.coordination.drivers.clock import Clock, went_back
from holdfast.coordination.drivers.program import Program
from holdfast.coordination.stores.store import Get, Item, Outcome, Reply, number, text
from holdfast.errors import ConfigurationError

LEAST_PERIOD_MS = 100
"""Shortest time between two looks. Each is a strongly consistent read, which somebody pays for."""
_LEAST_PERIODS = 2


class Standing(StrEnum):
    """How a lease stands.

    ``HELD``: its record names a holder, and has changed within a lease. ``STALE``: it names one,
    and has not changed for a whole lease of that holder's, so that any candidate may take over.
    ``FREE``: it names nobody. ``UNKNOWN``: the store has not said for too long.
    """

    HELD = "held"
    STALE = "stale"
    FREE = "free"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a lease. Two are equal if standing, holder and token are.

    Attributes:
        standing: How it stands.
        holder: Who holds it, as ``<owner>/<instance>``; None unless it is held or stale.
        token: The last token that was given; 0 if there was none, or it is unknown.
        silent_ms: For how long the record is known not to have changed.
        age_ms: How long ago the look was sent that this is known from; None if it is unknown.
        reason: Why it is unknown, for a human.
    """

    standing: Standing
    holder: str | None = None
    token: int = 0
    silent_ms: int = field(default=0, compare=False)
    age_ms: int | None = field(default=None, compare=False)
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """The last answer. It was true at some moment after ``sent_ms``."""

    holder: str | None
    token: int
    nonce: str | None
    lease_ms: int
    sent_ms: int
    since_ms: int


class ObserverCore:
    """One process's view of one lease, for threads and tasks alike.

    Args:
        key: Key of the lease's item.
        period_ms: Shortest time between two looks.
        max_age_ms: How old an answer may be, counted from the sending of its look.
        clock: What all of this is counted on.

    Raises:
        ConfigurationError: If looks come too often, or an answer is too old before the next one.
    """

    def __init__(self, *, key: str, period_ms: int, max_age_ms: int, clock: Clock) -> None:
        if period_ms < LEAST_PERIOD_MS:
            raise ConfigurationError(
                f"period_ms={period_ms} for observers of {key} is less than {LEAST_PERIOD_MS}. "
                "Look less often: each look is a read that is paid for, and candidates themselves "
                "look once a second."
            )
        if max_age_ms < _LEAST_PERIODS * period_ms:
            raise ConfigurationError(
                f"max_age_ms={max_age_ms} for observers of {key} is less than {_LEAST_PERIODS} "
                f"periods of {period_ms} ms, so that one slow answer would make the lease unknown. "
                f"Use {_LEAST_PERIODS * period_ms} or more, or look more often."
            )
        self._key = key
        self._period_ms = period_ms
        self._max_age_ms = max_age_ms
        self._clock = clock
        self._next_ms: int | None = None
        self._known: _Known | None = None
        self._trouble = "no look has ended yet"
        # Threads may share an observer; nothing is awaited under it.
        self._mutex = threading.Lock()

    @property
    def due_ms(self) -> int:
        """When the next look is due, or what is known gets too old, whichever comes first."""
        due_ms = self._clock.now_ms() if self._next_ms is None else self._next_ms
        if self._known is None or self.known.standing is Standing.UNKNOWN:
            return due_ms
        return min(due_ms, self._known.sent_ms + self._max_age_ms + 1)

    @property
    def known(self) -> Sighting:
        """What is known now.

        Raises:
            ConfigurationError: If the clock went back.
        """
        known = self._known
        if known is None:
            return Sighting(Standing.UNKNOWN, reason=self._trouble)
        now_ms = self._clock.now_ms()
        age_ms = now_ms - known.sent_ms
        if age_ms < 0:
            raise went_back(f"the observer of {self._key}", known.sent_ms, now_ms)
        if age_ms > self._max_age_ms:
            reason = self._trouble or f"the last look was sent {age_ms} ms ago"
            return Sighting(Standing.UNKNOWN, reason=reason)
        # It was the same from when it was first learnt until at least the last look was sent.
        silent_ms = max(0, known.sent_ms - known.since_ms)
        if known.holder is None:
            standing = Standing.FREE
        else:
            standing = Standing.STALE if silent_ms >= known.lease_ms else Standing.HELD
        return Sighting(standing, known.holder, known.token, silent_ms, age_ms)

    def look(self) -> Program[Sighting]:
        """Reads the record if a look is due, and tells what is known then.

        Raises:
            ConfigurationError: If the store refuses the first look, or the item is no lease.
        """
        now_ms = self._clock.now_ms()
        with self._mutex:
            due = self._next_ms is None or now_ms >= self._next_ms
            if due:
                self._next_ms = now_ms + self._period_ms
        if due:
            self._learn(now_ms, (yield from self._read()))
        return self.known

    def _read(self) -> Program[Reply]:
        try:
            return (yield Get(self._key))
        except ConfigurationError as error:
            # A store that has worked and now refuses is an outage.
            if self._known is None:
                raise
            return Reply(Outcome.UNKNOWN, reason=str(error))

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        if reply.outcome is not Outcome.APPLIED:
            self._trouble = reply.reason
            return
        holder, nonce, token, lease_ms = self._fields(reply.item)
        with self._mutex:
            before, since_ms = self._known, self._clock.now_ms()
            if before is not None and before.sent_ms > sent_ms:
                # A slow answer, which a later look has overtaken.
                return
            if before is not None and (before.nonce, before.token) == (nonce, token):
                since_ms = before.since_ms
            self._trouble = ""
            self._known = _Known(holder, token, nonce, lease_ms, sent_ms, since_ms)

    def _fields(self, item: Item | None) -> tuple[str | None, str | None, int, int]:
        if item is None:
            return None, None, 0, 0
        holder, nonce, token = text(item, "holder"), text(item, "nonce"), number(item, "token")
        lease_ms = number(item, "lease_ms")
        if nonce is None or token < 1 or (holder is not None and lease_ms < 1):
            raise ConfigurationError(
                f"Item {self._key} is no lease: it has the attributes {', '.join(sorted(item))}. "
                "Observe the key that an election or a lock was given."
            )
        return holder, nonce, token, lease_ms
