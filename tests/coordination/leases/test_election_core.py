"""One term's work at a time, and the lease is kept until it has returned."""

from holdfast.coordination import Get, MemoryStore, StopReason
from holdfast.coordination.leases.election_core import ElectionCore, Finished
from holdfast.coordination.leases.lease_core import Released, Started, Stopped
from holdfast.coordination.stores.store import Outcome, Reply
from tests.coordination.leases.steps import KEY, TIMING, Participant, lease_of


def _leader() -> tuple[ElectionCore, Participant]:
    core = ElectionCore(lease_of("a"), retry_ms=TIMING.retry_ms)
    member = Participant(core, MemoryStore()).heard(core.start(0))
    member.answered(0)
    assert isinstance(member.told.pop(), Started)
    return core, member


def _is_held(member: Participant) -> bool:
    return "holder" in (member.store.call(Get(KEY)).item or {})


def test_a_leader_that_is_asked_to_stop_keeps_its_lease_until_its_work_has_returned() -> None:
    core, member = _leader()
    for _ in range(2):
        member.heard(core.stop(1))
        assert member.request is None
    assert member.told == [Stopped(1, StopReason.ASKED)]
    member.heard(core.on_work_ended(2)).answered(2)
    assert member.told[1:] == [Released(), Finished()]
    assert not _is_held(member)


def test_who_has_left_does_not_stand_again() -> None:
    core, member = _leader()
    member.heard(core.stop(1)).heard(core.on_work_ended(2)).answered(2)
    assert core.due_ms is None
    member.heard(core.on_tick(10 * TIMING.lease_ms))
    assert member.request is None


def test_a_leader_whose_work_returns_lets_the_others_look_twice() -> None:
    core, member = _leader()
    member.heard(core.on_work_ended(5)).answered(5)
    assert core.due_ms == 5 + 2 * TIMING.retry_ms
    member.heard(core.on_tick(5 + 2 * TIMING.retry_ms)).answered(5 + 2 * TIMING.retry_ms)
    assert isinstance(member.told[-1], Started)


def test_a_leader_is_told_once_that_its_term_has_ended() -> None:
    core, member = _leader()
    member.heard(core.stop(1)).heard(core.on_tick(TIMING.lease_ms))
    assert member.told == [Stopped(1, StopReason.ASKED)]


def test_who_lost_its_lease_stands_again_when_its_work_has_returned_and_not_before() -> None:
    core, member = _leader()
    member.heard(core.on_tick(TIMING.renew_ms)).answered(TIMING.renew_ms, Reply(Outcome.UNKNOWN))
    member.heard(core.on_tick(TIMING.lease_ms))
    assert member.told == [Stopped(1, StopReason.LOST_CONTACT)]
    assert (core.due_ms, member.request) == (None, None)
    member.heard(core.on_work_ended(TIMING.lease_ms + 1)).answered(TIMING.lease_ms + 1)
    assert isinstance(member.told[-1], Started)
