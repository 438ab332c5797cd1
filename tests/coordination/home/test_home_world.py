"""Moves of home in a hostile world: one leader at a time, tokens that grow, and a full record."""

import pytest

from holdfast.coordination.home import home_core
from tests.coordination.home.home_faults import simulate_home
from tests.coordination.home.home_mutants import MUTANTS, HomeMutant
from tests.coordination.home.home_world import Verdict

SEEDS = 25
MORE_SEEDS = 125
MOST_SEEDS = 600


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return [simulate_home(seed) for seed in range(SEEDS)]


def test_no_promise_is_broken_in_twenty_five_worlds(verdicts: list[Verdict]) -> None:
    assert {verdict.seed: verdict.broken for verdict in verdicts if verdict.broken} == {}


@pytest.mark.slow
def test_no_promise_is_broken_in_a_hundred_worlds_more() -> None:
    assert [seed for seed in range(SEEDS, MORE_SEEDS) if simulate_home(seed).broken] == []


def test_the_worlds_are_hostile_enough_to_be_worth_surviving(verdicts: list[Verdict]) -> None:
    assert sum(verdict.homes for verdict in verdicts) > 50
    assert sum(verdict.abandoned for verdict in verdicts) > 5
    assert sum(verdict.terms for verdict in verdicts) > 80
    assert sum(verdict.fenced for verdict in verdicts) > 50
    # Where a region was abandoned, the fence is all there is; so it must be put to the test.
    assert sum(verdict.doubles for verdict in verdicts) > 100
    history = [entry for verdict in verdicts for entry in verdict.history]
    faults = {entry.what for entry in history if entry.who == "fault"}
    assert faults >= {
        "pause",
        "crash",
        "stop",
        "cut",
        "loss and delay",
        "doubling",
        "late",
        "region loss",
        "despair",
    }
    assert {entry.what for entry in history if entry.who == "carol"} >= {"moves", "failed"}
    crashed = {entry.who for entry in history if entry.what == "crashed"}
    assert crashed >= {"ada", "bob", "agent-0", "agent-1", "agent-2"}


def test_a_seed_replays_exactly() -> None:
    assert simulate_home(7) == simulate_home(7)


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_for_its_own_reason(mutant: HomeMutant) -> None:
    with mutant.applied():
        for seed in range(MOST_SEEDS):
            if broken := simulate_home(seed, fence=mutant.fence).broken:
                assert broken[0][0] in mutant.promises, broken[0]
                return
    pytest.fail(f"{mutant.name} survived {MOST_SEEDS} seeds")


def test_a_mutant_changes_what_there_is_and_takes_it_back() -> None:
    for mutant in MUTANTS:
        real = {name: getattr(home_core, name) for name in mutant.changes}
        with mutant.applied():
            assert {name: getattr(home_core, name) for name in real} == dict(mutant.changes)
        assert {name: getattr(home_core, name) for name in real} == real
