"""Bugs in the protocol of a lease that people ship, each as small a change to it as it can be.

The first group was found in libraries of others; the rest are the mistakes next to them.
"""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

from collections.abc import Callable
from dataclasses import replace

from holdfast.coordination.leases.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Phase,
    Released,
    Send,
    StopReason,
    _Call,
    _InFlight,
)
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Equals,
    Item,
    Outcome,
    Reply,
    Update,
    number,
    text,
)


class LeaseMutant(LeaseCore):
    """A core that mutants can be made from."""

    wall_ms: Callable[[], int]

    def set(self, request: Update, **assign: str | int) -> Update:
        return replace(request, assign={**request.assign, **assign})


class CountsFromTheReply(LeaseMutant):
    """python_dynamodb_lock: the lease is counted from when the reply came in."""

    def on_reply(self, now_ms: int, reply: Reply) -> list[Action]:
        if self._in_flight is not None:
            self._in_flight.sent_ms = now_ms
        for nonce in self._unknown:
            self._unknown[nonce] = now_ms
        return super().on_reply(now_ms, reply)


class NeverHeartbeatsAgain(LeaseMutant):
    """python_dynamodb_lock: one failed heartbeat and there is never another."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        actions = super()._renew_ended(call, reply)
        if reply.outcome is Outcome.UNKNOWN and self._phase is Phase.HOLDING:
            self._next_ms = 10**12
            self._until_ms = 10**12
            actions = [*actions, Extended(self._until_ms)]
        return actions


class ForgetsItsDeadHeartbeat(LeaseMutant):
    """dynamodb-persistent-lock: the heartbeat is dead, the handle says the lock is held."""

    def _stop(self, reason: StopReason) -> list[Action]:
        if reason is StopReason.LOST_CONTACT:
            self._until_ms = self._next_ms = 10**12
            return [Extended(self._until_ms)]
        return super()._stop(reason)


class LateReleaseDeletes(LeaseMutant):
    """dynalock: a release deletes whatever record is there."""

    def _release(self, now_ms: int) -> list[Action]:
        actions = super()._release(now_ms)
        return [
            Send(replace(action.request, when=Always())) if isinstance(action, Send) else action
            for action in actions
        ]


class ComparesWallClocks(LeaseMutant):
    """dynamo-dlm: the record says until when, and a waiter believes its own wall clock."""

    def _send(self, now_ms: int, call: _Call, nonce: str, request: Update) -> list[Action]:
        if call is not _Call.RELEASE:
            request = self.set(request, wall_until=self.wall_ms() + self._timing.lease_ms)
        return super()._send(now_ms, call, nonce, request)

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched and number(item, "wall_until") < self.wall_ms():
            self._watched.since_ms = now_ms - self._watched.lease_ms
        return actions


class PollsWithoutPause(LeaseMutant):
    """dynamo-dlm: hundreds of requests a second while waiting."""

    def _send(self, now_ms: int, call: _Call, nonce: str, request: Update) -> list[Action]:
        actions = super()._send(now_ms, call, nonce, request)
        if call is _Call.ACQUIRE:
            self._next_ms = now_ms + self._timing.retry_ms // 10
        return actions


class DrawsTokensAtRandom(LeaseMutant):
    """awslabs' Java client: the record's version is a random string, so it cannot order terms."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        return replace(self.set(request, token=int(nonce[:6], 16) + 1), add={})


class ReleaseDeletesTheRecord(LeaseMutant):
    """awslabs, dynalock: what remembers the last token is gone after a release."""

    def _release(self, now_ms: int) -> list[Action]:
        actions = super()._release(now_ms)
        return [
            Send(replace(action.request, remove=("holder", "token", "beat", "lease_ms")))
            if isinstance(action, Send)
            else action
            for action in actions
        ]


class TokensFromTheWallClock(LeaseMutant):
    """A token made of the date goes back when the date does."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        return replace(self.set(request, token=100_000 + self.wall_ms()), add={})


class StealsWithoutANewToken(LeaseMutant):
    """A takeover that keeps the old holder's token."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        watched = self._watched
        if watched and now_ms - watched.since_ms >= watched.lease_ms:
            return replace(request, add={"token": 0})
        return request


class StealsUnconditionally(LeaseMutant):
    """A takeover that does not make sure that nothing has changed since it looked."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        watched = self._watched
        if watched and now_ms - watched.since_ms >= watched.lease_ms:
            return replace(request, when=Always())
        return request


class StealsFromTheSameHolder(LeaseMutant):
    """A takeover whose condition names the holder, who may have renewed since."""

    _seen = ""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        self._seen = text(item, "holder") or ""
        return super()._watch(now_ms, item)

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        watched = self._watched
        if watched and now_ms - watched.since_ms >= watched.lease_ms:
            return replace(request, when=AnyOf((Absent("holder"), Equals("holder", self._seen))))
        return request


class NeverLooksAgain(LeaseMutant):
    """Staleness counted from the first sight of a holder, not from its last sign of life."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        since = self._watched.since_ms if self._watched else now_ms
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.since_ms = since
        return actions


class WatchesTheNonceAlone(LeaseMutant):
    """A nonce that an acquisition has brought back is the old sign of life."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        before = self._watched
        actions = super()._watch(now_ms, item)
        if before and self._watched and self._watched.nonce == before.nonce:
            self._watched.since_ms = before.since_ms
        return actions


class UsesItsOwnLease(LeaseMutant):
    """A waiter that takes its own lease length for the holder's."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.lease_ms = self._timing.lease_ms
        return actions


class StealsHalfWay(LeaseMutant):
    """A waiter in a hurry."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.lease_ms = number(item, "lease_ms") // 2
        return actions


class RenewsUnconditionally(LeaseMutant):
    """A renewal that brings a lost lease back to life."""

    def _renewal(self, nonce: str) -> Update:
        request = super()._renewal(nonce)
        when = AnyOf((Absent("beat"), AtMost("beat", self._beat - 1)))
        return self.set(
            replace(request, when=when),
            holder=self._holder,
            token=self._token,
            lease_ms=self._timing.lease_ms,
        )


class RenewsByHolderAlone(LeaseMutant):
    """A renewal that does not name its term."""

    def _renewal(self, nonce: str) -> Update:
        request = super()._renewal(nonce)
        beat = AtMost("beat", self._beat - 1)
        return replace(request, when=AllOf((Equals("holder", self._holder), beat)))


class UnseatedByOneLostReply(LeaseMutant):
    """A renewal conditional on the last nonce that was confirmed."""

    _confirmed = ""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        self._confirmed = ""
        return super()._won(now_ms, sent_ms, token)

    def _renewal(self, nonce: str) -> Update:
        request = super()._renewal(nonce)
        if not self._confirmed:
            return request
        return replace(request, when=AllOf((request.when, Equals("nonce", self._confirmed))))

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.APPLIED:
            self._confirmed = call.nonce
        return super()._renew_ended(call, reply)


class KeepsItsNonce(LeaseMutant):
    """A renewal that leaves the record as it was, so that a living holder looks dead."""

    def _renewal(self, nonce: str) -> Update:
        self._beat += 1
        request = super()._renewal(nonce)
        assign = {name: value for name, value in request.assign.items() if name != "nonce"}
        return replace(request, assign=assign)

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.APPLIED:
            reply = Reply(Outcome.APPLIED, {**(reply.item or {}), "nonce": call.nonce})
        return super()._renew_ended(call, reply)


class WithoutAMargin(LeaseMutant):
    """A holder that uses its lease to the last millisecond."""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        return super()._won(now_ms, sent_ms + self._timing.margin_ms, token)

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        late = replace(call, sent_ms=call.sent_ms + self._timing.margin_ms)
        return super()._renew_ended(late, reply)


class LostReplyIsALostLease(LeaseMutant):
    """An acquisition whose reply was lost is not recognised by its nonce."""

    def _acquire_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.UNKNOWN:
            return []
        return super()._acquire_ended(now_ms, call, reply)

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        self._holder, mine = "nobody", self._holder
        actions = super()._watch(now_ms, item)
        self._holder = mine
        return actions


class RecognisedAsNew(LeaseMutant):
    """A recognised acquisition counted from its recognition, not from its sending."""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        del sent_ms
        return super()._won(now_ms, now_ms, token)


class NoAnswerIsYes(LeaseMutant):
    """A renewal without an answer taken for granted."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.UNKNOWN:
            reply = Reply(Outcome.APPLIED, {"nonce": call.nonce})
        return super()._renew_ended(call, reply)


class ConflictIsYes(LeaseMutant):
    """A write in conflict with another region taken for applied."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.RETRY:
            reply = Reply(Outcome.APPLIED, {"nonce": call.nonce})
        return super()._renew_ended(call, reply)


class AcquiredWithoutAnAnswer(LeaseMutant):
    """An acquisition without an answer taken for granted."""

    def _acquire_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.UNKNOWN and self._phase is Phase.WAITING:
            return self._won(now_ms, call.sent_ms, (self._former or 0) + 1)
        return super()._acquire_ended(now_ms, call, reply)


class OldIncarnationLives(LeaseMutant):
    """A restarted process takes the record of its former life for its own term."""

    def _acquire_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.REFUSED and text(reply.item, "holder") == self._holder:
            return self._won(now_ms, call.sent_ms, number(reply.item, "token"))
        return super()._acquire_ended(now_ms, call, reply)


class NeverTakesOver(LeaseMutant):
    """A crash locks the key for good (Powertools outside Lambda: for an hour)."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.lease_ms = 3_600_000
        return actions


class RepeatedRenewalRevives(LeaseMutant):
    """No beat: a renewal that arrives twice brings an old nonce back."""

    def _renewal(self, nonce: str) -> Update:
        request = super()._renewal(nonce)
        return replace(
            request, when=AllOf((Equals("holder", self._holder), Equals("token", self._token)))
        )


class ReleasesTooEarly(LeaseMutant):
    """The lease is given up as soon as somebody asks, whatever still runs under it."""

    def on_tick(self, now_ms: int) -> list[Action]:
        actions = super().on_tick(now_ms)
        if self._phase is Phase.HOLDING and self._beat and self._beat % 7 == 0:
            actions += self.leave(now_ms)
        return actions

    def _left(self) -> list[Action]:
        return [each for each in super()._left() if not isinstance(each, Released)]


class BeginsTooLate(LeaseMutant):
    """A term begins whenever the news of it comes in."""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        return super()._won(sent_ms if self._phase is Phase.WAITING else now_ms, sent_ms, token)


class ExtendsWhatIsOver(LeaseMutant):
    """A renewal's reply extends the term, whether or not it is over by now."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.APPLIED and self._phase is Phase.IDLE:
            return [Extended(call.sent_ms + self._timing.lease_ms - self._timing.margin_ms)]
        return super()._renew_ended(call, reply)


class SetsNoAlarm(LeaseMutant):
    """That its time is over is noticed with the next request or reply."""

    @property
    def due_ms(self) -> int | None:
        if self._phase is not Phase.HOLDING:
            return super().due_ms
        return None if self._in_flight else self._next_ms


class GoesOnWhenRobbed(LeaseMutant):
    """A refused renewal is tried again like one without an answer."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.REFUSED and text(reply.item, "nonce") != call.nonce:
            return []
        return super()._renew_ended(call, reply)


class NeverReleases(LeaseMutant):
    """Who leaves lets its lease run out."""

    def _release(self, now_ms: int) -> list[Action]:
        self._leave_by_ms = now_ms
        return super()._release(now_ms)


class TakesRefusalForLoss(LeaseMutant):
    """A refused release ends the matter, although the record still names who sent it."""

    def _release_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.REFUSED:
            return self._left()
        return super()._release_ended(now_ms, call, reply)


class ReleasesForEver(LeaseMutant):
    """A release is tried until it is answered."""

    def _leave_holding(self, now_ms: int, token: int) -> None:
        super()._leave_holding(now_ms, token)
        self._leave_by_ms = 10**12


class ReleasesWithoutPause(LeaseMutant):
    """A release without an answer is tried again at once."""

    def _release_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        actions = super()._release_ended(now_ms, call, reply)
        self._next_ms = now_ms
        return actions
