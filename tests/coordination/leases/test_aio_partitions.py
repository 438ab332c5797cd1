"""The asyncio driver shares partitions as the thread driver does."""

# A mutant is a change to the inside of a driver.
# pyright: reportPrivateUsage=false

import asyncio
from collections.abc import Callable

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    Lease,
    LeaseTiming,
    Reply,
    Request,
    StopReason,
)
from holdfast.coordination.leases.aio_partitions import AsyncPartitions
from holdfast.errors import ConfigurationError, StoreUnavailableError
from tests.coordination.leases.test_aio import run

FAST = LeaseTiming(lease_ms=1_000, renew_ms=100, retry_ms=50, margin_ms=200)


def _member(
    store: AsyncMemoryStore, owner: str, kind: type[AsyncPartitions] = AsyncPartitions
) -> AsyncPartitions:
    return kind(store=store, prefix="g", partitions=("a", "b", "c", "d"), owner=owner, timing=FAST)


async def _work(_partition: str, _lease: Lease) -> None:
    await asyncio.Event().wait()


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what it waits for announces nothing
        await asyncio.sleep(0.02)


def test_tasks_share_partitions_and_hand_them_over() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        first, second = _member(store, "first"), _member(store, "second")
        reasons: list[StopReason] = []
        leading = asyncio.create_task(first.run(_work, lambda _, reason: reasons.append(reason)))
        await _until(lambda: len(first.leases) == 4)
        joining = asyncio.create_task(second.run(_work))
        await _until(lambda: len(first.leases) == len(second.leases) == 2)
        assert not set(first.leases) & set(second.leases)
        assert len(second.members) == 2
        leading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leading
        assert first.leases == {}
        assert reasons == [StopReason.ASKED] * 4
        await _until(lambda: len(second.leases) == 4)
        assert {lease.token for lease in second.leases.values()} == {2}
        second.stop()
        await joining

    run(story())


async def _overlaps(kind: type[AsyncPartitions]) -> list[str]:
    """Partitions on which work began before other work on them had ended."""
    store = AsyncMemoryStore()
    first, second = _member(store, "first", kind), _member(store, "second", kind)
    busy: set[str] = set()
    overlaps: list[str] = []

    async def slow(partition: str, _lease: Lease) -> None:
        overlaps.extend({partition} & busy)
        busy.add(partition)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.3)
            busy.discard(partition)

    tasks = [asyncio.create_task(first.run(slow))]
    await _until(lambda: len(first.leases) == 4)
    tasks.append(asyncio.create_task(second.run(slow)))
    await _until(lambda: len(second.leases) == 2)
    first.stop()
    await _until(lambda: len(second.leases) == 4)
    second.stop()
    await asyncio.gather(*tasks)
    return overlaps


def test_work_that_takes_its_time_to_end_is_waited_for() -> None:
    async def story() -> None:
        assert await _overlaps(AsyncPartitions) == []

    run(story())


class DoesNotWaitForTheWork(AsyncPartitions):
    """The work counts as ended as soon as it has been told to end."""

    def _halt(self, partition: str) -> None:
        super()._halt(partition)
        self._pump.signal(lambda: self._work_ended(partition, None))

    def _work_ended(self, partition: str, failure: BaseException | None) -> None:
        if partition in self._leases:
            super()._work_ended(partition, failure)


def test_a_driver_that_does_not_wait_for_the_work_is_noticed() -> None:
    async def story() -> None:
        assert await _overlaps(DoesNotWaitForTheWork) != []

    run(story())


def test_a_failure_of_the_work_is_raised_after_everything_was_handed_over() -> None:
    async def story() -> None:
        async def fail(partition: str, _lease: Lease) -> None:
            if partition == "c":
                raise ValueError(partition)
            await asyncio.Event().wait()

        failing = _member(AsyncMemoryStore(), "x")
        with pytest.raises(ValueError, match="c"):
            await failing.run(fail)
        assert failing.leases == {}

    run(story())


class Failing(AsyncMemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None

    async def call(self, request: Request) -> Reply:
        if self.failure is not None:
            raise self.failure
        return await super().call(request)


def test_a_store_that_never_worked_is_a_mistake_and_one_that_stops_working_an_outage() -> None:
    async def story() -> None:
        store = Failing()
        store.failure = ConfigurationError("no such table")
        with pytest.raises(ConfigurationError, match="no such table"):
            await _member(store, "x").run(_work)
        store.failure = None
        member = _member(store, "x")
        reasons: list[StopReason] = []
        task = asyncio.create_task(member.run(_work, lambda _, reason: reasons.append(reason)))
        await _until(lambda: len(member.leases) == 4)
        store.failure = StoreUnavailableError("no answer")
        await _until(lambda: len(reasons) == 4)
        assert set(reasons) == {StopReason.LOST_CONTACT}
        store.failure = ConfigurationError("no permission any more")
        await asyncio.sleep(0.2)
        store.failure = None
        await _until(lambda: len(member.leases) == 4)
        assert min(lease.token for lease in member.leases.values()) == 2
        member.stop()
        await task

    run(story())


@pytest.mark.slow
def test_a_late_reply_is_known_to_be_late() -> None:
    async def story() -> None:
        class Slow(AsyncMemoryStore):
            async def call(self, request: Request) -> Reply:
                reply = await super().call(request)
                await asyncio.sleep(0.9)
                return reply

        member = _member(Slow(), "x")
        task = asyncio.create_task(member.run(_work))
        # Replies that take longer than a lease is good for leave nobody leading.
        await asyncio.sleep(3)
        assert member.leases == {}
        member.stop()
        await task

    run(story())
