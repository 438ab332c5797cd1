"""Simulated stores keep, and break, the promises of the real ones."""

import pytest

from holdfast.coordination import Get, Outcome, Update
from holdfast.coordination.stores.store import Absent, Always
from holdfast.errors import ConfigurationError
from holdfast.testing import LastWriterWinsStore, SingleRegionStore, StrongStore, World

EAST, WEST, WITNESS = "us-east-1", "us-west-2", "us-east-2"
TAKE = Update(key="k", when=Absent("by"), assign={"by": "a"})


def _strong(world: World) -> StrongStore:
    return StrongStore(world, regions=(EAST, WEST), witness=WITNESS)


def test_a_strong_store_answers_the_same_everywhere() -> None:
    store = _strong(World(0))
    assert store.call(EAST, TAKE).outcome is Outcome.APPLIED
    assert store.call(WEST, TAKE).outcome is Outcome.REFUSED
    assert store.call(WEST, Get("k")).item == {"by": "a"}
    assert store.call(WITNESS, Get("k")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("lost", [EAST, WEST, WITNESS])
def test_a_strong_store_survives_the_loss_of_any_one_vote(lost: str) -> None:
    store = _strong(World(0))
    store.lose(lost)
    left = WEST if lost == EAST else EAST
    assert store.call(left, TAKE).outcome is Outcome.APPLIED
    store.restore(lost)
    assert store.call(EAST, Get("k")).item == store.call(WEST, Get("k")).item == {"by": "a"}


def test_a_strong_store_without_a_majority_refuses_to_answer() -> None:
    store = _strong(World(0))
    store.lose(WEST)
    store.lose(WITNESS)
    reply = store.call(EAST, TAKE)
    assert (reply.outcome, reply.reason) == (Outcome.UNKNOWN, "no quorum")
    assert store.item("k") is None


def test_a_conflict_between_regions_writes_nothing() -> None:
    store = _strong(World(0))
    store.conflicts = 1.0
    assert store.call(EAST, TAKE).outcome is Outcome.RETRY
    assert store.call(EAST, Get("k")).outcome is Outcome.APPLIED
    assert store.item("k") is None


def test_a_strong_store_has_three_votes() -> None:
    with pytest.raises(ConfigurationError, match=r"has 2 votes .* it must have 3"):
        StrongStore(World(0), regions=(EAST, WEST))


def test_a_single_region_takes_its_store_with_it() -> None:
    store = SingleRegionStore(EAST)
    store.lose(WEST)
    assert store.call(WEST, TAKE).outcome is Outcome.APPLIED
    store.lose(EAST)
    assert store.call(WEST, Get("k")).outcome is Outcome.UNKNOWN
    store.restore(EAST)
    assert store.call(WEST, Get("k")).item == {"by": "a"}


def test_in_a_last_writer_wins_store_both_regions_grant_and_the_later_one_stays() -> None:
    world = World(0)
    store = LastWriterWinsStore(world, regions=(EAST, WEST), lag_ms=100)
    assert store.call(EAST, TAKE).outcome is Outcome.APPLIED
    world.run(50)
    other = Update(key="k", when=Absent("by"), assign={"by": "b"})
    assert store.call(WEST, other).outcome is Outcome.APPLIED
    assert store.call(EAST, Get("k")).item == {"by": "a"}
    world.run(500)
    assert store.call(EAST, Get("k")).item == store.call(WEST, Get("k")).item == {"by": "b"}


def test_what_was_on_its_way_to_a_lost_region_arrives_when_it_is_back() -> None:
    world = World(0)
    store = LastWriterWinsStore(world, regions=(EAST, WEST), lag_ms=100)
    store.lose(WEST)
    store.call(EAST, Update(key="k", when=Always(), assign={"n": 1}))
    world.run(1_000)
    assert store.call(WEST, Get("k")).outcome is Outcome.UNKNOWN
    store.restore(WEST)
    world.run(2_000)
    assert store.call(WEST, Get("k")).item == {"n": 1}
