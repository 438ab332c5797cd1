"""The lease protocol: events and times in, actions out. No clock, no socket, no thread.

One item holds the lease: ``holder`` (present while somebody holds it), ``nonce`` (new with every
write), ``token`` (raised by one with every change of holder), ``beat`` (raised by one with every
renewal of a term) and ``lease_ms`` (the holder's own).

Guarantees:
    Tokens only grow, through release, steal, crash and process restart, because the record
    outlives its holders and every acquisition adds one to what it finds. Of two holders that
    overlap, the later has the greater token. A holder is told to stop ``margin_ms`` before a
    lease counted from the *sending* of its last applied renewal has passed. A candidate replaces
    a holder only when its record has not changed for one whole lease of the *holder's*, on the
    candidate's clock, counted from when the candidate learnt of it.

Does not guarantee:
    That a holder which was paused notices before it acts: only the fence
    (:mod:`holdfast.coordination.leases.fence`) at the resource stops its writes. Anything once the
    record is deleted from outside: nothing here deletes it, and nothing else may.

Source:
    C. Gray and D. Cheriton, Leases, 1989; the staleness rule of client-go's leaderelection;
    fencing as in M. Kleppmann, How to do distributed locking, 2016.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.coordination.drivers.clock import went_back
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    AnyOf,
    AtMost,
    Condition,
    Equals,
    Item,
    Outcome,
    Reply,
    Update,
    number,
    text,
)
from holdfast.errors import ConfigurationError

_REMEMBERED_NONCES = 4


class StopReason(StrEnum):
    """Why a holder has to stop.

    ``LOST_CONTACT``: no renewal was confirmed in time. ``STOLEN``: the store says that somebody
    else has taken over, or that the record is gone. ``ASKED``: this process was asked to stop,
    and releases the lease as soon as its work has ended.
    """

    LOST_CONTACT = "lost contact"
    STOLEN = "stolen"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this to the store, and hand the reply to :meth:`LeaseCore.on_reply`."""

    request: Update


@dataclass(frozen=True, slots=True)
class Started:
    """A term began.

    Attributes:
        token: Its fencing token.
        until_ms: When its holder must have stopped unless ``Extended`` comes first.
    """

    token: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Extended:
    """The term was renewed and now lasts until then."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The term ended; nothing may be done under its token any more."""

    token: int
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate saw who holds the lease.

    Attributes:
        holder: Who, as ``<owner>/<instance>``.
        token: With which token.
        silent_ms: For how long the record has not changed under the candidate's eyes.
    """

    holder: str
    token: int
    silent_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Released:
    """The holder or candidate has left, as far as can be known. It may campaign again."""


Action = Send | Started | Extended | Stopped | Seen | Released
"""What a driver must carry out, in order."""


class Phase(StrEnum):
    """Where a participant is. It starts, and after each term ends, in ``IDLE``."""

    IDLE = "idle"
    WAITING = "waiting"
    HOLDING = "holding"
    LEAVING = "leaving"


class _Call(StrEnum):
    ACQUIRE = "acquire"
    RENEW = "renew"
    RELEASE = "release"


@dataclass(slots=True)
class _InFlight:
    call: _Call
    sent_ms: int
    nonce: str


@dataclass(slots=True)
class _Watched:
    """The record of another holder, and since when it has looked like this."""

    nonce: str
    token: int
    since_ms: int
    lease_ms: int


class LeaseCore:
    """One participant's view of one lease.

    At most one request is in flight. The driver calls :meth:`on_tick` at ``due_ms`` or later and
    :meth:`on_reply` once per ``Send``, with times of one monotonic clock.

    Args:
        key: Key of the lease's item.
        owner: Who takes part, for humans. The core adds a nonce of its own to it.
        timing: How long the lease lasts.
        new_nonce: Returns a string that no other call ever returned, on any machine.
        only_if: What must be true of the record, besides being free, for it to be acquired.
        also: Attributes to set with the acquisition.
    """

    def __init__(
        self,
        *,
        key: str,
        owner: str,
        timing: LeaseTiming,
        new_nonce: Callable[[], str],
        only_if: Condition | None = None,
        also: Item | None = None,
    ) -> None:
        self._key = key
        self._timing = timing
        self._new_nonce = new_nonce
        self._only_if = only_if
        self._also = also or {}
        self._holder = f"{owner}/{new_nonce()}"
        self._phase = Phase.IDLE
        self._now_ms: int | None = None
        self._in_flight: _InFlight | None = None
        self._next_ms = 0
        self._watched: _Watched | None = None
        # Acquisitions whose reply was lost: sent when, by nonce. One of them may have won.
        self._unknown: dict[str, int] = {}
        # Token under which the record may still name this participant although its term is over.
        self._former: int | None = None
        # 0 outside a term; the store's tokens start at 1.
        self._token = 0
        self._beat = 0
        self._until_ms = 0
        self._leave_by_ms = 0
        self._leave_when: Condition | None = None

    @property
    def phase(self) -> Phase:
        """Where this participant is."""
        return self._phase

    @property
    def holder(self) -> str:
        """How this participant appears in the record while it holds the lease."""
        return self._holder

    @property
    def token(self) -> int | None:
        """The fencing token of the current term, or None outside one."""
        return self._token if self._phase is Phase.HOLDING else None

    @property
    def due_ms(self) -> int | None:
        """When :meth:`on_tick` must be called next; None while only a reply can change anything."""
        if self._phase is Phase.IDLE:
            return None
        if self._phase is Phase.HOLDING:
            return self._until_ms if self._in_flight else min(self._next_ms, self._until_ms)
        return None if self._in_flight else self._next_ms

    def campaign(self, now_ms: int) -> list[Action]:
        """Starts to try for the lease. Does nothing unless idle.

        Args:
            now_ms: The time.
        """
        actions = self._advance(now_ms)
        if self._phase is Phase.IDLE:
            self._phase = Phase.WAITING
            self._next_ms = max(now_ms, self._next_ms)
            actions += self._act(now_ms)
        return actions

    def leave(self, now_ms: int) -> list[Action]:
        """Releases the lease, or stops trying for it. ``Released`` follows at the end.

        The caller must already have stopped whatever it did under the token.

        Args:
            now_ms: The time.
        """
        actions = self._advance(now_ms)
        if self._phase is Phase.HOLDING:
            self._leave_holding(now_ms, self._token)
        elif self._phase is Phase.WAITING:
            self._leave_waiting(now_ms)
        elif self._phase is Phase.LEAVING:
            return actions
        else:
            return [*actions, Released()]
        self._phase = Phase.LEAVING
        self._next_ms = now_ms
        return actions + self._act(now_ms)

    def on_tick(self, now_ms: int) -> list[Action]:
        """What to do now that time has passed.

        Args:
            now_ms: The time.
        """
        actions = self._advance(now_ms)
        return actions + self._act(now_ms)

    def on_reply(self, now_ms: int, reply: Reply) -> list[Action]:
        """What to do now that the request in flight has ended.

        Args:
            now_ms: The time.
            reply: How it ended; ``UNKNOWN`` if the driver gave up waiting.
        """
        actions = self._advance(now_ms)
        call, self._in_flight = self._in_flight, None
        if call is None:
            raise ConfigurationError(
                f"A reply ({reply.outcome}) arrived while no request was in flight for "
                f"{self._key}. Drivers hand over exactly one reply per Send."
            )
        if call.call is _Call.ACQUIRE:
            actions += self._acquire_ended(now_ms, call, reply)
        elif call.call is _Call.RENEW:
            actions += self._renew_ended(call, reply)
        else:
            actions += self._release_ended(now_ms, call, reply)
        return actions + self._act(now_ms)

    def _advance(self, now_ms: int) -> list[Action]:
        if self._now_ms is not None and now_ms < self._now_ms:
            raise went_back(f"lease {self._key}", self._now_ms, now_ms)
        self._now_ms = now_ms
        if self._phase is Phase.HOLDING and now_ms >= self._until_ms:
            return self._stop(StopReason.LOST_CONTACT)
        return []

    def _act(self, now_ms: int) -> list[Action]:
        """Sends what is due, if nothing is in flight."""
        if self._in_flight or self._phase is Phase.IDLE or now_ms < self._next_ms:
            return []
        if self._phase is Phase.LEAVING:
            return self._release(now_ms)
        nonce = self._new_nonce()
        if self._phase is Phase.HOLDING:
            return self._send(now_ms, _Call.RENEW, nonce, self._renewal(nonce))
        return self._send(now_ms, _Call.ACQUIRE, nonce, self._acquisition(now_ms, nonce))

    def _send(self, now_ms: int, call: _Call, nonce: str, request: Update) -> list[Action]:
        self._in_flight = _InFlight(call, now_ms, nonce)
        self._next_ms = now_ms + self._timing.retry_ms
        return [Send(request)]

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        free: list[Condition] = [Absent("holder")]
        if self._former is not None:
            free.append(AllOf((Equals("holder", self._holder), Equals("token", self._former))))
        watched = self._watched
        if watched and now_ms - watched.since_ms >= watched.lease_ms:
            free.append(AllOf((Equals("nonce", watched.nonce), Equals("token", watched.token))))
        when: Condition = AnyOf(tuple(free))
        return Update(
            key=self._key,
            when=when if self._only_if is None else AllOf((when, self._only_if)),
            assign={
                **self._also,
                "holder": self._holder,
                "nonce": nonce,
                "beat": 0,
                "lease_ms": self._timing.lease_ms,
            },
            add={"token": 1},
        )

    def _renewal(self, nonce: str) -> Update:
        # The condition names the term, not the last nonce: a renewal whose reply was lost must
        # not make the next one fail. The beat keeps a renewal that arrives late, or twice, from
        # bringing back a nonce that a candidate has already seen.
        self._beat += 1
        return Update(
            key=self._key,
            when=AllOf(
                (
                    Equals("holder", self._holder),
                    Equals("token", self._token),
                    AtMost("beat", self._beat - 1),
                )
            ),
            assign={"nonce": nonce, "beat": self._beat},
        )

    def _release(self, now_ms: int) -> list[Action]:
        if self._leave_when is None or now_ms >= self._leave_by_ms:
            return self._left()
        nonce = self._new_nonce()
        request = Update(
            key=self._key,
            when=AllOf((Equals("holder", self._holder), self._leave_when)),
            assign={"nonce": nonce},
            remove=("holder", "beat", "lease_ms"),
        )
        return self._send(now_ms, _Call.RELEASE, nonce, request)

    def _acquire_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        # Even a refused request may have been applied before, when it arrives twice.
        self._unknown[call.nonce] = call.sent_ms
        sent_ms: int | None = None
        if reply.outcome in (Outcome.APPLIED, Outcome.REFUSED):
            sent_ms = self._unknown.get(text(reply.item, "nonce") or "")
        if reply.outcome is not Outcome.UNKNOWN:
            del self._unknown[call.nonce]
        elif len(self._unknown) > _REMEMBERED_NONCES:
            del self._unknown[next(iter(self._unknown))]
        if sent_ms is not None:
            return self._won(now_ms, sent_ms, number(reply.item, "token"))
        if self._phase is Phase.LEAVING:
            if text(reply.item, "holder") == self._holder:
                self._former = number(reply.item, "token")
            self._leave_waiting(now_ms)
            return []
        return self._watch(now_ms, reply.item) if reply.outcome is Outcome.REFUSED else []

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        self._unknown.clear()
        self._watched = None
        if self._phase is Phase.LEAVING:
            self._leave_holding(now_ms, token)
            self._next_ms = now_ms
            return []
        until_ms = sent_ms + self._timing.lease_ms - self._timing.margin_ms
        if now_ms >= until_ms:
            # The news came too late to act on. The record is ours to take again.
            self._former = token
            return []
        self._phase = Phase.HOLDING
        self._token, self._former, self._beat = token, None, 0
        self._until_ms = until_ms
        self._next_ms = sent_ms + self._timing.renew_ms
        return [Started(token, until_ms)]

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        holder, nonce = text(item, "holder"), text(item, "nonce")
        if holder is None or nonce is None:
            # Refused by a record that now looks free: it changed under way. Look again.
            self._watched = None
            return []
        token = number(item, "token")
        if holder == self._holder:
            self._former = token
            return []
        self._former = None
        # By the token too: an acquisition that arrives a second time brings its nonce back.
        if self._watched is None or (self._watched.nonce, self._watched.token) != (nonce, token):
            lease_ms = number(item, "lease_ms") or self._timing.lease_ms
            self._watched = _Watched(nonce, token, now_ms, lease_ms)
        self._aim(now_ms, self._watched)
        return [Seen(holder, token, now_ms - self._watched.since_ms)]

    def _aim(self, now_ms: int, watched: _Watched) -> None:
        """Puts the next look off to the moment when a silent holder may be replaced.

        Where two looks would fall around that moment, one at it comes sooner than the second. Not
        for a holder that may still be on time: its release must be seen within a retry period.
        """
        silent = 2 * (now_ms - watched.since_ms) >= watched.lease_ms
        stale_ms = watched.since_ms + watched.lease_ms
        if silent and self._next_ms < stale_ms < self._next_ms + self._timing.retry_ms:
            self._next_ms = stale_ms

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if self._phase is not Phase.HOLDING:
            # The term ended, or its holder chose to leave, while the renewal was under way.
            return []
        if reply.outcome not in (Outcome.APPLIED, Outcome.REFUSED):
            return []
        # Refused by what it wrote itself: it arrived twice.
        if text(reply.item, "nonce") == call.nonce:
            self._until_ms = call.sent_ms + self._timing.lease_ms - self._timing.margin_ms
            self._next_ms = call.sent_ms + self._timing.renew_ms
            return [Extended(self._until_ms)]
        return self._stop(StopReason.STOLEN)

    def _release_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        ours = reply.outcome is Outcome.REFUSED and text(reply.item, "holder") == self._holder
        if reply.outcome is Outcome.APPLIED or (reply.outcome is Outcome.REFUSED and not ours):
            return self._left()
        self._next_ms = max(now_ms, call.sent_ms + self._timing.retry_ms)
        if ours:
            # Won by a request that is forgotten by now. Once more, with the token it has.
            self._leave_when = Equals("token", number(reply.item, "token"))
            self._leave_by_ms = max(self._leave_by_ms, self._next_ms + 1)
        return []

    def _stop(self, reason: StopReason) -> list[Action]:
        token, self._token = self._token, 0
        self._former = token
        self._phase = Phase.IDLE
        return [Stopped(token, reason)]

    def _left(self) -> list[Action]:
        self._phase = Phase.IDLE
        self._former, self._token = self._token or None, 0
        self._leave_when = None
        self._unknown.clear()
        # Who campaigns again after leaving decides for itself when.
        self._next_ms = 0
        return [Released()]

    def _leave_holding(self, now_ms: int, token: int) -> None:
        self._leave_when = Equals("token", token)
        # After that, others take over in any case.
        self._leave_by_ms = now_ms + self._timing.lease_ms

    def _leave_waiting(self, now_ms: int) -> None:
        """An acquisition whose fate is unknown may have won; it should not stay behind.

        One try to take it back, because it is not likely: who gives up must not wait for a silent
        store any longer than that.
        """
        equals = [Equals("nonce", nonce) for nonce in self._unknown]
        if self._former is not None:
            # The record was seen to name us: what won it may be longer ago than we remember.
            equals.append(Equals("token", self._former))
        self._leave_when = AnyOf(tuple(equals)) if equals else None
        self._leave_by_ms = now_ms + self._timing.retry_ms
