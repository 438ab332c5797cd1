"""Every protocol bug that we know of is caught by the simulation, and for its own reason."""

import pytest

from holdfast.testing import simulate_election
from tests.coordination.leases.mutants import MUTANTS, Mutant

MOST_SEEDS = 10_000
FROM_OTHERS = {
    "CountsFromTheReply": "python_dynamodb_lock",
    "NeverHeartbeatsAgain": "python_dynamodb_lock",
    "ForgetsItsDeadHeartbeat": "dynamodb-persistent-lock",
    "LateReleaseDeletes": "dynalock",
    "ComparesWallClocks": "dynamo-dlm",
    "PollsWithoutPause": "dynamo-dlm",
    "DrawsTokensAtRandom": "awslabs",
    "NeverTakesOver": "Powertools",
}


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_for_its_own_reason(mutant: Mutant) -> None:
    known = () if mutant.known_seed is None else (mutant.known_seed,)
    for seed in (*known, *range(MOST_SEEDS)):
        run = simulate_election(
            seed,
            parts=mutant.parts,
            make_store=mutant.store,
            sound_clocks=mutant.sound_clocks,
        )
        if run.violations:
            assert run.violations[0].promise in mutant.promises, run.explain()
            return
    pytest.fail(f"{mutant.name} survived {MOST_SEEDS} seeds")


def test_the_bugs_of_others_are_among_the_mutants() -> None:
    documented = {type_.name: type_ for type_ in MUTANTS}
    assert set(FROM_OTHERS) <= set(documented)
    assert len(MUTANTS) >= 25
