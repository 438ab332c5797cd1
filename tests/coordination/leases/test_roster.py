"""The roster: who is late stays in it, who is gone is taken out, and only as it was seen."""

from collections.abc import Sequence

from holdfast.coordination import Get, MemoryStore
from holdfast.coordination.leases.lease_core import Send, Stopped
from holdfast.coordination.leases.partition_core import (
    At,
    Enrol,
    PartitionAction,
    PartitionCore,
)
from holdfast.coordination.stores.store import Outcome, Update
from tests.coordination.leases.steps import NONCES, TIMING

PARTITIONS = ("p1", "p2", "p3", "p4")


class Member:
    """A member whose requests are answered at once by a store, unless its roster is held back."""

    def __init__(self, owner: str, store: MemoryStore) -> None:
        self.core = PartitionCore(
            prefix="g", partitions=PARTITIONS, owner=owner, timing=TIMING, new_nonce=NONCES
        )
        self.store = store
        self.told: list[At] = []
        self.enrols: list[Update] = []
        self.holds_back = False

    def heard(self, now_ms: int, actions: Sequence[PartitionAction]) -> None:
        for action in actions:
            if isinstance(action, Enrol):
                self.enrols.append(action.request)
                if not self.holds_back:
                    reply = self.store.call(action.request)
                    self.heard(now_ms, self.core.on_roster(now_ms, reply))
            elif isinstance(action, At) and isinstance(action.action, Send):
                reply = self.store.call(action.action.request)
                self.heard(now_ms, self.core.on_reply(now_ms, action.partition, reply))
            elif isinstance(action, At):
                self.told.append(action)

    def goes_on(self, from_ms: int, until_ms: int) -> None:
        """Ticks at each moment that is due."""
        now_ms = from_ms
        while now_ms <= until_ms:
            self.heard(now_ms, self.core.on_tick(now_ms))
            due_ms = self.core.due_ms
            now_ms = max(now_ms + 1, until_ms + 1 if due_ms is None else due_ms)

    @property
    def swept(self) -> list[tuple[str, ...]]:
        """Whose lines it has tried to take out."""
        return [request.remove for request in self.enrols if request.remove]


def _two() -> tuple[Member, Member]:
    store = MemoryStore()
    member, other = Member("a", store), Member("b", store)
    member.heard(0, member.core.start(0))
    other.heard(0, other.core.start(0))
    member.goes_on(1, TIMING.renew_ms)
    assert member.core.members == {member.core.member, other.core.member}
    return member, other


def _roster(member: Member) -> set[str]:
    return set(member.store.call(Get("g/roster")).item or {})


def test_a_member_that_is_late_is_not_taken_out() -> None:
    member, other = _two()
    member.goes_on(TIMING.renew_ms, TIMING.lease_ms - 1)
    assert other.core.member not in member.core.members
    assert (member.swept, _roster(member)) == ([], {member.core.member, other.core.member})


def test_a_member_that_is_gone_for_a_lease_is_taken_out_by_name() -> None:
    member, other = _two()
    member.goes_on(TIMING.renew_ms, 3 * TIMING.lease_ms)
    assert member.swept == [(other.core.member,)]
    assert _roster(member) == {member.core.member}


def test_a_member_that_comes_back_meanwhile_is_left_in() -> None:
    member, other = _two()
    member.goes_on(TIMING.renew_ms, 3 * TIMING.lease_ms)
    sweep = next(request for request in member.enrols if request.remove)
    now_ms = 3 * TIMING.lease_ms
    other.goes_on(now_ms, now_ms)
    assert member.store.call(sweep).outcome is Outcome.REFUSED
    assert other.core.member in _roster(member)


def test_who_leaves_takes_its_line_out_first() -> None:
    member, other = _two()
    now_ms = TIMING.renew_ms
    member.heard(now_ms, member.core.stop(now_ms))
    assert _roster(member) == {other.core.member}


def test_a_newcomer_is_handed_one_partition_at_a_time() -> None:
    store = MemoryStore()
    member, other = Member("a", store), Member("b", store)
    member.heard(0, member.core.start(0))
    assert [at.partition for at in member.told] == [*PARTITIONS]
    other.heard(1, other.core.start(1))
    member.goes_on(1, 2 * TIMING.renew_ms)
    ended = [at for at in member.told if isinstance(at.action, Stopped)]
    assert len(ended) == 1
    now_ms = 2 * TIMING.renew_ms
    member.heard(now_ms, member.core.on_work_ended(now_ms, ended[0].partition))
    member.goes_on(now_ms + 1, 2 * now_ms)
    assert len([at for at in member.told if isinstance(at.action, Stopped)]) == 2
