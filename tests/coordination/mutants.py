"""Protocol bugs that people ship, each as small a change to the real protocol as it can be.

The first group was found in libraries of others; the rest are the mistakes next to them.
"""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from holdfast.coordination.election_core import ElectionCore, Finished
from holdfast.coordination.fence import Fence
from holdfast.coordination.lease import Lease
from holdfast.coordination.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Phase,
    Released,
    Send,
    Stopped,
    StopReason,
    _Call,
    _InFlight,
)
from holdfast.coordination.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Delete,
    Equals,
    Item,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
    number,
    text,
)
from holdfast.coordination.timing import LeaseTiming
from holdfast.testing.candidate import Parts
from holdfast.testing.election import REGIONS, MakeStore, strong_store
from holdfast.testing.store import LastWriterWinsStore, Watcher
from holdfast.testing.world import Process, World

ONE_AT_A_TIME = "one holder at a time"
STOPS_EARLY = "a holder stops at least 20 % of its lease early"
WHOLE_LEASE = "only a record unchanged for a whole lease is taken over"
TOKENS_INCREASE = "tokens strictly increase"
TOKENS_NEVER_SHRINK = "tokens never shrink"
NO_STALE_WRITE = "no stale write is accepted"
LATEST_ACCEPTED = "the latest holder's writes are accepted"
TRUE_REASON = "a holder is told the true reason"
WAITER_RATE = "a waiter sends at most one request per retry period"
RECOGNISED = "an applied write whose reply was lost is recognised"
REPLACED = "a lost leader is replaced in time"
OTHERS_RATE = "others send at most one request per retry period"
ONE_WORK = "a process does one term's work at a time"
BEGINS_IN_TIME = "a term begins before it is over"
OVER_IS_OVER = "a term that is over is not extended"
TOLD_IN_TIME = "a holder is told in time to stop"
TOLD_AT_ONCE = "who was robbed is told at once"
LEAVES = "who is asked to leave leaves"
LEFT_NOTHING = "who has left holds nothing"
RELEASE_ENDS = "a release is tried for no longer than a lease"
KEPT_FOR_WORK = "a lease is kept until its work has returned"


class _Core(LeaseCore):
    """A core that mutants can be made from."""

    wall_ms: Callable[[], int]

    def set(self, request: Update, **assign: str | int) -> Update:
        return replace(request, assign={**request.assign, **assign})


class CountsFromTheReply(_Core):
    """python_dynamodb_lock: the lease is counted from when the reply came in."""

    def on_reply(self, now_ms: int, reply: Reply) -> list[Action]:
        if self._in_flight is not None:
            self._in_flight.sent_ms = now_ms
        for nonce in self._unknown:
            self._unknown[nonce] = now_ms
        return super().on_reply(now_ms, reply)


class NeverHeartbeatsAgain(_Core):
    """python_dynamodb_lock: one failed heartbeat and there is never another."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        actions = super()._renew_ended(call, reply)
        if reply.outcome is Outcome.UNKNOWN and self._phase is Phase.HOLDING:
            self._next_ms = 10**12
            self._until_ms = 10**12
            actions = [*actions, Extended(self._until_ms)]
        return actions


class ForgetsItsDeadHeartbeat(_Core):
    """dynamodb-persistent-lock: the heartbeat is dead, the handle says the lock is held."""

    def _stop(self, reason: StopReason) -> list[Action]:
        if reason is StopReason.LOST_CONTACT:
            self._until_ms = self._next_ms = 10**12
            return [Extended(self._until_ms)]
        return super()._stop(reason)


class LateReleaseDeletes(_Core):
    """dynalock: a release deletes whatever record is there."""

    def _release(self, now_ms: int) -> list[Action]:
        actions = super()._release(now_ms)
        return [
            Send(replace(action.request, when=Always())) if isinstance(action, Send) else action
            for action in actions
        ]


class ComparesWallClocks(_Core):
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


class PollsWithoutPause(_Core):
    """dynamo-dlm: hundreds of requests a second while waiting."""

    def _send(self, now_ms: int, call: _Call, nonce: str, request: Update) -> list[Action]:
        actions = super()._send(now_ms, call, nonce, request)
        if call is _Call.ACQUIRE:
            self._next_ms = now_ms + self._timing.retry_ms // 10
        return actions


class DrawsTokensAtRandom(_Core):
    """awslabs' Java client: the record's version is a random string, so it cannot order terms."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        return replace(self.set(request, token=int(nonce[:6], 16) + 1), add={})


class ReleaseDeletesTheRecord(_Core):
    """awslabs, dynalock: what remembers the last token is gone after a release."""

    def _release(self, now_ms: int) -> list[Action]:
        actions = super()._release(now_ms)
        return [
            Send(replace(action.request, remove=("holder", "token", "beat", "lease_ms")))
            if isinstance(action, Send)
            else action
            for action in actions
        ]


class TokensFromTheWallClock(_Core):
    """A token made of the date goes back when the date does."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        return replace(self.set(request, token=100_000 + self.wall_ms()), add={})


class StealsWithoutANewToken(_Core):
    """A takeover that keeps the old holder's token."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        watched = self._watched
        if watched and now_ms - watched.since_ms >= watched.lease_ms:
            return replace(request, add={"token": 0})
        return request


class StealsUnconditionally(_Core):
    """A takeover that does not make sure that nothing has changed since it looked."""

    def _acquisition(self, now_ms: int, nonce: str) -> Update:
        request = super()._acquisition(now_ms, nonce)
        watched = self._watched
        if watched and now_ms - watched.since_ms >= watched.lease_ms:
            return replace(request, when=Always())
        return request


class StealsFromTheSameHolder(_Core):
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


class NeverLooksAgain(_Core):
    """Staleness counted from the first sight of a holder, not from its last sign of life."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        since = self._watched.since_ms if self._watched else now_ms
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.since_ms = since
        return actions


class UsesItsOwnLease(_Core):
    """A waiter that takes its own lease length for the holder's."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.lease_ms = self._timing.lease_ms
        return actions


class StealsHalfWay(_Core):
    """A waiter in a hurry."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.lease_ms = number(item, "lease_ms") // 2
        return actions


class RenewsUnconditionally(_Core):
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


class RenewsByHolderAlone(_Core):
    """A renewal that does not name its term."""

    def _renewal(self, nonce: str) -> Update:
        request = super()._renewal(nonce)
        beat = AtMost("beat", self._beat - 1)
        return replace(request, when=AllOf((Equals("holder", self._holder), beat)))


class UnseatedByOneLostReply(_Core):
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


class KeepsItsNonce(_Core):
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


class WithoutAMargin(_Core):
    """A holder that uses its lease to the last millisecond."""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        return super()._won(now_ms, sent_ms + self._timing.margin_ms, token)

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        late = replace(call, sent_ms=call.sent_ms + self._timing.margin_ms)
        return super()._renew_ended(late, reply)


class LostReplyIsALostLease(_Core):
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


class RecognisedAsNew(_Core):
    """A recognised acquisition counted from its recognition, not from its sending."""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        del sent_ms
        return super()._won(now_ms, now_ms, token)


class NoAnswerIsYes(_Core):
    """A renewal without an answer taken for granted."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.UNKNOWN:
            reply = Reply(Outcome.APPLIED, {"nonce": call.nonce})
        return super()._renew_ended(call, reply)


class ConflictIsYes(_Core):
    """A write in conflict with another region taken for applied."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.RETRY:
            reply = Reply(Outcome.APPLIED, {"nonce": call.nonce})
        return super()._renew_ended(call, reply)


class AcquiredWithoutAnAnswer(_Core):
    """An acquisition without an answer taken for granted."""

    def _acquire_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.UNKNOWN and self._phase is Phase.WAITING:
            return self._won(now_ms, call.sent_ms, (self._former or 0) + 1)
        return super()._acquire_ended(now_ms, call, reply)


class OldIncarnationLives(_Core):
    """A restarted process takes the record of its former life for its own term."""

    def _acquire_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.REFUSED and text(reply.item, "holder") == self._holder:
            return self._won(now_ms, call.sent_ms, number(reply.item, "token"))
        return super()._acquire_ended(now_ms, call, reply)


class NeverTakesOver(_Core):
    """A crash locks the key for good (Powertools outside Lambda: for an hour)."""

    def _watch(self, now_ms: int, item: Item | None) -> list[Action]:
        actions = super()._watch(now_ms, item)
        if self._watched:
            self._watched.lease_ms = 3_600_000
        return actions


class RepeatedRenewalRevives(_Core):
    """No beat: a renewal that arrives twice brings an old nonce back."""

    def _renewal(self, nonce: str) -> Update:
        request = super()._renewal(nonce)
        return replace(
            request, when=AllOf((Equals("holder", self._holder), Equals("token", self._token)))
        )


class ReleasesTooEarly(_Core):
    """The lease is given up as soon as somebody asks, whatever still runs under it."""

    def on_tick(self, now_ms: int) -> list[Action]:
        actions = super().on_tick(now_ms)
        if self._phase is Phase.HOLDING and self._beat and self._beat % 7 == 0:
            actions += self.leave(now_ms)
        return actions

    def _left(self) -> list[Action]:
        return [each for each in super()._left() if not isinstance(each, Released)]


class BeginsTooLate(_Core):
    """A term begins whenever the news of it comes in."""

    def _won(self, now_ms: int, sent_ms: int, token: int) -> list[Action]:
        return super()._won(sent_ms if self._phase is Phase.WAITING else now_ms, sent_ms, token)


class ExtendsWhatIsOver(_Core):
    """A renewal's reply extends the term, whether or not it is over by now."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.APPLIED and self._phase is Phase.IDLE:
            return [Extended(call.sent_ms + self._timing.lease_ms - self._timing.margin_ms)]
        return super()._renew_ended(call, reply)


class SetsNoAlarm(_Core):
    """That its time is over is noticed with the next request or reply."""

    @property
    def due_ms(self) -> int | None:
        if self._phase is not Phase.HOLDING:
            return super().due_ms
        return None if self._in_flight else self._next_ms


class GoesOnWhenRobbed(_Core):
    """A refused renewal is tried again like one without an answer."""

    def _renew_ended(self, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.REFUSED and text(reply.item, "nonce") != call.nonce:
            return []
        return super()._renew_ended(call, reply)


class NeverReleases(_Core):
    """Who leaves lets its lease run out."""

    def _release(self, now_ms: int) -> list[Action]:
        self._leave_by_ms = now_ms
        return super()._release(now_ms)


class TakesRefusalForLoss(_Core):
    """A refused release ends the matter, although the record still names who sent it."""

    def _release_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        if reply.outcome is Outcome.REFUSED:
            return self._left()
        return super()._release_ended(now_ms, call, reply)


class ReleasesForEver(_Core):
    """A release is tried until it is answered."""

    def _leave_holding(self, now_ms: int, token: int) -> None:
        super()._leave_holding(now_ms, token)
        self._leave_by_ms = 10**12


class ReleasesWithoutPause(_Core):
    """A release without an answer is tried again at once."""

    def _release_ended(self, now_ms: int, call: _InFlight, reply: Reply) -> list[Action]:
        actions = super()._release_ended(now_ms, call, reply)
        self._next_ms = now_ms
        return actions


class NeverLeaves(ElectionCore):
    """Who waits goes on waiting when it is asked to leave."""

    def stop(self, now_ms: int) -> list[Action | Finished]:
        return super().stop(now_ms) if self._working else self.on_tick(now_ms)


class ReleasesAtOnce(ElectionCore):
    """Who is asked to leave releases the lease while its work still runs."""

    def stop(self, now_ms: int) -> list[Action | Finished]:
        actions = super().stop(now_ms)
        return [*actions, *self._follow(now_ms, self._lease.leave(now_ms))]


class WorksTwice(ElectionCore):
    """Who has lost the lease tries for it before its work has returned."""

    def _follow(self, now_ms: int, actions: list[Action]) -> list[Action | Finished]:
        followed = super()._follow(now_ms, actions)
        if any(isinstance(each, Stopped) for each in followed) and not self._stopping:
            self._campaign_ms = now_ms
        return followed


class FlagOnlyLease(Lease):
    """A handle that asks no clock, so that a paused holder believes itself when it wakes."""

    @property
    def remaining_ms(self) -> int:
        return 0 if self._reason is not None else 1


@dataclass(frozen=True)
class NoFence:
    """The token is written, and compared with nothing."""

    token: int

    def guard(self, request: Put | Update) -> Put | Update:
        return replace(Fence(self.token).guard(request), when=Always())


@dataclass(frozen=True)
class FenceForgets:
    """The token is compared, and never written down for the next one to meet."""

    token: int

    def guard(self, request: Put | Update) -> Put | Update:
        guarded = Fence(self.token).guard(request)
        assert isinstance(guarded, Update)
        assign = {name: value for name, value in guarded.assign.items() if name != "fence"}
        return replace(guarded, assign=assign)


@dataclass(frozen=True)
class FenceRefusesItsOwn:
    """Strictly less instead of at most: the holder's own second write is refused."""

    token: int

    def guard(self, request: Put | Update) -> Put | Update:
        below = AnyOf((Absent("fence"), AtMost("fence", self.token - 1)))
        return replace(Fence(self.token).guard(request), when=below)


@dataclass(frozen=True)
class FenceIsOffByOne:
    """The token before is let through as well."""

    token: int

    def guard(self, request: Put | Update) -> Put | Update:
        return replace(Fence(self.token).guard(request), when=Fence(self.token + 1).condition)


class SweepingStore:
    """A sweeper deletes records that nobody holds, and with them the last token."""

    def __init__(self, world: World, watcher: Watcher) -> None:
        self._store = strong_store(world, watcher)
        self._world = world

    def call(self, region: str, request: Request) -> Reply:
        reply = self._store.call(region, request)
        free: Condition = Absent("holder")
        self._store.call(region, Delete(key=request.key, when=free))
        return reply

    def lose(self, region: str) -> None:
        self._store.lose(region)

    def restore(self, region: str) -> None:
        self._store.restore(region)


def _core(kind: type[_Core], *, reborn: bool = False) -> Parts:
    def make(
        process: Process, key: str, timing: LeaseTiming, new_nonce: Callable[[], str]
    ) -> LeaseCore:
        core = kind(key=key, owner=process.name, timing=timing, new_nonce=new_nonce)
        core.wall_ms = process.wall_ms
        if reborn:
            core._holder = process.name
        return core

    return Parts(core=make)


def _eventual(world: World, watcher: Watcher) -> LastWriterWinsStore:
    return LastWriterWinsStore(world, regions=REGIONS, watcher=watcher)


@dataclass(frozen=True)
class Mutant:
    """A broken protocol, and the promises whose breach may give it away.

    A rare one needs so special a coincidence that it takes about a thousand worlds: a world that
    was seen to catch it is tried first. What only matters to a holder whose lease was taken early
    takes clocks that are not sound.
    """

    name: str
    promises: frozenset[str]
    parts: Parts = field(default_factory=Parts)
    store: MakeStore = strong_store
    known_seed: int | None = None
    sound_clocks: bool = True


def _election(kind: type[ElectionCore], *promises: str) -> Mutant:
    return Mutant(kind.__name__, frozenset(promises), Parts(election=kind))


def _of(kind: type[_Core], *promises: str, reborn: bool = False) -> Mutant:
    return Mutant(kind.__name__, frozenset(promises), parts=_core(kind, reborn=reborn))


MUTANTS = (
    _of(CountsFromTheReply, STOPS_EARLY, ONE_AT_A_TIME),
    _of(NeverHeartbeatsAgain, STOPS_EARLY, ONE_AT_A_TIME),
    _of(ForgetsItsDeadHeartbeat, STOPS_EARLY, ONE_AT_A_TIME),
    _of(LateReleaseDeletes, ONE_AT_A_TIME, STOPS_EARLY, TRUE_REASON, WHOLE_LEASE),
    _of(ComparesWallClocks, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(PollsWithoutPause, WAITER_RATE),
    _of(DrawsTokensAtRandom, TOKENS_INCREASE, TOKENS_NEVER_SHRINK, LATEST_ACCEPTED),
    _of(ReleaseDeletesTheRecord, TOKENS_INCREASE, TOKENS_NEVER_SHRINK),
    _of(TokensFromTheWallClock, TOKENS_INCREASE, TOKENS_NEVER_SHRINK),
    _of(StealsWithoutANewToken, TOKENS_INCREASE),
    _of(StealsUnconditionally, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(StealsFromTheSameHolder, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(NeverLooksAgain, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(UsesItsOwnLease, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(StealsHalfWay, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(RenewsUnconditionally, ONE_AT_A_TIME, TOKENS_NEVER_SHRINK, STOPS_EARLY),
    replace(_of(RenewsByHolderAlone, ONE_AT_A_TIME, WHOLE_LEASE, TRUE_REASON), known_seed=163),
    _of(UnseatedByOneLostReply, TRUE_REASON),
    _of(KeepsItsNonce, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(WithoutAMargin, STOPS_EARLY, ONE_AT_A_TIME),
    _of(LostReplyIsALostLease, RECOGNISED),
    _of(RecognisedAsNew, STOPS_EARLY, ONE_AT_A_TIME),
    _of(NoAnswerIsYes, STOPS_EARLY, ONE_AT_A_TIME),
    _of(ConflictIsYes, STOPS_EARLY, ONE_AT_A_TIME),
    _of(AcquiredWithoutAnAnswer, TOKENS_INCREASE, ONE_AT_A_TIME, STOPS_EARLY),
    _of(OldIncarnationLives, TOKENS_INCREASE, reborn=True),
    _of(NeverTakesOver, REPLACED),
    _of(RepeatedRenewalRevives, WHOLE_LEASE, TRUE_REASON),
    _of(ReleasesTooEarly, ONE_AT_A_TIME, REPLACED, OTHERS_RATE),
    replace(_of(BeginsTooLate, BEGINS_IN_TIME, TOKENS_INCREASE), known_seed=512),
    _of(ExtendsWhatIsOver, OVER_IS_OVER),
    _of(SetsNoAlarm, TOLD_IN_TIME),
    replace(_of(GoesOnWhenRobbed, TOLD_AT_ONCE), sound_clocks=False),
    _of(NeverReleases, LEFT_NOTHING),
    replace(_of(TakesRefusalForLoss, LEFT_NOTHING), known_seed=8_013),
    _of(ReleasesForEver, RELEASE_ENDS),
    _of(ReleasesWithoutPause, OTHERS_RATE),
    _election(NeverLeaves, LEAVES),
    _election(ReleasesAtOnce, KEPT_FOR_WORK),
    _election(WorksTwice, ONE_WORK),
    Mutant("FlagOnlyLease", frozenset({STOPS_EARLY, ONE_AT_A_TIME}), Parts(lease=FlagOnlyLease)),
    Mutant("NoFence", frozenset({NO_STALE_WRITE}), Parts(fence=NoFence)),
    Mutant("FenceForgets", frozenset({NO_STALE_WRITE}), Parts(fence=FenceForgets)),
    Mutant("FenceRefusesItsOwn", frozenset({LATEST_ACCEPTED}), Parts(fence=FenceRefusesItsOwn)),
    Mutant("FenceIsOffByOne", frozenset({NO_STALE_WRITE}), Parts(fence=FenceIsOffByOne)),
    Mutant(
        "SweepingStore",
        frozenset({TOKENS_INCREASE, TOKENS_NEVER_SHRINK}),
        store=SweepingStore,
    ),
    Mutant(
        "LastWriterWins",
        frozenset({ONE_AT_A_TIME, TOKENS_INCREASE, TOKENS_NEVER_SHRINK, WHOLE_LEASE}),
        store=_eventual,
    ),
)
