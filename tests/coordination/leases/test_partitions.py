"""Partitions are shared out evenly, move as little as they can, and each has one leader."""

# Mutants are changes to the inside of a protocol.
# pyright: reportPrivateUsage=false

import queue
import sys
import threading
import time
from collections.abc import Callable, Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.coordination import (
    Get,
    Lease,
    LeaseObserver,
    LeaseTiming,
    Lock,
    MemoryStore,
    Outcome,
    Reply,
    Request,
    Sighting,
    Standing,
    StopReason,
)
from holdfast.coordination.leases import partition_core as module
from holdfast.coordination.leases.election_core import Finished
from holdfast.coordination.leases.health import LeaseEvent, Listener, Trouble
from holdfast.coordination.leases.lease_core import (
    Action,
    Extended,
    Released,
    Send,
    Started,
    Stopped,
)
from holdfast.coordination.leases.partition_core import (
    At,
    Claims,
    PartitionAction,
    PartitionCore,
    assign,
)
from holdfast.coordination.leases.partitions import Partitions
from holdfast.errors import ConfigurationError
from tests.coordination.leases.partition_world import TIMING, Group, simulate_partitions

SEEDS = 40
FAST = LeaseTiming(lease_ms=1_000, renew_ms=100, retry_ms=50, margin_ms=200)


@given(
    st.sets(st.sampled_from("abcdefghijkl"), min_size=1),
    st.dictionaries(
        st.sampled_from(["m1", "m2", "m3", "m4"]),
        st.dictionaries(st.sampled_from("abcdefghijklxyz"), st.integers(1, 5)),
        min_size=1,
    ),
)
def test_an_assignment_is_complete_even_and_sticky(partitions: set[str], claims: Claims) -> None:
    result = assign(partitions, claims)
    assert sorted(name for led in result.values() for name in led) == sorted(partitions)
    loads = [len(led) for led in result.values()]
    assert max(loads) - min(loads) <= 1
    # Nobody loses one for the sake of another that led it with no greater token.
    for member, led in result.items():
        mine = {
            name
            for name, token in claims[member].items()
            if name in partitions
            and all((token, member) >= (c.get(name, 0), m) for m, c in claims.items())
        }
        kept = mine & set(led)
        assert len(kept) >= min(len(mine), *loads)
        assert set(led) == kept or kept == mine
    now = {member: dict.fromkeys(led, 9) for member, led in result.items()}
    assert assign(partitions, now) == result


def test_a_group_that_cannot_be_is_refused() -> None:
    for partitions, fault in (
        ([], "has 0 partitions; it must have 1 to 1000"),
        ([str(number) for number in range(1_001)], "has 1001 partitions"),
        (["a", "b", "a"], "names a twice"),
    ):
        with pytest.raises(ConfigurationError, match=fault):
            Partitions(store=MemoryStore(), prefix="g", partitions=partitions, owner="x")


@pytest.mark.slow
def test_no_seed_breaks_a_promise() -> None:
    verdicts = [simulate_partitions(seed) for seed in range(SEEDS)]
    assert [verdict for verdict in verdicts if verdict.broken] == []
    # The faults were faults, and the members did something.
    assert sum(verdict.terms for verdict in verdicts) > 5 * SEEDS
    assert sum(verdict.handed_over for verdict in verdicts) > SEEDS


def _settled(
    seed: int, partitions: int, members: int, core: type[PartitionCore] = PartitionCore
) -> Group:
    group = Group(seed, partitions, core)
    for _ in range(members):
        group.join()
    group.world.run(60_000)
    group.judge_balance()
    assert group.broken == []
    return group


def _moves(change: Callable[[Group], object], partitions: int, members: int) -> int:
    """How many terms begin because of a change in a group at rest."""
    group = _settled(7, partitions, members)
    before = group.terms
    change(group)
    group.world.run(180_000)
    group.judge_balance()
    assert group.broken == []
    return group.terms - before


def test_a_newcomer_gets_its_share_and_nothing_else_moves() -> None:
    assert _moves(Group.join, 9, 2) == 3
    assert _moves(Group.join, 9, 3) == 2
    assert _moves(Group.join, 2, 2) == 0


def test_what_a_lost_member_led_is_spread_and_nothing_else_moves() -> None:
    assert _moves(lambda group: group.members[0].crash(), 9, 3) == 3
    assert _moves(lambda group: group.members[0].stop(), 9, 3) == 3


def test_an_assignment_that_starts_from_nothing_moves_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def in_turn(partitions: Collection[str], claims: Claims) -> dict[str, tuple[str, ...]]:
        members, names = sorted(claims), sorted(partitions)
        return {m: tuple(names[at :: len(members)]) for at, m in enumerate(members)}

    monkeypatch.setattr(module, "assign", in_turn)
    assert _moves(Group.join, 9, 2) > 3


def _taken_over_in_time(seed: int, core: type[PartitionCore] = PartitionCore) -> bool:
    group = _settled(seed, 6, 3, core)
    group.members[seed % 3].crash()
    limit_ms = TIMING.lease_ms + 3 * TIMING.renew_ms + 2 * TIMING.retry_ms
    # Clocks that run 2 % slow, two round trips.
    group.world.run(group.world.now_ms + int(1.02 * limit_ms) + 2 * 80)
    led = [name for member in group.living for name in member.core.leads]
    return sorted(led) == sorted(group.partitions)


@pytest.mark.parametrize("seed", range(10))
def test_a_crashed_members_partitions_are_taken_over_in_time(seed: int) -> None:
    assert _taken_over_in_time(seed)


def test_a_group_that_suspects_nobody_before_a_lease_takes_over_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MISSED_BEATS", 1_000)
    assert not _taken_over_in_time(0)


@pytest.mark.parametrize("seed", range(10))
def test_a_leaving_members_partitions_are_taken_over_in_time(seed: int) -> None:
    group = _settled(seed, 6, 3)
    group.members[0].stop()
    longest_work_ms = 2_000
    limit_ms = longest_work_ms + TIMING.renew_ms + TIMING.retry_ms
    group.world.run(group.world.now_ms + int(1.02 * limit_ms) + 2 * 80)
    led = [name for member in group.living for name in member.core.leads]
    assert sorted(led) == sorted(group.partitions)
    assert group.members[0].finished


def test_a_group_at_rest_sends_one_renewal_per_partition_and_one_beat_per_member() -> None:
    group = _settled(3, 8, 2)
    before = len(group.network.operations)
    group.world.run(group.world.now_ms + 100_000)
    sent = len(group.network.operations) - before
    writes = sum(
        operation.request.key in group.partitions for operation in group.network.operations[before:]
    )
    periods = 100_000 / TIMING.renew_ms
    assert sent - writes == pytest.approx((8 + 2) * periods, rel=0.05)


class GivesUpAllAtOnce(PartitionCore):
    """Work on all partitions that move stops at the same time."""

    def _give_up(self, now_ms: int, name: str) -> list[PartitionAction]:
        actions = super()._give_up(now_ms, name)
        if not self._stopping and name in self._parts:
            self._parts[name].leaving = False
        return actions


class LeavesBeforeItsWorkHasEnded(PartitionCore):
    """The lease is released at once; the work is told and still runs."""

    def _give_up(self, now_ms: int, name: str) -> list[PartitionAction]:
        actions = super()._give_up(now_ms, name)
        part = self._parts.get(name)
        released = [] if part is None else part.lease.leave(now_ms)
        return actions + (self._follow(now_ms, name, [*released]) if part else [])

    def on_work_ended(self, now_ms: int, partition: str) -> list[PartitionAction]:
        return super().on_work_ended(now_ms, partition) if partition in self._parts else []


class NeverSweeps(PartitionCore):
    """The roster keeps the lines of all that ever were members."""

    def _sweep(self, now_ms: int) -> list[PartitionAction]:
        del now_ms
        return []


class KeepsWhatItHas(PartitionCore):
    """A newcomer gets what others lose, and no more."""

    def _give_up(self, now_ms: int, name: str) -> list[PartitionAction]:
        return super()._give_up(now_ms, name) if self._stopping else []


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize(
    "mutant",
    [
        GivesUpAllAtOnce,
        LeavesBeforeItsWorkHasEnded,
        NeverSweeps,
        KeepsWhatItHas,
    ],
)
def test_a_mutant_is_caught(mutant: type[PartitionCore]) -> None:
    for seed in range(200):
        if simulate_partitions(seed, core=mutant).broken:
            return
    pytest.fail(f"{mutant.__name__} survived 200 seeds")


def _everything(partitions: Collection[str], claims: Claims) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(claims, tuple(sorted(partitions)))


def _rounded_down(partitions: Collection[str], claims: Claims) -> dict[str, tuple[str, ...]]:
    share = len(partitions) // len(claims)
    return {member: led[:share] for member, led in assign(partitions, claims).items()}


@pytest.mark.parametrize("mutant", [_everything, _rounded_down])
def test_a_mutant_of_the_assignment_is_caught(
    mutant: Callable[[Collection[str], Claims], dict[str, tuple[str, ...]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "assign", mutant)
    assert any(simulate_partitions(seed).broken for seed in range(50))


class Recorder:
    """A member on threads, and what it says."""

    def __init__(
        self,
        store: MemoryStore,
        owner: str,
        partitions: str = "abcd",
        listener_of: Callable[[str], Listener] | None = None,
    ) -> None:
        self.member = Partitions(
            store=store,
            prefix="g",
            partitions=tuple(partitions),
            owner=owner,
            timing=FAST,
            listener_of=listener_of,
        )
        self.failures: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.member.run(self._work)
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.failures.put(error)

    def _work(self, _partition: str, lease: Lease) -> None:
        while not lease.wait(1):
            pass

    def end(self) -> None:
        self.member.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_threads_share_partitions_and_hand_them_over() -> None:
    store = MemoryStore()
    first = Recorder(store, "first")
    _until(lambda: len(first.member.leases) == 4)
    second = Recorder(store, "second")
    _until(lambda: len(second.member.leases) == 2 == len(first.member.leases))
    assert not set(first.member.leases) & set(second.member.leases)
    assert len(first.member.members) == 2
    first.end()
    _until(lambda: len(second.member.leases) == 4)
    tokens = sorted(lease.token for lease in second.member.leases.values())
    assert tokens == [2, 2, 2, 2]
    second.end()
    assert first.failures.empty()
    assert second.failures.empty()


@pytest.mark.slow
def test_listeners_and_the_health_of_a_group_tell_what_happens_to_each_partition() -> None:
    store = MemoryStore()
    told: dict[str, list[LeaseEvent]] = {"a": [], "b": []}
    first = Recorder(store, "first", "ab", lambda partition: told[partition].append)
    _until(lambda: all(each.renewals for each in first.member.health.values()))
    name = first.member.health["a"].leader or ""
    assert name.startswith("first/")
    assert first.member.health["a"].leads
    second = Recorder(store, "second", "ab")
    _until(lambda: len(second.member.leases) == 1)
    (moved,) = second.member.leases
    _until(lambda: (first.member.health[moved].leader or "").startswith("second/"))
    health = first.member.health[moved]
    assert (health.leads, health.remaining_ms, health.terms, health.losses) == (False, 0, 1, 0)
    (kept,) = first.member.leases
    _until(lambda: second.member.health[kept].leader == name)
    # It has asked for nothing there, but the store has answered it.
    assert second.member.health[kept].silent_ms is not None
    first.end()
    second.end()
    for events in told.values():
        kinds = [type(event) for event in events]
        assert (kinds[0], kinds[-1]) == (Started, Released)
        assert kinds.count(Stopped) == 1
        assert Extended in kinds


class Silenceable(MemoryStore):
    """A store that can be made to give no answers."""

    silent = False

    def call(self, request: Request) -> Reply:
        return Reply(Outcome.UNKNOWN, reason="no answer") if self.silent else super().call(request)


@pytest.mark.slow
def test_a_partition_that_is_lost_counts_as_a_loss_and_its_troubles_are_told() -> None:
    store = Silenceable()
    events: list[LeaseEvent] = []
    member = Recorder(store, "x", "a", lambda _: events.append)
    _until(lambda: member.member.health["a"].leads)
    before = member.member.health["a"]
    store.silent = True
    _until(lambda: (member.member.health["a"].silent_ms or 0) > FAST.lease_ms)
    after = member.member.health["a"]
    assert after.losses > before.losses
    assert after.troubles > before.troubles
    assert Trouble("no answer") in events
    store.silent = False
    member.end()


@pytest.mark.slow
def test_work_that_returns_by_itself_ends_a_term_in_the_listeners_eyes_too() -> None:
    events: list[LeaseEvent] = []
    member = Partitions(
        store=MemoryStore(),
        prefix="g",
        partitions=("a",),
        owner="x",
        timing=FAST,
        listener_of=lambda _: events.append,
    )
    member.run(lambda _, lease: None if lease.token == 1 else member.stop())
    ends = [event for event in events if isinstance(event, Stopped)]
    assert ends[0] == Stopped(1, StopReason.ASKED)
    assert member.health["a"].terms == len(ends) == 2
    assert member.health["a"].losses == 0


def test_an_end_that_the_work_has_noticed_first_is_a_loss_all_the_same() -> None:
    member = Partitions(store=MemoryStore(), prefix="g", partitions=("a",), owner="x")
    member._carry_out([At("a", Stopped(1, StopReason.LOST_CONTACT))])
    assert member.health["a"].losses == 1


def test_a_member_that_has_not_begun_knows_nothing() -> None:
    member = Partitions(store=MemoryStore(), prefix="g", partitions=("a",), owner="x")
    health = member.health["a"]
    assert (health.leads, health.leader, health.silent_ms, health.terms) == (False, None, None, 0)


@pytest.mark.slow
def test_a_failure_of_the_work_ends_the_member_after_everything_was_handed_over() -> None:
    store = MemoryStore()

    def work(partition: str, lease: Lease) -> None:
        if partition == "c":
            raise ValueError(partition)
        while not lease.wait(1):
            pass

    failing = Partitions(
        store=store, prefix="g", partitions=("a", "b", "c"), owner="x", timing=FAST
    )
    with pytest.raises(ValueError, match="c"):
        failing.run(work)
    assert failing.leases == {}
    other = Recorder(store, "other")
    _until(lambda: len(other.member.leases) >= 3)
    other.end()


def test_a_store_that_refuses_the_first_request_is_a_mistake_that_is_told() -> None:
    class Refusing(MemoryStore):
        def call(self, request: Request) -> Reply:
            raise ConfigurationError(f"no such table for {request.key}")

    member = Partitions(store=Refusing(), prefix="g", partitions=("a",), owner="x", timing=FAST)
    with pytest.raises(ConfigurationError, match="no such table for g/roster"):
        member.run(lambda _, lease: lease.check())


def test_a_lease_names_the_item_that_it_is_kept_in() -> None:
    store = MemoryStore()
    member = Partitions(store=store, prefix="g", partitions=("a",), owner="x", timing=FAST)
    sightings: list[Sighting] = []

    def work(_partition: str, lease: Lease) -> None:
        sightings.append(LeaseObserver(store=store, key=lease.key).look())
        member.stop()

    member.run(work)
    assert [(seen.standing, seen.token) for seen in sightings] == [(Standing.HELD, 1)]


def test_partitions_whose_names_do_not_fit_into_the_roster_are_refused() -> None:
    names = [f"{number:0300}" for number in range(1_000)]
    with pytest.raises(ConfigurationError, match=r"take up 3\d+ bytes .* at most 300000 fit"):
        Partitions(store=MemoryStore(), prefix="g", partitions=names, owner="x")


def test_an_item_that_is_no_roster_is_refused_by_name() -> None:
    store = MemoryStore()
    member = Partitions(store=store, prefix="g", partitions="a", owner="x", timing=FAST)
    with (
        Lock(store=store, key="g/roster", owner="y", wait_s=0, keeps_trying=True),
        pytest.raises(ConfigurationError, match="Item g/roster is no roster: its attribute holder"),
    ):
        member.run(lambda _, __: pytest.fail("it led"))


def test_an_outage_is_warned_of_once_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    class Away(MemoryStore):
        replies = 0

        def call(self, request: Request) -> Reply:
            self.replies += 1
            if self.replies == 10:
                member.stop()
            return Reply(Outcome.RETRY, reason=f"{request.key} is not at home")

    member = Partitions(store=Away(), prefix="g", partitions="a", owner="x", timing=FAST)
    member.run(lambda _, __: pytest.fail("it led"))
    assert caplog.messages == ["group g: requests fail (g/roster is not at home)"]


def test_an_object_takes_part_once() -> None:
    member = Partitions(store=MemoryStore(), prefix="g", partitions="a", owner="x", timing=FAST)
    member.run(lambda _, __: member.stop())
    with pytest.raises(ConfigurationError, match=r"run\(\) of this object for group g has been"):
        member.run(lambda _, __: pytest.fail("it led again"))


def test_work_that_exits_the_process_ends_the_member_and_comes_out_of_run() -> None:
    store = MemoryStore()
    member = Partitions(store=store, prefix="g", partitions="a", owner="x", timing=FAST)
    with pytest.raises(SystemExit):
        member.run(lambda _, __: sys.exit(3))
    assert "holder" not in (store.call(Get("g/at/a")).item or {})


def test_an_error_of_on_stopped_comes_out_once_everything_was_handed_over() -> None:
    store = MemoryStore()
    member = Partitions(store=store, prefix="g", partitions="ab", owner="x", timing=FAST)
    kept: list[bool] = []

    def work(partition: str, lease: Lease) -> None:
        while not lease.wait(0.01):
            if len(member.leases) == 2:
                member.stop()
        time.sleep(FAST.lease_ms / 1000)
        kept.append("holder" in (store.call(Get(f"g/at/{partition}")).item or {}))

    def stopped(_partition: str, _reason: StopReason) -> None:
        raise ValueError("the hook failed")

    with pytest.raises(ValueError, match="the hook failed"):
        member.run(work, stopped)
    assert kept == [True, True]
    for key in ("g/at/a", "g/at/b"):
        assert "holder" not in (store.call(Get(key)).item or {})


def test_an_outage_of_the_roster_moves_nothing() -> None:
    core = PartitionCore(
        prefix="g", partitions=("a",), owner="x", timing=FAST, new_nonce=iter("123456").__next__
    )
    core.start(0)
    core.on_roster(0, Reply(Outcome.APPLIED, {}))
    assert core.takes_part_in == {"a"}
    core.on_tick(100)
    core.on_roster(200, Reply(Outcome.UNKNOWN))
    assert core.takes_part_in == {"a"}


class ForgetsTheReplyThatIsComing(PartitionCore):
    """A reply to an earlier part in a partition reaches the next one, or nobody."""

    def _follow(
        self, now_ms: int, name: str, actions: list[Action | Finished]
    ) -> list[PartitionAction]:
        self._parts[name].in_flight = False
        return super()._follow(now_ms, name, actions)


def _left_with_a_renewal_under_way(core: type[PartitionCore]) -> PartitionCore:
    """A member whose contact was lost, and which leaves before its last renewal is answered."""
    nonces = iter("123456789")
    member = core(prefix="g", partitions=("a",), owner="x", timing=FAST, new_nonce=nonces.__next__)
    member.start(0)
    (tried,) = member.on_roster(0, Reply(Outcome.APPLIED, {}))
    assert isinstance(tried, At)
    assert isinstance(tried.action, Send)
    won = {**tried.action.request.assign, "token": 1}
    member.on_reply(0, "a", Reply(Outcome.APPLIED, won))
    member.on_tick(100)
    member.on_roster(100, Reply(Outcome.UNKNOWN))
    member.on_tick(FAST.lease_ms)
    member.stop(FAST.lease_ms)
    member.on_work_ended(FAST.lease_ms, "a")
    return member


def test_a_reply_that_comes_after_its_part_has_left_is_dropped() -> None:
    member = _left_with_a_renewal_under_way(PartitionCore)
    member.on_reply(FAST.lease_ms, "a", Reply(Outcome.UNKNOWN))
    assert member.takes_part_in == frozenset()


def test_a_part_that_is_forgotten_too_early_is_noticed() -> None:
    member = _left_with_a_renewal_under_way(ForgetsTheReplyThatIsComing)
    with pytest.raises(KeyError):
        member.on_reply(FAST.lease_ms, "a", Reply(Outcome.UNKNOWN))
