"""Tasks handle each event once, as threads do."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import replace

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    AsyncOnce,
    Get,
    Item,
    LeaseTiming,
    MemoryStore,
    Outcome,
    Reply,
    Request,
    Update,
)
from holdfast.coordination.stores.store import Always, Delete, Put
from holdfast.errors import (
    ConfigurationError,
    LeaseLostError,
    LockTimeoutError,
    PayloadMismatchError,
)

FAST = LeaseTiming(lease_ms=500, renew_ms=100, retry_ms=50, margin_ms=100)
# For a holder that must not lose its lease on a machine that is busy with other things.
STEADY = LeaseTiming(lease_ms=1_500, renew_ms=50, retry_ms=50, margin_ms=300)
SLOW = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000)


def run(story: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await story

    asyncio.run(bounded())


class SharedStore(AsyncMemoryStore):
    """Counts what tasks ask, and lets the test write behind their backs."""

    def __init__(self, shared: MemoryStore | None = None) -> None:
        self.shared = shared or MemoryStore()
        self.requests = 0
        super().__init__(self.shared)

    async def call(self, request: Request) -> Reply:
        self.requests += 1
        return await super().call(request)

    def item(self, key: str) -> Item:
        return self.shared.call(Get(key)).item or {}


def _once(
    store: SharedStore, owner: str = "a", wait_s: float = 10, timing: LeaseTiming = FAST
) -> AsyncOnce:
    return AsyncOnce(store=store, prefix="order", owner=owner, wait_s=wait_s, timing=timing)


def test_a_decorated_coroutine_runs_once_however_often_its_event_is_delivered() -> None:
    async def story() -> None:
        handled: list[str] = []

        @_once(SharedStore(), timing=STEADY).handler(
            event_id=lambda event: event, payload=str.encode
        )
        async def handle(event: str) -> str:
            handled.append(event)
            await asyncio.sleep(0.02)
            return event.upper()

        assert await asyncio.gather(*(handle("x") for _ in range(5))) == ["X"] * 5
        assert await handle("y") == "Y"
        assert handled == ["x", "y"]

    run(story())


def test_a_new_event_costs_two_requests_and_a_repeated_one_costs_one() -> None:
    async def story() -> None:
        store = SharedStore()
        once = AsyncOnce(store=store, prefix="order", owner="a", wait_s=70, timing=SLOW)
        before = asyncio.all_tasks()
        async with once.event("1", b"x") as delivery:
            assert delivery.lease is not None
            await delivery.complete("done")
        assert store.requests == 2
        # Nobody looks after the lease any more.
        assert asyncio.all_tasks() == before
        async with once.event("1", b"x") as delivery:
            assert (delivery.result, delivery.lease) == ("done", None)
        assert store.requests == 3

    run(story())


def test_a_run_that_fails_leaves_the_event_to_the_next_at_once() -> None:
    async def story() -> None:
        store = SharedStore()
        once = _once(store)
        with pytest.raises(ValueError, match="half-way"):
            async with once.event("1"):
                raise ValueError("half-way")
        assert "holder" not in store.item("order/1")
        async with once.event("1") as delivery:
            assert delivery.lease is not None
            assert delivery.lease.token == 2
            await delivery.complete("done")

    run(story())


def test_a_cancelled_run_leaves_the_event_to_the_next_at_once() -> None:
    async def story() -> None:
        store = SharedStore()
        working = asyncio.Event()

        async def work() -> None:
            async with _once(store).event("1"):
                working.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await working.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "holder" not in store.item("order/1")

    run(story())


def test_a_run_that_crashed_is_taken_over_after_one_lease() -> None:
    async def story() -> None:
        store = SharedStore()
        dead: Item = {"holder": "dead", "nonce": "n", "token": 4, "beat": 0, "lease_ms": 300}
        store.shared.call(Put(key="order/1", when=Always(), item=dead))
        began = time.monotonic()
        async with _once(store).event("1") as delivery:
            assert delivery.lease is not None
            assert delivery.lease.token == 5
            await delivery.complete("done")
        assert 0.298 <= time.monotonic() - began < 5

    run(story())


def test_a_long_run_that_is_alive_is_not_taken_over() -> None:
    async def story() -> None:
        store = SharedStore()
        async with _once(store, "slow", timing=STEADY).event("1") as delivery:
            with pytest.raises(LockTimeoutError, match=r"order/1 could not .* slow/\w+ holds it"):
                await _once(store, "eager", wait_s=2, timing=STEADY).event("1").__aenter__()
            await delivery.complete("done")

    run(story())


def test_an_id_with_another_payload_is_refused_while_running_and_after() -> None:
    async def story() -> None:
        once = _once(SharedStore())
        async with once.event("1", b"first") as delivery:
            with pytest.raises(PayloadMismatchError, match="order/1 was handled before with"):
                await once.event("1", b"second").__aenter__()
            await delivery.complete("done")
        with pytest.raises(PayloadMismatchError):
            await once.event("1", b"second").__aenter__()
        async with once.event("2", b"second") as delivery:
            assert delivery.result is None

    run(story())


def test_an_event_without_an_id_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="kind order has the id ''"):
        _once(SharedStore()).event("")


async def _zombie_story(store: SharedStore) -> str | None:
    """A run is taken over, and both complete; whose the record is then."""
    zombie = _once(store, "zombie").event("1")
    await zombie.__aenter__()
    taken: Item = {"holder": "next", "nonce": "x", "token": 2, "beat": 0, "lease_ms": 500}
    store.shared.call(Put(key="order/1", when=Always(), item=taken))
    try:
        await zombie.complete("zombie's")
    except LeaseLostError:
        await zombie.__aexit__(None, None, None)
    found = store.item("order/1")
    result = found.get("result", found.get("holder"))
    return result if isinstance(result, str) else None


class CompletesUnconditionally(SharedStore):
    """Mutant (Powertools): completion does not ask whose record it is."""

    async def call(self, request: Request) -> Reply:
        if isinstance(request, Update) and "result" in request.assign:
            request = replace(request, when=Always())
        return await super().call(request)


class DeletesUnconditionally(SharedStore):
    """Mutant (Powertools): a failed run deletes whatever record is there."""

    async def call(self, request: Request) -> Reply:
        if isinstance(request, Update) and "holder" in request.remove:
            self.shared.call(Delete(key=request.key, when=Always()))
            return Reply(Outcome.REFUSED)
        return await super().call(request)


def test_a_zombie_can_neither_complete_nor_remove_the_next_runs_record() -> None:
    assert asyncio.run(_zombie_story(SharedStore())) == "next"


@pytest.mark.parametrize("mutant", [CompletesUnconditionally, DeletesUnconditionally])
def test_an_unconditional_end_is_caught(mutant: type[SharedStore]) -> None:
    assert asyncio.run(_zombie_story(mutant())) != "next"
