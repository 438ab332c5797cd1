"""Protocol bugs that people ship, and the promises that each of them breaks.

Those in the protocol of a lease are next door; here are those around it.
"""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.election_core import ElectionCore, Finished
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import (
    Action,
    LeaseCore,
    Stopped,
)
from holdfast.coordination.stores.store import (
    Absent,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Delete,
    Put,
    Reply,
    Request,
    Update,
)
from holdfast.testing.candidate import Parts
from holdfast.testing.election import REGIONS, MakeStore, strong_store
from holdfast.testing.store import LastWriterWinsStore, Watcher
from holdfast.testing.world import Process, World
from tests.coordination.leases import lease_mutants as lease
from tests.coordination.leases.lease_mutants import LeaseMutant

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


def _core(kind: type[LeaseMutant], *, reborn: bool = False) -> Parts:
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

    A rare one needs so special a coincidence that it takes thousands of worlds: one that was seen
    to catch it is tried first. What only matters to a holder whose lease was taken early
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


def _of(kind: type[LeaseMutant], *promises: str, reborn: bool = False) -> Mutant:
    return Mutant(kind.__name__, frozenset(promises), parts=_core(kind, reborn=reborn))


MUTANTS = (
    _of(lease.CountsFromTheReply, STOPS_EARLY, ONE_AT_A_TIME),
    _of(lease.NeverHeartbeatsAgain, STOPS_EARLY, ONE_AT_A_TIME),
    _of(lease.ForgetsItsDeadHeartbeat, STOPS_EARLY, ONE_AT_A_TIME),
    _of(lease.LateReleaseDeletes, ONE_AT_A_TIME, STOPS_EARLY, TRUE_REASON, WHOLE_LEASE),
    _of(lease.ComparesWallClocks, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(lease.PollsWithoutPause, WAITER_RATE),
    _of(lease.DrawsTokensAtRandom, TOKENS_INCREASE, TOKENS_NEVER_SHRINK, LATEST_ACCEPTED),
    _of(lease.ReleaseDeletesTheRecord, TOKENS_INCREASE, TOKENS_NEVER_SHRINK),
    _of(lease.TokensFromTheWallClock, TOKENS_INCREASE, TOKENS_NEVER_SHRINK),
    _of(lease.StealsWithoutANewToken, TOKENS_INCREASE),
    _of(lease.StealsUnconditionally, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(lease.StealsFromTheSameHolder, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(lease.NeverLooksAgain, WHOLE_LEASE, ONE_AT_A_TIME),
    replace(_of(lease.WatchesTheNonceAlone, WHOLE_LEASE), known_seed=20_185),
    _of(lease.UsesItsOwnLease, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(lease.StealsHalfWay, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(lease.RenewsUnconditionally, ONE_AT_A_TIME, TOKENS_NEVER_SHRINK, STOPS_EARLY),
    replace(
        _of(lease.RenewsByHolderAlone, ONE_AT_A_TIME, WHOLE_LEASE, TRUE_REASON), known_seed=163
    ),
    _of(lease.UnseatedByOneLostReply, TRUE_REASON),
    _of(lease.KeepsItsNonce, WHOLE_LEASE, ONE_AT_A_TIME),
    _of(lease.WithoutAMargin, STOPS_EARLY, ONE_AT_A_TIME),
    _of(lease.LostReplyIsALostLease, RECOGNISED),
    replace(_of(lease.RecognisedAsNew, STOPS_EARLY, ONE_AT_A_TIME), known_seed=61),
    _of(lease.NoAnswerIsYes, STOPS_EARLY, ONE_AT_A_TIME),
    _of(lease.ConflictIsYes, STOPS_EARLY, ONE_AT_A_TIME),
    _of(lease.AcquiredWithoutAnAnswer, TOKENS_INCREASE, ONE_AT_A_TIME, STOPS_EARLY),
    _of(lease.OldIncarnationLives, TOKENS_INCREASE, reborn=True),
    _of(lease.NeverTakesOver, REPLACED),
    replace(_of(lease.RepeatedRenewalRevives, WHOLE_LEASE, TRUE_REASON), known_seed=141),
    _of(lease.ReleasesTooEarly, ONE_AT_A_TIME, REPLACED, OTHERS_RATE),
    replace(_of(lease.BeginsTooLate, BEGINS_IN_TIME, TOKENS_INCREASE), known_seed=512),
    replace(_of(lease.ExtendsWhatIsOver, OVER_IS_OVER), known_seed=172),
    _of(lease.SetsNoAlarm, TOLD_IN_TIME),
    replace(_of(lease.GoesOnWhenRobbed, TOLD_AT_ONCE), sound_clocks=False),
    _of(lease.NeverReleases, LEFT_NOTHING),
    replace(_of(lease.TakesRefusalForLoss, LEFT_NOTHING), known_seed=8_013),
    _of(lease.ReleasesForEver, RELEASE_ENDS),
    _of(lease.ReleasesWithoutPause, OTHERS_RATE),
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
