"""Records of events handled long ago are removed, and nothing else ever is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

import pytest

import holdfast.coordination.records.sweep as module
from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    AsyncDynamoDbListing,
    ConditionalStore,
    Delete,
    DynamoDbListing,
    DynamoDbStore,
    Fence,
    Get,
    Item,
    LeaseTiming,
    Lock,
    MemoryStore,
    Once,
    Outcome,
    Put,
    Reply,
    Request,
    Schema,
    Swept,
    VersionedState,
    dynamodb_client,
    sweep_events,
    sweep_events_async,
)
from holdfast.coordination.drivers.program import run
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.leases.lease_core import Send
from holdfast.coordination.records.idempotency_core import EventRecord
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.coordination.stores.listing import Page, Search
from holdfast.coordination.stores.listing_postgresql import (
    AsyncPostgreSqlListing,
    PostgreSqlListing,
)
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.coordination.stores.store import Absent, Always, AtMost, Condition, number
from holdfast.errors import ConfigurationError, LeaseLostError, StoreUnavailableError
from tests.coordination.postgresql_server import PostgreSqlServer
from tests.coordination.servers import REGION, TABLE, create_table, environment

DAY_S = 86_400
NOW_S = 2_000_000_000
TIMING = LeaseTiming()
STRONG = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
NOWHERE = Table(name="nowhere", consistency=Consistency.STRONG, regions=(REGION,))
ALL = Search(prefix="", attribute="finished_s", at_most=NOW_S, after=None, limit=1)


class EverythingListing:
    """Names every key, old or young, event or lease: the worst listing that there is."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)

    def page(self, search: Search) -> Page:
        rest = [key for key in self.keys if search.after is None or key > search.after]
        resume_after = rest[search.limit - 1] if len(rest) > search.limit else None
        return Page(tuple(rest[: search.limit]), resume_after)


def _finished(store: ConditionalStore, key: str, age_s: int) -> EventRecord:
    """Handles an event so many seconds ago."""
    nonces = iter(f"{key}-{number_}" for number_ in range(100))
    record = EventRecord(
        key=key,
        payload=b"",
        owner="a",
        timing=TIMING,
        new_nonce=lambda: next(nonces),
        date_s=lambda: NOW_S - age_s,
    )
    _begin(store, record)
    run(record.complete(1, "done"), store)
    return record


def _begin(store: ConditionalStore, record: EventRecord) -> None:
    send = record.core.campaign(0)[0]
    assert isinstance(send, Send)
    record.core.on_reply(1, store.call(send.request))


def _sweep(store: ConditionalStore, keys: list[str], after: str | None = None) -> Swept:
    return sweep_events(
        store,
        EverythingListing(keys),
        prefix="order",
        older_than_s=DAY_S,
        after=after,
        max_records=3,
        date_s=lambda: NOW_S,
    )


def _sweep_all(store: ConditionalStore, keys: list[str]) -> int:
    deleted, after = 0, None
    while True:
        swept = _sweep(store, keys, after)
        deleted += swept.deleted
        assert swept.deleted + swept.kept <= 3
        after = swept.resume_after
        if after is None:
            return deleted


def _world() -> tuple[MemoryStore, list[str], list[str]]:
    """A store with all kinds of records: what must stay, and what must go."""
    store = MemoryStore()
    with Lock(store=store, key="order/lock-released", owner="a", wait_s=0, keeps_trying=True):
        pass
    held: Item = {"holder": "a/1", "nonce": "n", "token": 7, "beat": 0, "lease_ms": 10_000}
    store.call(Put(key="order/lock-held", when=Always(), item=held))
    schema = Schema(version=1, encode=str, decode=int)
    VersionedState(store=store, schema=schema).update("order/counter", lambda _: 1)
    _finished(store, "order/young", DAY_S - 1)
    undated: Item = {"result": "done", "nonce": "n", "token": 1}
    store.call(Put(key="order/undated", when=Always(), item=undated))
    old = [f"order/old-{index}" for index in range(7)]
    for key in old:
        _finished(store, key, DAY_S)
    _finished(store, "orders/of-another-kind", DAY_S)
    kinds = ("lock-released", "lock-held", "counter", "young", "undated")
    return store, [*(f"order/{kind}" for kind in kinds), "orders/of-another-kind"], old


def _check_that_only_old_events_go() -> None:
    store, stay, old = _world()
    before = [store.call(Get(key)).item for key in stay]
    assert _sweep_all(store, stay + old) == len(old)
    assert [store.call(Get(key)).item for key in stay] == before
    assert [store.call(Get(key)).item for key in old] == [None] * len(old)


def _check_that_a_run_which_took_the_place_of_an_old_record_stays() -> None:
    store = MemoryStore()
    _finished(store, "order/1", 2 * DAY_S)

    class Racing(MemoryStore):
        """Another sweeper and a new delivery come between the listing and the delete."""

        def call(self, request: Request) -> Reply:
            store.call(Delete(key="order/1", when=Always()))
            _begin(store, _record("order/1"))
            return store.call(request)

    assert _sweep(Racing(), ["order/1"]).deleted == 0
    assert number(store.call(Get("order/1")).item, "token") == 1


def _record(key: str) -> EventRecord:
    return EventRecord(key=key, payload=b"", owner="b", timing=TIMING, new_nonce=lambda: "new")


CHECKS = (
    _check_that_only_old_events_go,
    _check_that_a_run_which_took_the_place_of_an_old_record_stays,
)


def test_old_events_go_in_bounded_runs_and_everything_else_stays() -> None:
    _check_that_only_old_events_go()


def test_a_run_that_took_the_place_of_an_old_record_stays() -> None:
    _check_that_a_run_which_took_the_place_of_an_old_record_stays()


def _whatever(_attribute: str, _bound: int) -> Condition:
    return Always()


def _free(_attribute: str, _bound: int) -> Condition:
    return Absent("holder")


def _any_age(attribute: str, _bound: int) -> Condition:
    return AtMost(attribute, NOW_S)


@pytest.mark.parametrize(
    ("mutant", "check"),
    [(_whatever, CHECKS[0]), (_whatever, CHECKS[1]), (_free, CHECKS[0]), (_any_age, CHECKS[0])],
)
def test_a_sweeper_with_another_condition_is_caught(
    mutant: Callable[[str, int], Condition],
    check: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AtMost", mutant)
    with pytest.raises(AssertionError):
        check()


def test_the_result_of_a_zombie_is_not_kept_after_its_record_was_swept() -> None:
    store = MemoryStore()
    zombie = _record("order/1")
    _begin(store, zombie)
    store.call(Delete(key="order/1", when=Always()))
    with pytest.raises(LeaseLostError):
        run(zombie.complete(1, "late"), store)
    store.call(Fence(5).guard(Put(key="effect", when=Always(), item={"n": 1})))
    again = Fence(1).guard(Put(key="effect", when=Always(), item={"n": 2}))
    assert store.call(again).outcome is Outcome.REFUSED


def test_a_store_that_does_not_answer_keeps_its_records_for_the_next_run() -> None:
    class Silent(MemoryStore):
        def call(self, request: Request) -> Reply:
            del request
            return Reply(Outcome.UNKNOWN, reason="lost")

    assert _sweep(Silent(), ["order/1", "order/2"]) == Swept(0, 2, None)


def test_bounds_that_cannot_be_meant_are_refused() -> None:
    listing = EverythingListing([])
    with pytest.raises(ConfigurationError, match=r"older_than_s=60 .*3600 or more"):
        sweep_events(MemoryStore(), listing, prefix="order", older_than_s=60)
    with pytest.raises(ConfigurationError, match="max_records=0"):
        sweep_events(MemoryStore(), listing, prefix="order", older_than_s=DAY_S, max_records=0)
    with pytest.raises(ConfigurationError, match="prefix='' for events is empty"):
        sweep_events(MemoryStore(), listing, prefix="", older_than_s=DAY_S)


def test_an_event_that_once_handled_is_dated() -> None:
    store = MemoryStore()
    with Once(store=store, prefix="order", owner="a", wait_s=15).event("1") as delivery:
        delivery.complete("done")
    swept = sweep_events(store, EverythingListing(["order/1"]), prefix="order", older_than_s=DAY_S)
    assert swept.deleted == 0
    assert number(store.call(Get("order/1")).item, "finished_s") > 0


Sweep = Callable[[str | None], Swept]


class Bounds(TypedDict):
    prefix: str
    older_than_s: int
    after: str | None
    max_records: int
    date_s: Callable[[], float]


def _bounds(after: str | None) -> Bounds:
    return {
        "prefix": "sweep",
        "older_than_s": DAY_S,
        "after": after,
        "max_records": 2,
        "date_s": lambda: NOW_S,
    }


def _check_that_a_table_is_swept_page_by_page(store: ConditionalStore, sweep: Sweep) -> None:
    for index in range(5):
        _finished(store, f"sweep/old-{index}", DAY_S)
    _finished(store, "sweep/young", 0)
    _finished(store, "other/old", DAY_S)
    store.call(Put(key="sweep/text", when=Always(), item={"finished_s": "long ago"}))
    after, runs, deleted = None, 0, 0
    while runs == 0 or after is not None:
        swept = sweep(after)
        assert swept.deleted + swept.kept <= 2
        after, runs, deleted = swept.resume_after, runs + 1, deleted + swept.deleted
        assert runs < 20
    assert deleted == 5
    assert runs >= 3
    for key in ("sweep/young", "sweep/text", "other/old"):
        assert store.call(Get(key)).item is not None


@pytest.fixture
def table(server: int, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table of the test's own: what other tests have left in theirs is not for sweeping."""
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    made = Table(name=random_nonce(), consistency=Consistency.STRONG, regions=(REGION,))
    create_table(server, made.name)
    return made


@pytest.mark.slow
def test_a_dynamodb_table_is_swept_page_by_page(table: Table) -> None:
    store, listing = DynamoDbStore(table), DynamoDbListing(table)
    _check_that_a_table_is_swept_page_by_page(
        store, lambda after: sweep_events(store, listing, **_bounds(after))
    )
    with pytest.raises(ConfigurationError, match=r"nowhere refuses requests .*permissions"):
        DynamoDbListing(NOWHERE).page(ALL)


@pytest.mark.slow
def test_a_dynamodb_table_is_swept_by_tasks_too(table: Table) -> None:
    async def sweep(after: str | None) -> Swept:
        async with async_dynamodb_client() as client:
            store = AsyncDynamoDbStore(table, client)
            listing = AsyncDynamoDbListing(table, client)
            return await sweep_events_async(store, listing, **_bounds(after))

    async def nowhere() -> None:
        async with async_dynamodb_client() as client:
            await AsyncDynamoDbListing(NOWHERE, client).page(ALL)

    _check_that_a_table_is_swept_page_by_page(
        DynamoDbStore(table), lambda after: asyncio.run(sweep(after))
    )
    with pytest.raises(ConfigurationError, match="Table nowhere refuses requests"):
        asyncio.run(nowhere())


@pytest.mark.slow
def test_a_postgresql_table_is_swept_page_by_page(postgresql_server: PostgreSqlServer) -> None:
    connection = postgresql_server.connection
    store = PostgreSqlStore(connection, table="swept")
    store.create()
    listing = PostgreSqlListing(connection, table="swept")
    _check_that_a_table_is_swept_page_by_page(
        store, lambda after: sweep_events(store, listing, **_bounds(after))
    )
    listing.close()
    with pytest.raises(ConfigurationError, match=r"table nowhere \(42P01.*permissions"):
        PostgreSqlListing(connection, table="nowhere").page(ALL)


@pytest.mark.slow
def test_a_postgresql_table_is_swept_by_tasks_too(postgresql_server: PostgreSqlServer) -> None:
    connection = postgresql_server.connection

    async def sweep(after: str | None) -> Swept:
        own = AsyncPostgreSqlStore(connection, table="swept_by_tasks")
        listing = AsyncPostgreSqlListing(connection, table="swept_by_tasks")
        try:
            return await sweep_events_async(own, listing, **_bounds(after))
        finally:
            own.close()
            listing.close()

    store = PostgreSqlStore(connection, table="swept_by_tasks")
    store.create()
    _check_that_a_table_is_swept_page_by_page(store, lambda after: asyncio.run(sweep(after)))


@pytest.mark.slow
def test_a_page_of_a_postgresql_table_is_bounded_by_what_it_looks_at(
    postgresql_server: PostgreSqlServer,
) -> None:
    store = PostgreSqlStore(postgresql_server.connection, table="bounded")
    store.create()
    for index in range(7):
        _finished(store, f"a/{index}", DAY_S)
    _finished(store, "b/0", DAY_S)
    listing = PostgreSqlListing(postgresql_server.connection, table="bounded")
    search = Search(prefix="b/", attribute="finished_s", at_most=NOW_S, after=None, limit=4)
    first = listing.page(search)
    assert first == Page((), "a/3")
    second = listing.page(replace(search, after=first.resume_after))
    assert second == Page(("b/0",), "b/0")
    assert listing.page(replace(search, after=second.resume_after)) == Page((), None)


def test_records_that_cannot_be_listed_now_are_swept_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment(9).items():
        monkeypatch.setenv(name, value)
    client = dynamodb_client(timeout_ms=200)
    with pytest.raises(StoreUnavailableError, match=r"coordination could not be scanned: .*later"):
        DynamoDbListing(STRONG, client).page(ALL)
    unreachable = "host=127.0.0.1 port=9 user=test dbname=test"
    with pytest.raises(StoreUnavailableError, match=r"could not be listed: no connection"):
        PostgreSqlListing(unreachable, timeout_ms=500).page(ALL)
    with pytest.raises(StoreUnavailableError, match=r"could not be listed: no connection"):
        asyncio.run(AsyncPostgreSqlListing(unreachable, timeout_ms=500).page(ALL))
