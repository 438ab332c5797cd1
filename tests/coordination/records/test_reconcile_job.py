"""A job that compares two regions goes on where it stopped, whoever runs it."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.coordination import (
    AsyncMemoryStore,
    AsyncReconciliationJob,
    Fence,
    Get,
    Lease,
    MemoryStore,
    Outcome,
    Put,
    Reply,
    Request,
)
from holdfast.coordination.drivers import program
from holdfast.coordination.records.reconcile import Drift, of_mapping, of_mapping_async
from holdfast.coordination.records.reconcile_job import Checkpoint, ReconciliationJob
from holdfast.coordination.stores.store import Always
from holdfast.errors import LeaseLostError, StoreUnavailableError
from tests.coordination.fakes import ManualClock

Region = dict[str, str]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_PAUSE_MS", 1)


def _lease(token: int, clock: ManualClock | None = None) -> Lease:
    return Lease(key="job", token=token, until_ms=1_000, clock=clock or ManualClock())


def _copy_to(right: Region, left: Region) -> Callable[[Drift, Fence], bool]:
    def repair(drift: Drift, _fence: Fence) -> bool:
        if drift.key in left:
            right[drift.key] = left[drift.key]
        else:
            del right[drift.key]
        return True

    return repair


def _job(
    store: MemoryStore,
    left: Region,
    right: Region,
    repair: Callable[[Drift, Fence], bool] | None,
    max_keys: int = 3,
) -> ReconciliationJob:
    return ReconciliationJob(
        store=store,
        key="checkpoint",
        left=of_mapping(left),
        right=of_mapping(right),
        repair=repair,
        max_keys=max_keys,
        max_repairs=2,
    )


REGIONS = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.sampled_from("xyz"))


@given(REGIONS, REGIONS)
def test_a_pass_in_pieces_by_changing_leaders_leaves_nothing_different(
    left: Region, right: Region
) -> None:
    store = MemoryStore()
    different = sum(left.get(key) != right.get(key) for key in {*left, *right})
    everything = len({*left, *right})
    token = 0
    while True:
        token += 1
        job = _job(store, left, right, _copy_to(right, left))
        report = job.run(_lease(token))
        assert report.compared <= 3
        assert len(report.repaired) <= 2
        if report.resume_after is None:
            break
    assert right == left
    assert job.checkpoint() == Checkpoint("", 1, everything, different, different)
    assert job.run(_lease(token)).drifts == ()


def test_a_job_that_reports_only_changes_nothing() -> None:
    left, right = {"a": "x"}, {"a": "y", "b": "z"}
    report = _job(MemoryStore(), left, right, None).run(_lease(1))
    assert [drift.key for drift in report.drifts] == ["a", "b"]
    assert report.repaired == ()
    assert right == {"a": "y", "b": "z"}


def test_a_difference_in_passing_is_neither_counted_nor_repaired() -> None:
    store, right = MemoryStore(), {"a": "moving", "b": "y"}
    left = {"a": "x", "b": "x"}

    def settled(drift: Drift) -> bool:
        return drift.right != "moving"

    async def settled_later(drift: Drift) -> bool:
        await asyncio.sleep(0)
        return settled(drift)

    repaired: list[str] = []

    def repair(drift: Drift, _fence: Fence) -> bool:
        repaired.append(drift.key)
        return True

    async def repair_later(drift: Drift, fence: Fence) -> bool:
        await asyncio.sleep(0)
        return repair(drift, fence)

    threads = ReconciliationJob(
        store=store,
        key="by threads",
        left=of_mapping(left),
        right=of_mapping(right),
        repair=repair,
        settled=settled,
    )
    tasks = AsyncReconciliationJob(
        store=AsyncMemoryStore(store),
        key="by tasks",
        left=of_mapping_async(left),
        right=of_mapping_async(right),
        repair=repair_later,
        settled=settled_later,
    )
    assert threads.run(_lease(1)) == asyncio.run(tasks.run(_lease(1)))
    assert repaired == ["b", "b"]
    assert threads.checkpoint() == Checkpoint("", 1, 2, 1, 1)


def test_the_counts_are_those_of_one_pass() -> None:
    store, left, right = MemoryStore(), {"a": "x"}, {"a": "y"}
    job = _job(store, left, right, None)
    for passes in (1, 2, 3):
        job.run(_lease(1))
        assert job.checkpoint() == Checkpoint("", passes, 1, 1, 0)


def test_a_job_whose_lease_ends_half_way_repairs_nothing_more() -> None:
    clock, store = ManualClock(), MemoryStore()
    left, right = {"a": "x", "b": "x"}, dict[str, str]()
    repaired: list[str] = []

    def slow(drift: Drift, _fence: Fence) -> bool:
        repaired.append(drift.key)
        clock.advance(1_000)
        return True

    with pytest.raises(LeaseLostError):
        _job(store, left, right, slow).run(_lease(1, clock))
    assert repaired == ["a"]
    assert store.call(Get("checkpoint")).item is None
    with pytest.raises(LeaseLostError):
        _job(store, left, right, slow).run(_lease(1, clock))
    assert repaired == ["a"]


def _overtaken(store: MemoryStore) -> ReconciliationJob:
    """A job of an early leader, during whose piece a later leader does the same piece."""
    left = dict.fromkeys("abcdef", "x")

    def overtake(_drift: Drift, _fence: Fence) -> bool:
        if store.call(Get("checkpoint")).item is None:
            _job(store, left, {}, None).run(_lease(2))
        return False

    return _job(store, left, {}, overtake)


def test_a_job_that_was_overtaken_cannot_move_the_checkpoint() -> None:
    store = MemoryStore()
    with pytest.raises(LeaseLostError, match=r"written with token 2 meanwhile; this job's is 1"):
        _overtaken(store).run(_lease(1))
    item = store.call(Get("checkpoint")).item or {}
    assert (item["after"], item["fence"], item["compared"]) == ("c", 2, 3)


def test_a_checkpoint_without_condition_is_noticed() -> None:
    class Unconditional(MemoryStore):
        def call(self, request: Request) -> Reply:
            if isinstance(request, Put):
                request = Put(key=request.key, when=Always(), item=request.item)
            return super().call(request)

    store = Unconditional()
    _overtaken(store).run(_lease(1))
    assert (store.call(Get("checkpoint")).item or {})["fence"] == 1


class Passing(MemoryStore):
    """A store that applies writes and says nothing, or puts off anything, for so many times."""

    def __init__(self, *, loses: int = 0, puts_off: int = 0) -> None:
        super().__init__()
        self.loses = loses
        self.puts_off = puts_off

    def call(self, request: Request) -> Reply:
        if self.puts_off:
            self.puts_off -= 1
            return Reply(Outcome.RETRY, reason="ReplicatedWriteConflictException")
        reply = super().call(request)
        if self.loses and not isinstance(request, Get):
            self.loses -= 1
            return Reply(Outcome.UNKNOWN, reason="lost")
        return reply


@pytest.mark.parametrize(
    "store", [Passing(puts_off=3), Passing(loses=1), Passing(loses=4)], ids=["put off", "1", "4"]
)
def test_a_checkpoint_is_written_once_whatever_passes(store: Passing) -> None:
    job = _job(store, dict.fromkeys("abcdef", "x"), {}, None)
    assert [drift.key for drift in job.run(_lease(1)).drifts] == ["a", "b", "c"]
    assert job.checkpoint() == Checkpoint("c", 0, 3, 3, 0)
    assert [drift.key for drift in job.run(_lease(1)).drifts] == ["d", "e", "f"]
    assert job.checkpoint() == Checkpoint("", 1, 6, 6, 0)


def test_a_checkpoint_that_nobody_confirms_is_gone_on_from() -> None:
    store = Passing(loses=99)
    left = dict.fromkeys("abcdef", "x")
    job = _job(store, left, {}, None)
    with pytest.raises(StoreUnavailableError, match="checkpoint may not have been written: lost"):
        job.run(_lease(1))
    assert job.checkpoint().after == "c"


def test_a_job_whose_lease_ends_with_its_last_repair_moves_nothing() -> None:
    clock, store = ManualClock(), MemoryStore()

    def slow(_drift: Drift, _fence: Fence) -> bool:
        clock.advance(1_000)
        return True

    with pytest.raises(LeaseLostError):
        _job(store, {"a": "x"}, {}, slow).run(_lease(1, clock))
    with pytest.raises(LeaseLostError):
        asyncio.run(_async_job(store, {"a": "x"}, {}, slow).run(_lease(1, clock)))
    clock = ManualClock()
    with pytest.raises(LeaseLostError):
        asyncio.run(_async_job(store, {"a": "x"}, {}, slow).run(_lease(1, clock)))
    assert store.call(Get("checkpoint")).item is None


def test_a_checkpoint_that_cannot_be_read_stops_the_job() -> None:
    class Silent(MemoryStore):
        def call(self, request: Request) -> Reply:
            return Reply(Outcome.UNKNOWN, reason=f"no answer for {request.key}")

    with pytest.raises(StoreUnavailableError, match="could not be read: no answer"):
        _job(Silent(), {}, {}, None).run(_lease(1))


def test_a_repair_is_given_the_fence_of_its_job() -> None:
    target = MemoryStore()

    def repair(drift: Drift, fence: Fence) -> bool:
        write = fence.guard(Put(key=drift.key, when=Always(), item={"value": drift.left or ""}))
        return target.call(write).outcome is Outcome.APPLIED

    _job(MemoryStore(), {"a": "new"}, {}, repair).run(_lease(7))
    stale = _job(MemoryStore(), {"a": "old"}, {}, repair).run(_lease(6))
    assert stale.repaired == ()
    assert target.call(Get("a")).item == {"value": "new", "fence": 7}


def _async_job(
    store: MemoryStore,
    left: Region,
    right: Region,
    repair: Callable[[Drift, Fence], bool] | None,
) -> AsyncReconciliationJob:
    async def repair_later(drift: Drift, fence: Fence) -> bool:
        assert repair is not None
        await asyncio.sleep(0)
        return repair(drift, fence)

    return AsyncReconciliationJob(
        store=AsyncMemoryStore(store),
        key="checkpoint",
        left=of_mapping_async(left),
        right=of_mapping_async(right),
        repair=None if repair is None else repair_later,
        max_keys=3,
        max_repairs=2,
    )


def test_tasks_and_threads_go_on_with_each_others_pass() -> None:
    store, left, right = MemoryStore(), dict.fromkeys("abcdefgh", "x"), {"a": "x", "z": "y"}
    repair = _copy_to(right, left)
    for token in range(1, 20):
        if token % 2:
            report = asyncio.run(_async_job(store, left, right, repair).run(_lease(token)))
        else:
            report = _job(store, left, right, repair).run(_lease(token))
        if report.resume_after is None:
            break
    assert right == left
    checkpoint = asyncio.run(_async_job(store, left, right, None).checkpoint())
    assert checkpoint == Checkpoint("", 1, 9, 8, 8)


def test_a_task_whose_lease_ends_half_way_repairs_nothing_more() -> None:
    clock, store = ManualClock(), MemoryStore()
    repaired: list[str] = []

    def slow(drift: Drift, _fence: Fence) -> bool:
        repaired.append(drift.key)
        clock.advance(1_000)
        return True

    job = _async_job(store, {"a": "x", "b": "x"}, {}, slow)
    with pytest.raises(LeaseLostError):
        asyncio.run(job.run(_lease(1, clock)))
    assert repaired == ["a"]
    assert store.call(Get("checkpoint")).item is None


def test_a_task_that_was_overtaken_cannot_move_the_checkpoint() -> None:
    store, left = MemoryStore(), dict.fromkeys("abcdef", "x")

    def overtake(_drift: Drift, _fence: Fence) -> bool:
        if store.call(Get("checkpoint")).item is None:
            _job(store, left, {}, None).run(_lease(2))
        return False

    with pytest.raises(LeaseLostError, match=r"written with token 2 meanwhile; this job's is 1"):
        asyncio.run(_async_job(store, left, {}, overtake).run(_lease(1)))
