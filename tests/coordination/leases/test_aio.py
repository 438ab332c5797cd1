"""The asyncio drivers do what the thread drivers do."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine

import pytest

from holdfast.coordination import (
    AsyncElection,
    AsyncLock,
    AsyncMemoryStore,
    Get,
    Item,
    Leadership,
    Lease,
    LeaseEvent,
    LeaseTiming,
    MemoryStore,
    Outcome,
    Reply,
    Request,
    StopReason,
)
from holdfast.coordination.leases.lease_core import Stopped
from holdfast.coordination.stores.store import Always, Put, number
from holdfast.errors import ConfigurationError, LockTimeoutError, StoreUnavailableError

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)
# For holders that must not lose their lease on a machine that is busy with other things.
STEADY = LeaseTiming(lease_ms=2_000, renew_ms=50, retry_ms=50, margin_ms=400)


def run(story: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await story

    asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


class CountingStore(AsyncMemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.failure: Exception | None = None

    async def call(self, request: Request) -> Reply:
        self.requests += 1
        if self.failure is not None:
            raise self.failure
        return await super().call(request)


def _election(store: AsyncMemoryStore, owner: str) -> AsyncElection:
    return AsyncElection(store=store, key="leader", owner=owner, timing=FAST)


def test_a_leader_works_until_it_is_stopped_and_then_hands_over() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        tokens: asyncio.Queue[int] = asyncio.Queue()
        ended: list[str] = []

        async def lead(lease: Lease) -> None:
            tokens.put_nowait(lease.token)
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("ended")

        first, second = _election(store, "a"), _election(store, "b")
        reasons: list[StopReason] = []
        one = asyncio.create_task(first.run(lead, reasons.append))
        assert await tokens.get() == 1
        assert first.leader == first.holder
        assert first.lease is not None
        assert second.lease is None
        two = asyncio.create_task(second.run(lead))
        first.stop()
        await one
        assert reasons == [StopReason.ASKED]
        assert first.lease is None
        assert ended == ["ended"]
        assert await tokens.get() == 2
        second.stop()
        await two
        assert "holder" not in ((await store.call(Get("leader"))).item or {})

    run(story())


def test_cancelling_the_election_cancels_the_work_and_releases_the_lease() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        leads = asyncio.Event()

        async def lead(_lease: Lease) -> None:
            leads.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(_election(store, "a").run(lead))
        await leads.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert "holder" not in ((await store.call(Get("leader"))).item or {})

    run(story())


def test_work_is_cancelled_when_contact_is_lost_and_begins_again_with_a_new_token() -> None:
    async def story() -> None:
        store = CountingStore()
        leases: asyncio.Queue[Lease] = asyncio.Queue()
        reasons: asyncio.Queue[StopReason] = asyncio.Queue()

        async def lead(lease: Lease) -> None:
            leases.put_nowait(lease)
            await asyncio.Event().wait()

        election = _election(store, "a")
        task = asyncio.create_task(election.run(lead, reasons.put_nowait))
        lease = await leases.get()
        store.failure = ConfigurationError("the table is gone for a while")
        assert await reasons.get() is StopReason.LOST_CONTACT
        assert not lease.held
        store.failure = None
        assert (await leases.get()).token == 2
        election.stop()
        await task

    run(story())


def test_work_that_returns_ends_its_term_for_listeners_too() -> None:
    async def story() -> None:
        events: list[LeaseEvent] = []
        election = AsyncElection(
            store=AsyncMemoryStore(), key="leader", owner="a", timing=FAST, listener=events.append
        )

        async def lead(lease: Lease) -> None:
            if lease.token == 2:
                election.stop()
                await asyncio.Event().wait()

        await election.run(lead)
        ends = [each for each in events if isinstance(each, Stopped)]
        assert ends == [Stopped(1, StopReason.ASKED), Stopped(2, StopReason.ASKED)]
        assert election.health.losses == 0

    run(story())


def test_an_error_of_the_work_comes_out_of_run_after_the_release() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()

        async def lead(_lease: Lease) -> None:
            raise ValueError("the work failed")

        with pytest.raises(ValueError, match="the work failed"):
            await _election(store, "a").run(lead)
        assert "holder" not in ((await store.call(Get("leader"))).item or {})

    run(story())


@pytest.mark.parametrize(
    "failure", [ConfigurationError("no such table"), OSError("the store's own mistake")]
)
def test_a_store_that_can_never_work_is_an_error_at_once(failure: Exception) -> None:
    async def story() -> None:
        store = CountingStore()
        store.failure = failure

        async def lead(_lease: Lease) -> None:
            pytest.fail("nobody can lead")

        with pytest.raises(type(failure), match=str(failure)):
            await _election(store, "a").run(lead)
        with pytest.raises(type(failure), match=str(failure)):
            async with AsyncLock(store=store, key="lock", owner="a", wait_s=1, timing=FAST):
                pytest.fail("a lock from nowhere")

    run(story())


def test_changes_of_leadership_can_be_followed() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        election = _election(store, "a")

        async def lead(_lease: Lease) -> None:
            await asyncio.Event().wait()

        seen: list[Leadership] = []

        async def follow() -> None:
            async for change in election.changes():
                seen.append(change)
                if change.lease is not None:
                    election.stop()

        follower = asyncio.create_task(follow())
        await election.run(lead)
        await follower
        assert [change.lease is not None for change in seen] == [False, True, False, False]
        health = election.health
        assert (health.leads, health.terms, health.losses) == (False, 1, 0)
        assert (seen[1].leader or "").startswith("a/")
        assert election.leader is None

    run(story())


def test_a_lock_costs_one_request_each_way_and_its_tokens_grow() -> None:
    async def story() -> None:
        store = CountingStore()
        slow = LeaseTiming(lease_ms=60_000, renew_ms=20_000, margin_ms=12_000)
        lock = AsyncLock(store=store, key="lock", owner="a", wait_s=90, timing=slow)
        async with lock as lease:
            assert lease.token == 1
            assert store.requests == 1
            with pytest.raises(ConfigurationError, match="already holds lock"):
                await lock.__aenter__()
        assert store.requests == 2
        async with lock as lease:
            assert lease.token == 2

    run(story())


def test_tasks_take_turns_with_a_lock() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        inside = 0

        async def work(name: str) -> None:
            nonlocal inside
            async with AsyncLock(store=store, key="lock", owner=name, wait_s=20, timing=STEADY):
                inside += 1
                assert inside == 1
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(*(work(name) for name in "abcd"))

    run(story())


def test_a_listener_and_the_health_of_a_lock_tell_what_happens_to_it() -> None:
    async def story() -> None:
        store = CountingStore()
        events: list[LeaseEvent] = []
        lock = AsyncLock(
            store=store, key="lock", owner="a", wait_s=10, timing=STEADY, listener=events.append
        )
        async with lock as lease:
            await until(lambda: lock.health.renewals > 0)
            assert lock.health.leads
            assert (lock.health.leader or "").startswith("a/")
            store.failure = StoreUnavailableError("no quorum")
            await until(lambda: not lease.held)
            store.failure = None
        async with lock:
            pass
        ends = [event for event in events if isinstance(event, Stopped)]
        assert ends == [Stopped(1, StopReason.LOST_CONTACT), Stopped(2, StopReason.ASKED)]
        health = lock.health
        assert (health.leads, health.terms, health.losses) == (False, 2, 1)
        assert health.troubles >= 1

    run(story())


def test_a_lock_whose_store_hung_when_it_was_left_can_be_taken_again() -> None:
    class Hanging(AsyncMemoryStore):
        hangs = False

        async def call(self, request: Request) -> Reply:
            if self.hangs:
                await asyncio.Event().wait()
            return await super().call(request)

    async def story() -> None:
        store = Hanging()
        lock = AsyncLock(store=store, key="lock", owner="a", wait_s=5, timing=FAST)
        async with lock as lease:
            store.hangs = True
            await until(lambda: not lease.held)
        store.hangs = False
        async with asyncio.timeout(5), lock as lease:
            assert lease.token == 2

    run(story())


def test_waiting_for_a_lock_has_an_end_and_can_be_cancelled() -> None:
    async def story() -> None:
        shared = MemoryStore()
        held: Item = {"holder": "x/1", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 60_000}
        shared.call(Put(key="lock", when=Always(), item=held))
        store = AsyncMemoryStore(shared)
        for wait_s in (0, 0.1):
            with pytest.raises(LockTimeoutError, match="x/1 holds it"):
                async with AsyncLock(
                    store=store,
                    key="lock",
                    owner="a",
                    wait_s=wait_s,
                    keeps_trying=True,
                    timing=FAST,
                ):
                    pytest.fail("two holders")
        lock = AsyncLock(store=store, key="lock", owner="a", wait_s=60, timing=FAST)
        task = asyncio.create_task(lock.__aenter__())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert shared.call(Get("lock")) == Reply(Outcome.APPLIED, held)

    run(story())


class SlowStore(AsyncMemoryStore):
    """A store whose answers take their time."""

    async def call(self, request: Request) -> Reply:
        reply = await super().call(request)
        await asyncio.sleep(0.2)
        return reply


def _until_the_loop_closes(
    begin: Callable[[AsyncMemoryStore], Coroutine[None, None, None]],
) -> Item:
    """The record that a task leaves behind that works when its event loop comes to its end."""
    shared = MemoryStore()

    async def main() -> None:
        task = asyncio.create_task(begin(SlowStore(shared)))
        await asyncio.sleep(0.3)
        assert not task.done()

    loops = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    loops.start()
    loops.join(10)
    assert not loops.is_alive(), "the event loop never came to its end"
    return shared.call(Get("leader")).item or {}


def test_a_candidate_does_not_keep_the_event_loop_from_closing() -> None:
    async def stand(store: AsyncMemoryStore) -> None:
        async def lead(_lease: Lease) -> None:
            pytest.fail("another leads")

        # Whose answer is under way at any time.
        held: Item = {"holder": "x/1", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 60_000}
        await store.call(Put(key="leader", when=Always(), item=held))
        await _election(store, "a").run(lead)

    assert _until_the_loop_closes(stand)["holder"] == "x/1"


def test_a_leader_releases_its_lease_when_the_event_loop_closes() -> None:
    async def stand(store: AsyncMemoryStore) -> None:
        async def lead(_lease: Lease) -> None:
            await asyncio.Event().wait()

        await _election(store, "leader").run(lead)

    assert set(_until_the_loop_closes(stand)) == {"nonce", "token"}


def test_a_lock_is_given_back_when_the_event_loop_closes() -> None:
    async def hold(store: AsyncMemoryStore) -> None:
        async with AsyncLock(store=store, key="leader", owner="a", wait_s=5, timing=STEADY):
            await asyncio.Event().wait()

    assert set(_until_the_loop_closes(hold)) == {"nonce", "token"}


def test_a_lock_whose_release_was_cancelled_can_be_taken_again() -> None:
    async def story() -> None:
        store = SlowStore()
        lock = AsyncLock(store=store, key="lock", owner="a", wait_s=5, timing=STEADY)

        async def hold() -> None:
            async with lock:
                pass

        task = asyncio.create_task(hold())
        await until(lambda: lock.health.terms == 1)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with lock as lease:
            assert lease.token == 2

    run(story())


def test_changes_end_when_the_election_ends_by_an_error() -> None:
    async def story() -> None:
        store = CountingStore()
        store.failure = ConfigurationError("no such table")
        election = _election(store, "a")

        async def lead(_lease: Lease) -> None:
            pytest.fail("nobody can lead")

        async def follow() -> list[Leadership]:
            return [change async for change in election.changes()]

        follower = asyncio.create_task(follow())
        with pytest.raises(ConfigurationError, match="no such table"):
            await election.run(lead)
        async with asyncio.timeout(5):
            assert set(await follower) == {Leadership(None, None)}

    run(story())


def test_an_object_stands_for_election_once() -> None:
    async def story() -> None:
        election = _election(AsyncMemoryStore(), "a")

        async def lead(_lease: Lease) -> None:
            election.stop()

        await election.run(lead)
        with pytest.raises(ConfigurationError, match="make a new object"):
            await election.run(lead)

    run(story())


def test_an_error_of_on_stopped_comes_out_of_run_once_the_work_has_ended() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        election = _election(store, "a")
        kept: list[bool] = []

        async def lead(_lease: Lease) -> None:
            election.stop()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(FAST.lease_ms / 1000)
                kept.append("holder" in ((await store.call(Get("leader"))).item or {}))

        def stopped(_reason: StopReason) -> None:
            raise ValueError("the hook failed")

        with pytest.raises(ValueError, match="the hook failed"):
            await election.run(lead, stopped)
        assert kept == [True]
        assert "holder" not in ((await store.call(Get("leader"))).item or {})

    run(story())


def test_work_that_is_no_coroutine_is_refused_before_anything_is_sent() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()

        def lead(_lease: Lease) -> None:
            """Not one."""

        with pytest.raises(ConfigurationError, match=r"plain function.*or use Election"):
            await _election(store, "a").run(lead)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert (await store.call(Get("leader"))).item is None

    run(story())


def test_work_that_turns_out_to_be_no_coroutine_is_an_error_that_releases_the_lease() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        with pytest.raises(ConfigurationError, match="plain function"):
            await _election(store, "a").run(lambda _: None)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
        assert "holder" not in ((await store.call(Get("leader"))).item or {})

    run(story())


def test_work_that_a_wrapper_or_a_partial_makes_a_coroutine_is_let_lead() -> None:
    async def story() -> None:
        led: list[str] = []

        async def lead(name: str, lease: Lease) -> None:
            led.append(f"{name} {lease.token}")
            election.stop()

        election = _election(AsyncMemoryStore(), "a")
        await election.run(functools.partial(lead, "a"))
        assert led == ["a 1"]

    run(story())


def test_a_decorated_coroutine_function_holds_the_lock_in_each_task() -> None:
    async def story() -> None:
        store = AsyncMemoryStore()
        inside = 0

        @AsyncLock(store=store, key="lock", owner="a", wait_s=20, timing=STEADY)
        async def work(name: str) -> str:
            nonlocal inside
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.01)
            inside -= 1
            return name

        assert [*await asyncio.gather(work("x"), work("y"), work("z"))] == ["x", "y", "z"]
        assert number((await store.call(Get("lock"))).item, "token") == 3

    run(story())


def test_a_lock_for_asyncio_decorates_no_plain_function() -> None:
    lock = AsyncLock(store=AsyncMemoryStore(), key="lock", owner="a", wait_s=20)
    with pytest.raises(ConfigurationError, match="is no coroutine function"):
        lock(lambda: None)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
