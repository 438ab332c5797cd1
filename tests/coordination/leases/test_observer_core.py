"""Observers in a hostile world: what they say is true, or they say that they do not know."""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

from dataclasses import replace

import pytest

from holdfast.coordination import LeaseTiming, Reply
from holdfast.coordination.drivers.program import Program
from holdfast.coordination.leases.observer_core import ObserverCore, Sighting, Standing, _Known
from holdfast.coordination.stores.store import Item, Outcome, text
from holdfast.testing import Process
from holdfast.testing.election import KEY
from tests.coordination.leases.observer_world import (
    MAX_AGE_MS,
    ONE_LOOK,
    PERIOD_MS,
    SAYS_SO,
    SEES,
    SEES_THE_DEAD,
    STALE_IS_STALE,
    TRUE_LATELY,
    observe,
)

SEEDS = 50
MANY_SEEDS = 250
FEW_SEEDS = 20
LEASE_MS = LeaseTiming().lease_ms
HELD: Item = {"holder": "a/1", "nonce": "n", "token": 3, "beat": 0, "lease_ms": LEASE_MS}


def _broken(seeds: range) -> dict[int, tuple[str, str]]:
    verdicts = {seed: observe(seed) for seed in seeds}
    return {seed: verdict.broken[0] for seed, verdict in verdicts.items() if verdict.broken}


@pytest.mark.slow
def test_no_promise_is_broken_in_fifty_worlds() -> None:
    assert _broken(range(SEEDS)) == {}


@pytest.mark.slow
def test_no_promise_is_broken_in_two_hundred_more_worlds() -> None:
    assert _broken(range(SEEDS, MANY_SEEDS)) == {}


def test_the_worlds_show_every_standing_often_enough_to_judge_it() -> None:
    verdicts = [observe(seed) for seed in range(FEW_SEEDS)]
    for standing in Standing:
        assert sum(verdict.seen[standing] for verdict in verdicts) > 20, standing


class _CountsUntilNow(ObserverCore):
    """Silence is taken to last until now, although nobody has looked since."""

    @property
    def known(self) -> Sighting:
        found = super().known
        known = self._known
        if known is None or found.holder is None:
            return found
        silent_ms = self._clock.now_ms() - known.since_ms
        stale = silent_ms >= known.lease_ms
        standing = Standing.STALE if stale else Standing.HELD
        return replace(found, standing=standing, silent_ms=silent_ms)


class _CountsFromTheSending(ObserverCore):
    """Silence is counted from the sending of the look that found it, not from its answer."""

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        before = self._known
        super()._learn(sent_ms, reply)
        if self._known is not None and (before is None or before.nonce != self._known.nonce):
            self._known = replace(self._known, since_ms=sent_ms)


class _NeverForgets(ObserverCore):
    """The last answer is told for ever."""

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        super()._learn(sent_ms, reply)
        self._max_age_ms = 10**9


class _CountsItsAgeFromTheAnswer(ObserverCore):
    """The age of an answer is counted from when it came in."""

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        super()._learn(max(sent_ms, self._clock.now_ms()), reply)


class _ForgetsAtOnce(ObserverCore):
    """One look without an answer, and nothing is known any more."""

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        super()._learn(sent_ms, reply)
        if reply.outcome is not Outcome.APPLIED:
            self._known = None


class _LooksAtTheHolder(ObserverCore):
    """A record that names the same holder is taken for one that has not changed."""

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        item = reply.item
        if item is not None:
            item = {**item, "nonce": text(item, "holder") or "nobody"}
        super()._learn(sent_ms, replace(reply, item=item))


class _GoesByItsOwnLease(ObserverCore):
    """Stale is judged by a lease of the observer's, not by the holder's."""

    def _fields(self, item: Item | None) -> tuple[str | None, str | None, int, int]:
        holder, nonce, token, _ = super()._fields(item)
        return holder, nonce, token, 3_000


class _TakesSilenceForFreedom(ObserverCore):
    """A store that does not answer holds no lease."""

    def _learn(self, sent_ms: int, reply: Reply) -> None:
        super()._learn(sent_ms, Reply(Outcome.APPLIED, reply.item))


class _BeginsAnewAfterTrouble(ObserverCore):
    """A look without an answer makes it forget for how long the record has been silent."""

    def look(self) -> Program[Sighting]:
        known: _Known | None = self._known
        sighting = yield from super().look()
        if known is not None and self._known is not None:
            self._known = replace(self._known, since_ms=self._known.sent_ms)
        return sighting


class _LooksWithoutPause(ObserverCore):
    """Every question becomes a request."""

    @property
    def due_ms(self) -> int:
        self._next_ms = None
        return super().due_ms


@pytest.mark.parametrize(
    ("mutant", "promise"),
    [
        (_CountsUntilNow, TRUE_LATELY),
        (_CountsFromTheSending, TRUE_LATELY),
        (_NeverForgets, SAYS_SO),
        (_CountsItsAgeFromTheAnswer, SAYS_SO),
        (_ForgetsAtOnce, SEES),
        (_LooksAtTheHolder, TRUE_LATELY),
        (_GoesByItsOwnLease, STALE_IS_STALE),
        (_TakesSilenceForFreedom, SAYS_SO),
        (_BeginsAnewAfterTrouble, SEES_THE_DEAD),
        (_LooksWithoutPause, ONE_LOOK),
    ],
)
def test_a_mutant_is_caught_within_a_few_seeds(mutant: type[ObserverCore], promise: str) -> None:
    def make(process: Process) -> ObserverCore:
        return mutant(key=KEY, period_ms=PERIOD_MS, max_age_ms=MAX_AGE_MS, clock=process.clock)

    for seed in range(FEW_SEEDS):
        if broken := observe(seed, make).broken:
            assert promise in {each for each, _ in broken}, broken[0]
            return
    pytest.fail(f"it survived {FEW_SEEDS} seeds")
