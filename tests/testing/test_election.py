"""The protocol in a hostile world, and the world itself."""

from pathlib import Path

import pytest

from holdfast.coordination import LeaseTiming
from holdfast.testing import (
    Candidate,
    Conditions,
    LastWriterWinsStore,
    Monitor,
    Network,
    Parts,
    Process,
    Run,
    World,
    explain_history,
    simulate_election,
)
from holdfast.testing.election import KEY, REGIONS, strong_store
from holdfast.testing.store import Watcher
from tests.coordination.leases.mutants import MUTANTS
from tests.testing.worlds import CAN_COMPILE, broken, compile_worlds, start_compiled, told

TIMING = LeaseTiming()
ROUND_TRIP_MS = 10


def test_no_promise_is_broken_in_twenty_five_worlds() -> None:
    assert broken(range(25)) == []


@pytest.mark.parametrize("seed", [20_185, 89_883])
def test_no_promise_is_broken_in_a_world_beyond_them_that_once_broke_one(seed: int) -> None:
    assert simulate_election(seed).violations == ()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("compiled")
    compile_worlds(place)
    return place


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(not CAN_COMPILE, reason="this Python has no C headers to compile with")
def test_a_compiled_world_is_the_same_world(compiled: Path) -> None:
    seeds = range(30)
    assert start_compiled(compiled, seeds, "told").communicate()[0] == told(seeds)


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.alone
def test_no_promise_is_broken_in_ten_thousand_worlds(compiled: Path) -> None:
    halves = (range(5_000), range(5_000, 10_000))
    running = [start_compiled(compiled, half, "broken") for half in halves]
    assert [process.communicate()[0] for process in running] == ["", ""]
    assert [process.returncode for process in running] == [0, 0]


@pytest.mark.slow
def test_where_clocks_leap_and_stand_still_holders_overlap_and_no_stale_write_is_accepted() -> None:
    runs = [simulate_election(seed, sound_clocks=False) for seed in range(100)]
    assert [run.explain() for run in runs if run.violations] == []
    assert sum(run.overlaps > 0 for run in runs) > 20
    faults = {entry.what for run in runs for entry in run.history}
    assert faults >= {"clock leaps", "clock stands"}


def test_where_clocks_leap_it_is_the_fence_that_stops_stale_writes() -> None:
    mutant = next(each for each in MUTANTS if each.name == "NoFence")
    runs = [simulate_election(seed, parts=mutant.parts, sound_clocks=False) for seed in range(10)]
    assert "no stale write is accepted" in {each.promise for run in runs for each in run.violations}


def test_the_worlds_are_hostile_enough_to_be_worth_surviving() -> None:
    runs = [simulate_election(seed) for seed in range(20)]
    assert sum(run.terms for run in runs) > 60
    assert sum(run.steals for run in runs) > 30
    faults = {entry.what for run in runs for entry in run.history if entry.who == "fault"}
    assert faults >= {"pause", "crash", "cut", "loss", "slow", "doubling", "late", "region loss"}
    assert faults >= {"conflicts", "stop"}
    happened = {entry.what for run in runs for entry in run.history}
    assert happened >= {"fenced", "has left", "wall clock set"}


def test_a_seed_replays_exactly() -> None:
    first, second = simulate_election(11), simulate_election(11)
    assert first.history == second.history
    assert first.operations == second.operations


def test_a_failing_seed_tells_its_story() -> None:
    mutant = next(each for each in MUTANTS if each.name == "NoFence")
    runs = [simulate_election(seed, parts=mutant.parts) for seed in range(10)]
    run = next(each for each in runs if each.violations)
    story = run.explain()
    assert story.startswith(f"seed {run.seed}: ")
    assert "BROKEN" in story
    assert "no stale write is accepted" in story
    assert "leads" in story
    assert simulate_election(0).explain() == "seed 0: no promise was broken"


def test_a_last_writer_wins_store_grants_one_lease_twice() -> None:
    def make(world: World, watcher: Watcher) -> LastWriterWinsStore:
        return LastWriterWinsStore(world, regions=REGIONS, watcher=watcher)

    runs: list[Run] = [simulate_election(seed, make_store=make) for seed in range(10)]
    broken = [run for run in runs if run.violations]
    assert "one holder at a time" in {each.promise for run in broken for each in run.violations}
    assert any(explain_history(run.operations) for run in broken)


class _Quiet:
    """Two candidates in a world where nothing goes wrong unless the test says so."""

    def __init__(self) -> None:
        self.world = World(1)
        half_ms = ROUND_TRIP_MS // 2
        self.network = Network(self.world, Conditions(delay_ms=(half_ms, half_ms)))
        self.monitor = Monitor(self.world, takeover_ms=10**9)
        self.store = strong_store(self.world, self.monitor.on_record)
        ledger = strong_store(self.world, self.monitor.on_ledger)
        for name, region in zip("ab", REGIONS, strict=True):
            self.monitor.candidates.append(
                Candidate(
                    process=Process(self.world, name, region),
                    network=self.network,
                    store=self.store,
                    resource=ledger,
                    key=KEY,
                    timing=TIMING,
                    observer=self.monitor,
                    parts=Parts(),
                    work_ms=(1, 1),
                )
            )
        self.leader, self.waiter = self.monitor.candidates
        self.leader.start()

    def until_waiter_leads(self) -> int:
        """How long it takes from now on."""
        start_ms = self.world.now_ms
        while not self.waiter.believes:
            self.world.run(self.world.now_ms + 1)
            assert self.world.now_ms - start_ms < 10 * TIMING.lease_ms
        return self.world.now_ms - start_ms


@pytest.mark.parametrize("phase_ms", range(0, 2_000, 130))
def test_a_crashed_leader_is_replaced_within_a_lease_two_retries_and_a_round_trip(
    phase_ms: int,
) -> None:
    quiet = _Quiet()
    quiet.world.run(phase_ms % 1_000)
    quiet.waiter.start()
    quiet.world.run(20_000 + phase_ms)
    quiet.leader.process.crash()
    quiet.leader.forget()
    takes_ms = quiet.until_waiter_leads()
    assert takes_ms <= TIMING.lease_ms + 2 * TIMING.retry_ms + ROUND_TRIP_MS
    # The last look is aimed, which saves most of one period.
    assert takes_ms <= TIMING.lease_ms + TIMING.retry_ms + 2 * ROUND_TRIP_MS
    assert takes_ms >= TIMING.lease_ms - TIMING.renew_ms


@pytest.mark.slow
@pytest.mark.parametrize("phase_ms", range(0, 2_000, 130))
def test_a_leader_that_leaves_is_replaced_within_a_retry_and_a_round_trip(phase_ms: int) -> None:
    quiet = _Quiet()
    quiet.world.run(phase_ms % 1_000)
    quiet.waiter.start()
    quiet.world.run(20_000 + phase_ms)
    quiet.leader.stop()
    while quiet.store.item(KEY) and "holder" in (quiet.store.item(KEY) or {}):
        quiet.world.run(quiet.world.now_ms + 1)
    assert quiet.until_waiter_leads() <= TIMING.retry_ms + ROUND_TRIP_MS


def test_a_paused_leader_that_wakes_up_is_fenced() -> None:
    quiet = _Quiet()
    quiet.waiter.start()
    quiet.world.run(20_000)
    quiet.leader.process.pause()
    quiet.until_waiter_leads()
    quiet.world.run(quiet.world.now_ms + 100)
    quiet.leader.process.resume()
    quiet.world.run(quiet.world.now_ms + 1_000)
    assert not quiet.leader.believes
    assert quiet.monitor.violations == []


def _after_an_outage_of(outage_ms: int) -> _Quiet:
    quiet = _Quiet()
    quiet.waiter.start()
    quiet.world.run(20_000)
    for region in REGIONS:
        quiet.store.lose(region)
    quiet.world.run(20_000 + outage_ms)
    for region in REGIONS:
        quiet.store.restore(region)
    quiet.world.run(60_000)
    return quiet


def test_an_outage_shorter_than_what_a_renewal_buys_changes_nothing() -> None:
    quiet = _after_an_outage_of(TIMING.lease_ms - TIMING.margin_ms - TIMING.renew_ms - 1_000)
    assert quiet.leader.believes
    assert quiet.monitor.terms == 1


def test_a_leader_that_lost_contact_for_less_than_its_lease_leads_again_at_once() -> None:
    quiet = _after_an_outage_of(TIMING.lease_ms - TIMING.renew_ms)
    assert quiet.leader.believes
    assert quiet.monitor.terms == 2
    begins = [each.at_ms for each in quiet.world.history if each.what == "leads"]
    assert begins[1] <= 28_000 + TIMING.retry_ms + ROUND_TRIP_MS
