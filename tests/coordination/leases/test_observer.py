"""Processes that do not stand can see who leads, cheaply, and are not told what nobody knows."""

import asyncio
import threading
import time

import pytest

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    AsyncConditionalStore,
    AsyncLeaseObserver,
    AsyncMemoryStore,
    ConditionalStore,
    Delete,
    DynamoDbStore,
    Election,
    Get,
    HomeStore,
    Item,
    Lease,
    LeaseObserver,
    LeaseTiming,
    Lock,
    MemoryStore,
    Outcome,
    Put,
    Reply,
    Request,
    Sighting,
    Standing,
    dynamodb_client,
    move_home,
)
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.coordination.stores.store import Always
from holdfast.errors import ConfigurationError, StoreUnavailableError
from tests.coordination.fakes import ManualClock
from tests.coordination.postgresql_server import PostgreSqlServer
from tests.coordination.servers import REGION, TABLE, environment

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)
STRONG = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.failure: Exception | None = None

    def call(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        return super().call(request)


def _hold(store: ConditionalStore, nonce: str, token: int = 3) -> None:
    item: Item = {
        "holder": "a/1",
        "nonce": nonce,
        "token": token,
        "beat": 0,
        "lease_ms": FAST.lease_ms,
    }
    store.call(Put(key="job", when=Always(), item=item))


def _watch(store: MemoryStore) -> tuple[LeaseObserver, ManualClock]:
    clock = ManualClock()
    observer = LeaseObserver(store=store, key="job", period_ms=100, max_age_ms=300, clock=clock)
    return observer, clock


def test_a_look_is_one_strongly_consistent_read_and_no_more_than_one_a_period() -> None:
    store = CountingStore()
    observer, clock = _watch(store)
    assert observer.known.standing is Standing.UNKNOWN
    assert observer.known.reason == "no look has ended yet"
    for _ in range(50):
        assert observer.look() == Sighting(Standing.FREE)
    assert store.requests == [Get("job")]
    clock.advance(99)
    observer.look()
    assert len(store.requests) == 1
    clock.advance(1)
    observer.look()
    assert len(store.requests) == 2


def test_threads_that_ask_at_the_same_time_share_a_look() -> None:
    class Slow(CountingStore):
        def call(self, request: Request) -> Reply:
            time.sleep(0.05)
            return super().call(request)

    store = Slow()
    observer, clock = _watch(store)
    for turn in range(1, 6):
        clock.advance(100)
        threads = [threading.Thread(target=observer.look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.requests) == turn


def test_a_holder_is_stale_once_its_record_has_not_changed_for_a_whole_lease() -> None:
    store = MemoryStore()
    observer, clock = _watch(store)
    _hold(store, "first")
    observer.look()
    clock.advance(FAST.lease_ms - 1)
    sighting = observer.look()
    assert (sighting.standing, sighting.silent_ms) == (Standing.HELD, FAST.lease_ms - 1)
    clock.advance(100)
    sighting = observer.look()
    assert sighting == Sighting(Standing.STALE, "a/1", 3)
    assert (sighting.silent_ms, sighting.age_ms) == (FAST.lease_ms + 99, 0)
    _hold(store, "renewed")
    clock.advance(100)
    assert observer.look() == Sighting(Standing.HELD, "a/1", 3)
    assert observer.known.silent_ms == 0


def test_an_acquisition_that_brings_its_nonce_back_is_a_new_term() -> None:
    store = MemoryStore()
    observer, clock = _watch(store)
    _hold(store, "first", token=3)
    observer.look()
    clock.advance(FAST.lease_ms - 1)
    _hold(store, "first", token=4)
    observer.look()
    clock.advance(100)
    assert observer.look() == Sighting(Standing.HELD, "a/1", 4)


def test_a_released_lease_is_free_and_keeps_its_last_token() -> None:
    store = MemoryStore()
    with Lock(store=store, key="job", owner="a", wait_s=0, keeps_trying=True):
        pass
    observer, _ = _watch(store)
    assert observer.look() == Sighting(Standing.FREE, None, 1)


def test_an_outage_is_told_as_not_knowing_as_soon_as_the_last_answer_is_too_old() -> None:
    store = CountingStore()
    observer, clock = _watch(store)
    _hold(store, "n")
    observer.look()
    for failure in (StoreUnavailableError("no quorum"), ConfigurationError("no such table")):
        store.failure = failure
        clock.advance(300)
        assert observer.look() == Sighting(Standing.HELD, "a/1", 3)
        clock.advance(1)
        known = observer.known
        assert known == Sighting(Standing.UNKNOWN)
        assert str(failure) in known.reason
        assert known.age_ms is None
        store.failure = None
        clock.advance(100)
        assert observer.look().standing in {Standing.HELD, Standing.STALE}


def test_silence_goes_on_counting_through_an_outage_only_when_it_is_proven_afterwards() -> None:
    store = CountingStore()
    observer, clock = _watch(store)
    _hold(store, "n")
    observer.look()
    store.failure = StoreUnavailableError("no quorum")
    clock.advance(10 * FAST.lease_ms)
    assert observer.look().standing is Standing.UNKNOWN
    store.failure = None
    clock.advance(100)
    assert observer.look().silent_ms == 10 * FAST.lease_ms + 100


def test_a_lease_that_nobody_looks_at_becomes_unknown() -> None:
    observer, clock = _watch(MemoryStore())
    observer.look()
    clock.advance(301)
    assert observer.known.reason == "the last look was sent 301 ms ago"


def test_a_store_that_can_never_work_is_an_error_at_once() -> None:
    store = CountingStore()
    store.failure = ConfigurationError("no such table")
    with pytest.raises(ConfigurationError, match="no such table"):
        _watch(store)[0].look()


def test_a_slow_answer_that_a_later_look_has_overtaken_is_not_told() -> None:
    store = MemoryStore()
    _hold(store, "old", token=3)
    late: list[threading.Thread] = []

    class Overtaking(MemoryStore):
        """The first look is answered after the second one."""

        def call(self, request: Request) -> Reply:
            answer = store.call(request)
            if not late:
                _hold(store, "new", token=4)
                clock.advance(100)
                late.append(threading.Thread(target=observer.look))
                late[0].start()
                late[0].join(10)
            return answer

    observer, clock = _watch(Overtaking())
    assert observer.look().token == 4


def test_an_item_that_is_no_lease_is_refused_by_name() -> None:
    store = MemoryStore()
    store.call(Put(key="job", when=Always(), item={"body": "1", "schema": 1}))
    with pytest.raises(ConfigurationError, match=r"Item job is no lease: .* body, schema"):
        _watch(store)[0].look()


def test_a_clock_that_goes_back_is_named() -> None:
    observer, clock = _watch(MemoryStore())
    clock.advance(500)
    observer.look()
    clock.advance(-1)
    with pytest.raises(ConfigurationError, match="observer of job went back from 500 to 499 ms"):
        _ = observer.known


def test_timings_that_cannot_work_are_refused() -> None:
    store = AsyncMemoryStore()
    with pytest.raises(ConfigurationError, match=r"period_ms=99 .*less than 100"):
        AsyncLeaseObserver(store=store, key="job", period_ms=99)
    with pytest.raises(ConfigurationError, match=r"max_age_ms=1999 .*Use 2000 or more"):
        AsyncLeaseObserver(store=store, key="job", max_age_ms=1_999)


def test_changes_are_told_once_each_until_told_to_stop() -> None:
    store = CountingStore()
    observer = LeaseObserver(store=store, key="job", period_ms=100, max_age_ms=1_500)
    stop = threading.Event()
    changes = observer.changes(stop)
    assert next(changes) == Sighting(Standing.FREE)
    _hold(store, "n")
    assert next(changes) == Sighting(Standing.HELD, "a/1", 3)
    # A renewal is no change; that it ends is.
    _hold(store, "m")
    assert next(changes) == Sighting(Standing.STALE, "a/1", 3)
    store.failure = StoreUnavailableError("no quorum")
    assert next(changes).standing is Standing.UNKNOWN
    store.failure = None
    assert next(changes).standing is Standing.STALE
    store.call(Delete(key="job", when=Always()))
    assert next(changes) == Sighting(Standing.FREE)
    stop.set()
    assert list(changes) == []


def test_tasks_follow_changes_too() -> None:
    async def story() -> None:
        shared = CountingStore()
        store = AsyncMemoryStore(shared)
        observer = AsyncLeaseObserver(store=store, key="job", period_ms=100, max_age_ms=1_500)
        looks = await asyncio.gather(*(observer.look() for _ in range(9)))
        assert looks[0].standing is Standing.FREE
        assert shared.requests == [Get("job")]
        changes = observer.changes()
        assert await anext(changes) == Sighting(Standing.FREE)
        _hold(shared, "n")
        assert await anext(changes) == Sighting(Standing.HELD, "a/1", 3)
        assert observer.known.standing is Standing.HELD
        shared.failure = StoreUnavailableError("no quorum")
        assert (await anext(changes)).standing is Standing.UNKNOWN
        await changes.aclose()

    async def bounded() -> None:
        async with asyncio.timeout(20):
            await story()

    asyncio.run(bounded())


def test_an_observer_sees_a_leader_come_and_go_by_the_name_that_the_leader_has() -> None:
    store = MemoryStore()
    election = Election(store=store, key="job", owner="a", timing=FAST)

    def lead(lease: Lease) -> None:
        while not lease.wait(1):
            pass

    leader = threading.Thread(target=election.run, args=(lead,), daemon=True)
    leader.start()
    observer = LeaseObserver(store=store, key="job", period_ms=100, max_age_ms=1_500)
    changes = (each for each in observer.changes() if each.holder == election.holder)
    assert next(changes) == Sighting(Standing.HELD, election.holder, 1)
    election.stop()
    leader.join(20)
    time.sleep(0.11)
    assert observer.look() == Sighting(Standing.FREE, None, 1)


def _see(store: ConditionalStore) -> None:
    key = f"observed/{random_nonce()}"
    observer = LeaseObserver(store=store, key=key, period_ms=100)
    assert observer.look() == Sighting(Standing.FREE)
    with Lock(store=store, key=key, owner="a", wait_s=12) as lease:
        time.sleep(0.11)
        sighting = observer.look()
        assert (sighting.standing, sighting.token) == (Standing.HELD, lease.token)
        assert (sighting.holder or "").startswith("a/")
    time.sleep(0.11)
    assert observer.look() == Sighting(Standing.FREE, None, lease.token)


async def _see_async(store: AsyncConditionalStore) -> None:
    observer = AsyncLeaseObserver(store=store, key=f"observed/{random_nonce()}")
    assert await observer.look() == Sighting(Standing.FREE)


@pytest.fixture
def aws(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)


@pytest.mark.slow
@pytest.mark.usefixtures("aws")
def test_on_dynamodb() -> None:
    async def story() -> None:
        async with async_dynamodb_client() as client:
            await _see_async(AsyncDynamoDbStore(STRONG, client))

    _see(DynamoDbStore(STRONG, dynamodb_client()))
    asyncio.run(story())


@pytest.mark.slow
def test_on_postgresql(postgresql_server: PostgreSqlServer) -> None:
    store = PostgreSqlStore(postgresql_server.connection)
    store.create()
    _see(store)
    asyncio.run(_see_async(AsyncPostgreSqlStore(postgresql_server.connection)))


def test_in_home_region_mode_only_home_can_tell() -> None:
    tables = {"eu-west-1": MemoryStore(), "eu-central-1": MemoryStore()}
    move_home(tables, to="eu-west-1", by="ada", reason="first home", timing=FAST, max_age_ms=100)
    home, away = (HomeStore(table, region=name, max_age_ms=100) for name, table in tables.items())
    with Lock(store=home, key="job", owner="a", wait_s=1, timing=FAST) as lease:
        sighting = LeaseObserver(store=home, key="job").look()
        assert (sighting.standing, sighting.token) == (Standing.HELD, lease.token)
        sighting = LeaseObserver(store=away, key="job").look()
        assert sighting.standing is Standing.UNKNOWN
        assert "eu-west-1 is home" in sighting.reason


def test_what_a_read_cannot_tell_is_not_told() -> None:
    class Busy(MemoryStore):
        def call(self, request: Request) -> Reply:
            del request
            return Reply(Outcome.RETRY, reason="throttled")

    sighting = _watch(Busy())[0].look()
    assert (sighting.standing, sighting.reason) == (Standing.UNKNOWN, "throttled")
