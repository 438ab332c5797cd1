"""Mistakes in moving home, each as small a change to the real protocol as it can be."""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec
from unittest.mock import patch

from holdfast.coordination.drivers.program import Pause, Program
from holdfast.coordination.home import home_core
from holdfast.coordination.home.home_core import DECLARATION_KEY, Home, HomeCore, Move
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.stores.store import (
    Absent,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Item,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
)
from holdfast.errors import ConditionFailedError, CoordinationError
from holdfast.testing.candidate import Fencing
from tests.coordination.home.home_world import (
    ALL_TOLD,
    AUDITED,
    KEPT,
    LATER_REFUSES,
    LEARNS,
    NO_STALE_WRITE,
    ONE_LEADS,
    ONLY_AT_HOME,
    OWN_EPOCHS,
    OWN_WRITES,
    TOKENS_DIFFER,
    TOKENS_GROW,
)
from tests.coordination.leases.mutants import NoFence

P = ParamSpec("P")
Declared = dict[str, Home | CoordinationError | None]
_plan_move = home_core.plan_move
_declare = home_core.declare
_guarded = home_core._guarded
_trail = home_core._trail


# How long a move waits, and in which order it tells whom.


def _no_wait(*, lease_ms: int, max_age_ms: int) -> int:
    """A move that takes the old home's word for it that nobody leads any more."""
    del lease_ms, max_age_ms
    return 0


def _waits_a_lease(*, lease_ms: int, max_age_ms: int) -> int:
    """A move that forgets that a lease can be granted by an old declaration."""
    del max_age_ms
    return lease_ms


def _equal_clocks(*, lease_ms: int, max_age_ms: int) -> int:
    """A move that takes all clocks to run alike."""
    return lease_ms + max_age_ms


def _planned(
    plan: Callable[Concatenate[Declared, P], Move], change: Callable[[Declared, Move], Move]
) -> Callable[Concatenate[Declared, P], Move]:
    """Plans as production does, and then changes the plan."""

    def planned(declared: Declared, /, *args: P.args, **how: P.kwargs) -> Move:
        return change(declared, plan(declared, *args, **how))

    return planned


def _new_home_first(_declared: Declared, move: Move) -> Move:
    """The new home is told first, so that nobody has to wait for it."""
    *before, last = move.steps
    return replace(move, steps=(last, *before))


def _tells_two(_declared: Declared, move: Move) -> Move:
    """Only the old home and the new one are told."""
    wanted = (None, move.home.region, move.home.origin)
    return replace(move, steps=tuple(step for step in move.steps if step[0] in wanted))


def _origin_confirms(declared: Declared, move: Move) -> Move:
    """Confirmed means that the region of the latest declaration answered, told or not."""
    origin = declared.get(move.home.origin)
    home = replace(move.home, confirmed=not isinstance(origin, Exception))

    def told(region: str) -> Program[None]:
        before = declared[region]
        known = before if isinstance(before, Home) else None
        return home_core.declare(home, known, f"{home.by} at {home.at}")

    steps = tuple((where, told(where) if where else step) for where, step in move.steps)
    return Move(home, steps)


def _silence_is_consent(
    plan: Callable[Concatenate[Declared, P], Move],
) -> Callable[Concatenate[Declared, P], Move]:
    """A region that does not answer is taken to have nothing to say."""

    def planned(declared: Declared, /, *args: P.args, **how: P.kwargs) -> Move:
        silent = {name for name, found in declared.items() if isinstance(found, Exception)}
        heard = {name: None if name in silent else found for name, found in declared.items()}
        move = plan(heard, *args, **how)
        return replace(move, steps=tuple(step for step in move.steps if step[0] not in silent))

    return planned


def _counts_up(latest: int, _region: str, _regions: list[str]) -> int:
    """The next epoch is the next number, whosever it is."""
    return latest + 1


# How a declaration and its audit record are written.


def _when(condition: Callable[[Home], Condition]) -> Callable[..., Program[None]]:
    """Declares by another condition."""

    def declare(home: Home, before: Home | None, nonce: str) -> Program[None]:
        program = _declare(home, before, nonce)
        step = next(program)
        try:
            while True:
                if isinstance(step, Put) and step.key == DECLARATION_KEY:
                    step = replace(step, when=condition(home))
                step = program.send((yield step))
        except StopIteration:
            return

    return declare


def _older(home: Home) -> Condition:
    """Any earlier epoch will do, whatever the plan was made from."""
    return AnyOf((Absent("epoch"), AtMost("epoch", home.epoch - 1)))


def _always(_home: Home) -> Condition:
    """Whoever comes last is right."""
    return Always()


def _forgets_before(home: Home, before: Home | None, nonce: str) -> Program[None]:
    """Whoever declared the last home is trusted to have kept the record of it."""
    program = _declare(home, before, nonce)
    step = next(program)
    if before is not None:
        step = program.send(Reply(Outcome.REFUSED))
    try:
        while True:
            step = program.send((yield step))
    except StopIteration:
        return


def _overwrites(home: Home, nonce: str) -> Put:
    """An audit record is written whether there is one or not."""
    return replace(_trail(home, nonce), when=Always())


def _no_answer_is_yes(request: Put) -> Program[Reply]:
    """A declaration without an answer is taken for granted."""
    reply = yield request
    if reply.outcome is Outcome.UNKNOWN:
        return Reply(Outcome.APPLIED, request.item)
    return reply


def _asks_once_more(request: Put) -> Program[Reply]:
    """A repetition that is refused by its first sending is taken for somebody else's."""
    reply = yield request
    while reply.outcome is Outcome.UNKNOWN:
        yield Pause(500)
        reply = yield request
        if reply.outcome is Outcome.REFUSED and request.key == DECLARATION_KEY:
            raise ConditionFailedError("somebody else declared it")
    return reply


# What a process makes of a declaration.


class _NeverReadsAgain(HomeCore):
    """Home is read once, at the start."""

    def _declared(self) -> Program[Home | Reply]:
        self._max_age_ms = 10**12
        return super()._declared()


class _CountsFromTheReply(HomeCore):
    """A declaration is as old as its reply."""

    def _declared(self) -> Program[Home | Reply]:
        known = self._known
        found = yield from super()._declared()
        if self._known is not None and self._known is not known:
            self._known = (self._clock.now_ms(), self._known[1])
        return found


class _HomeIsWhereItIsRead(HomeCore):
    """Whatever table one asks is home."""

    def _declared(self) -> Program[Home | Reply]:
        found = yield from super()._declared()
        return found if isinstance(found, Reply) else replace(found, region=self._region)


class _LearnsNothing(HomeCore):
    """A later epoch in a reply says nothing to it."""

    def call(self, request: Request) -> Program[Reply]:
        known = self._known
        reply = yield from super().call(request)
        self._known = self._known or known
        return reply


def _bare(item: Item | None, _epoch: int) -> Item | None:
    """Tokens without the epoch."""
    return item


def _same(token: int, _epoch: int) -> int:
    return token


def _unguarded(request: Request, epoch: int) -> Request:
    """The epoch is written, and compared with nothing."""
    guarded = _guarded(request, epoch)
    if isinstance(request, Update) and isinstance(guarded, Update):
        return replace(guarded, when=home_core._raw_condition(request.when, epoch))
    return guarded


@dataclass(frozen=True)
class HomeMutant:
    """A broken protocol, and the promises whose breach may give it away."""

    name: str
    promises: frozenset[str]
    changes: Mapping[str, object]
    fence: Callable[[int], Fencing] = Fence

    @contextmanager
    def applied(self) -> Generator[None, None, None]:
        """While it is entered, the protocol is the mutant."""
        with ExitStack() as changed:
            for name, part in self.changes.items():
                changed.enter_context(patch.object(home_core, name, part))
            yield


def _of(name: str, *promises: str, **changes: object) -> HomeMutant:
    return HomeMutant(name, frozenset(promises), changes)


MUTANTS = (
    _of("waits for nothing", ONE_LEADS, longest_ms=_no_wait),
    _of("waits a lease", ONE_LEADS, longest_ms=_waits_a_lease),
    _of("takes clocks to run alike", ONE_LEADS, longest_ms=_equal_clocks),
    _of("tells the new home first", ALL_TOLD, plan_move=_planned(_plan_move, _new_home_first)),
    _of("tells two", ALL_TOLD, plan_move=_planned(_plan_move, _tells_two)),
    _of("takes silence for consent", ALL_TOLD, plan_move=_silence_is_consent(_plan_move)),
    _of("asks the origin alone", ALL_TOLD, plan_move=_planned(_plan_move, _origin_confirms)),
    _of("counts epochs up", OWN_EPOCHS, _next_epoch=_counts_up),
    _of("declares over any earlier epoch", AUDITED, ONE_LEADS, declare=_when(_older)),
    _of("declares over anything", OWN_EPOCHS, AUDITED, KEPT, declare=_when(_always)),
    _of("forgets the record before", AUDITED, declare=_forgets_before),
    _of("overwrites records", KEPT, _trail=_overwrites),
    _of("takes no answer for yes", ALL_TOLD, AUDITED, _certainly=_no_answer_is_yes),
    _of("takes itself for another", OWN_WRITES, _certainly=_asks_once_more),
    _of("never reads again", ONLY_AT_HOME, HomeCore=_NeverReadsAgain),
    _of("counts from the reply", ONLY_AT_HOME, HomeCore=_CountsFromTheReply),
    _of("takes any table for home", ONLY_AT_HOME, HomeCore=_HomeIsWhereItIsRead),
    _of("learns nothing", LEARNS, HomeCore=_LearnsNothing),
    _of("tokens without epochs", TOKENS_GROW, TOKENS_DIFFER, _shown=_bare, _raw=_same),
    _of("a guard that does not compare", LATER_REFUSES, TOKENS_DIFFER, _guarded=_unguarded),
    HomeMutant("no fence", frozenset({NO_STALE_WRITE}), {}, fence=NoFence),
)
