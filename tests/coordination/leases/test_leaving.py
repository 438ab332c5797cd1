"""Who leaves a lease takes back what it holds or may have won, and nothing of anybody else."""

from holdfast.coordination import Get, MemoryStore
from holdfast.coordination.leases.lease_core import LeaseCore, Phase, Released, Started
from holdfast.coordination.stores.store import Item, Outcome, Reply, Update, text
from tests.coordination.leases.steps import KEY, TIMING, Participant, lease_of

SILENCE = Reply(Outcome.UNKNOWN)


def _record(store: MemoryStore) -> Item:
    return store.call(Get(KEY)).item or {}


def _holder(store: MemoryStore) -> tuple[LeaseCore, Participant]:
    core = lease_of("a")
    member = Participant(core, store).heard(core.campaign(0))
    member.answered(0)
    assert core.phase is Phase.HOLDING
    return core, member


def test_a_released_record_keeps_its_token_and_nothing_of_its_holder() -> None:
    store = MemoryStore()
    core, member = _holder(store)
    member.heard(core.leave(1)).answered(1)
    assert member.told[-1] == Released()
    assert set(_record(store)) == {"nonce", "token"}


def test_a_release_that_is_not_answered_is_tried_again_for_a_lease() -> None:
    store = MemoryStore()
    core, member = _holder(store)
    member.heard(core.leave(0)).answered(0, SILENCE)
    member.heard(core.on_tick(TIMING.retry_ms)).answered(TIMING.retry_ms)
    assert "holder" not in _record(store)


def test_a_release_that_arrives_twice_ends_no_later_term() -> None:
    store = MemoryStore()
    core, member = _holder(store)
    member.heard(core.leave(1))
    release = member.request
    assert isinstance(release, Update)
    member.answered(1)
    for owner in (member, Participant(lease_of("b"), store)):
        assert isinstance(owner.core, LeaseCore)
        owner.heard(owner.core.campaign(2)).answered(2)
        holder = text(_record(store), "holder")
        assert store.call(release).outcome is Outcome.REFUSED
        assert text(_record(store), "holder") == holder == owner.core.holder
        owner.heard(owner.core.leave(3)).answered(3)


def test_a_lease_that_is_won_on_the_way_out_is_given_back() -> None:
    store = MemoryStore()
    core = lease_of("a")
    member = Participant(core, store).heard(core.campaign(0)).heard(core.leave(1))
    member.answered(2)
    member.answered(3)
    assert "holder" not in _record(store)
    assert member.told == [Released()]


def test_a_lease_that_was_won_without_an_answer_is_given_back() -> None:
    store = MemoryStore()
    core = lease_of("a")
    member = Participant(core, store).heard(core.campaign(0))
    member.answered(0, lost=True)
    member.heard(core.leave(1)).answered(1)
    assert "holder" not in _record(store)


def test_a_lease_that_was_won_by_a_request_long_forgotten_is_given_back() -> None:
    store = MemoryStore()
    core = lease_of("a")
    member = Participant(core, store).heard(core.campaign(0))
    member.answered(0, lost=True)
    for attempt in range(1, 8):
        member.heard(core.on_tick(attempt * TIMING.retry_ms))
        member.answered(attempt * TIMING.retry_ms, lost=True)
    now_ms = 8 * TIMING.retry_ms
    member.heard(core.leave(now_ms)).answered(now_ms)
    member.heard(core.on_tick(now_ms + TIMING.retry_ms)).answered(now_ms + TIMING.retry_ms)
    assert "holder" not in _record(store)


def test_a_record_of_a_term_that_is_over_is_given_back_by_who_stood_again() -> None:
    store = MemoryStore()
    core, member = _holder(store)
    member.heard(core.on_tick(TIMING.lease_ms))
    assert core.phase is Phase.IDLE
    member.heard(core.campaign(TIMING.lease_ms))
    member.answered(TIMING.lease_ms, Reply(Outcome.RETRY))
    member.heard(core.leave(TIMING.lease_ms)).answered(TIMING.lease_ms)
    assert "holder" not in _record(store)
    assert [type(told) for told in member.told].count(Started) == 1


def test_who_leaves_with_nothing_waits_for_a_silent_store_for_one_retry_only() -> None:
    core = lease_of("a")
    member = Participant(core, MemoryStore()).heard(core.campaign(0))
    member.answered(0, SILENCE)
    member.heard(core.leave(1)).answered(1, SILENCE)
    member.heard(core.on_tick(1 + TIMING.retry_ms))
    assert member.request is None
    assert member.told == [Released()]
