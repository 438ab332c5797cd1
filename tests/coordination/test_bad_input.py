"""What cannot work is refused with an error that names the value and the fix, by every tool."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    AsyncConditionalStore,
    AsyncElection,
    AsyncLeaseObserver,
    AsyncLock,
    AsyncMemoryStore,
    AsyncOnce,
    AsyncPartitions,
    AsyncVersionedState,
    ConditionalStore,
    DynamoDbListing,
    DynamoDbStore,
    Election,
    Lease,
    LeaseObserver,
    LeaseTiming,
    Lock,
    MemoryStore,
    Once,
    Partitions,
    Schema,
    StopReason,
    VersionedState,
)
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.coordination.stores.listing import Search
from holdfast.coordination.stores.listing_postgresql import PostgreSqlListing
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.errors import ConfigurationError
from tests.coordination.fakes import ManualClock
from tests.coordination.postgresql_server import PostgreSqlServer
from tests.coordination.servers import REGION, environment

FAST = LeaseTiming(lease_ms=600, renew_ms=100, retry_ms=50, margin_ms=120)
NUMBERS = Schema(version=1, encode=str, decode=int)
NOWHERE = Table(name="nowhere", consistency=Consistency.STRONG, regions=(REGION,))
EVERYTHING = Search(prefix="", attribute="finished_s", at_most=0, after=None, limit=1)


def _stand(store: ConditionalStore, key: str) -> None:
    Election(store=store, key=key, owner="a", timing=FAST).run(lambda _: None)


def _lock(store: ConditionalStore, key: str) -> None:
    Lock(store=store, key=key, owner="a", wait_s=5, timing=FAST).__enter__()


def _handle(store: ConditionalStore, key: str) -> None:
    Once(store=store, prefix="order", owner="a", wait_s=5, timing=FAST).event(key).__enter__()


def _change(store: ConditionalStore, key: str) -> None:
    VersionedState(store=store, schema=NUMBERS).update(key, lambda _: 1)


def _look(store: ConditionalStore, key: str) -> None:
    LeaseObserver(store=store, key=key).look()


async def _stand_async(store: AsyncConditionalStore, key: str) -> None:
    async def lead(_lease: Lease) -> None:
        pytest.fail("nobody can lead")

    await AsyncElection(store=store, key=key, owner="a", timing=FAST).run(lead)


async def _lock_async(store: AsyncConditionalStore, key: str) -> None:
    await AsyncLock(store=store, key=key, owner="a", wait_s=5, timing=FAST).__aenter__()


async def _handle_async(store: AsyncConditionalStore, key: str) -> None:
    once = AsyncOnce(store=store, prefix="order", owner="a", wait_s=5, timing=FAST)
    await once.event(key).__aenter__()


async def _change_async(store: AsyncConditionalStore, key: str) -> None:
    await AsyncVersionedState(store=store, schema=NUMBERS).update(key, lambda _: 1)


async def _look_async(store: AsyncConditionalStore, key: str) -> None:
    await AsyncLeaseObserver(store=store, key=key).look()


SYNC: tuple[Callable[[ConditionalStore, str], None], ...] = (
    _stand,
    _lock,
    _handle,
    _change,
    _look,
)
ASYNC: tuple[Callable[[AsyncConditionalStore, str], Awaitable[None]], ...] = (
    _stand_async,
    _lock_async,
    _handle_async,
    _change_async,
    _look_async,
)


async def _all_refuse(store: AsyncConditionalStore, message: str) -> None:
    async with asyncio.timeout(20):
        for use in ASYNC:
            with pytest.raises(ConfigurationError, match=message):
                await use(store, random_nonce())


def _expect_refusals(store: ConditionalStore, message: str) -> None:
    for use in SYNC:
        with pytest.raises(ConfigurationError, match=message):
            use(store, random_nonce())


def _on_dynamodb(port: int, monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    for name, value in environment(port).items():
        monkeypatch.setenv(name, value)

    async def story() -> None:
        async with async_dynamodb_client() as client:
            await _all_refuse(AsyncDynamoDbStore(NOWHERE, client), message)

    _expect_refusals(DynamoDbStore(NOWHERE), message)
    asyncio.run(story())
    with pytest.raises(ConfigurationError, match=message):
        DynamoDbListing(NOWHERE).page(EVERYTHING)


@pytest.mark.slow
def test_an_unknown_dynamodb_table(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _on_dynamodb(server, monkeypatch, r"nowhere refuses requests .*Check its name")


class _Denying(BaseHTTPRequestHandler):
    """Answers as DynamoDB answers a process that may do nothing."""

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        said = {
            "__type": "com.amazon.coral.service#AccessDeniedException",
            "Message": f"User: agent is not authorized to perform: dynamodb:{operation}",
        }
        body = json.dumps(said).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        del format, args


@contextmanager
def _denying_server() -> Generator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Denying) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def test_no_permission_on_a_dynamodb_table(monkeypatch: pytest.MonkeyPatch) -> None:
    with _denying_server() as port:
        _on_dynamodb(port, monkeypatch, r"not authorized to perform: dynamodb:.*permissions")


@pytest.mark.slow
def test_an_unknown_postgresql_table(postgresql_server: PostgreSqlServer) -> None:
    connection, message = postgresql_server.connection, r"table nowhere \(42P01: .*create\(\) makes"
    _expect_refusals(PostgreSqlStore(connection, table="nowhere"), message)
    asyncio.run(_all_refuse(AsyncPostgreSqlStore(connection, table="nowhere"), message))
    with pytest.raises(ConfigurationError, match=message):
        PostgreSqlListing(connection, table="nowhere").page(EVERYTHING)


@pytest.mark.slow
def test_no_permission_on_a_postgresql_table(postgresql_server: PostgreSqlServer) -> None:
    PostgreSqlStore(postgresql_server.connection).create()
    with psycopg.connect(postgresql_server.connection, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS stranger")
        owner.execute("CREATE ROLE stranger LOGIN")
    connection = postgresql_server.connection.replace("user=test", "user=stranger")
    message = r"\(42501: permission denied .*permissions of this role"
    store = PostgreSqlStore(connection)
    _expect_refusals(store, message)
    asyncio.run(_all_refuse(AsyncPostgreSqlStore(connection), message))
    for refused in (store.verify, store.create):
        with pytest.raises(ConfigurationError, match="42501"):
            refused()
    with pytest.raises(ConfigurationError, match=message):
        PostgreSqlListing(connection).page(EVERYTHING)


def test_a_lease_shorter_than_two_renewals_and_the_margin() -> None:
    with pytest.raises(ConfigurationError, match=r"lease_ms=3000 .*Raise lease_ms to 6000 or more"):
        LeaseTiming(lease_ms=3_000)


class _Back(ManualClock):
    """A clock that somebody sets back by an hour, and that goes on from there."""

    def __init__(self) -> None:
        super().__init__()
        self.advance(10_000_000)
        self.set_back = threading.Event()

    def now_ms(self) -> int:
        if self.set_back.is_set():
            return super().now_ms() - 3_600_000
        self.advance(1)
        return super().now_ms()


WENT_BACK = r"The clock of lease job went back from \d+ to \d+ ms\. Inject a monotonic clock"


def test_a_clock_that_goes_back_ends_a_lock_and_is_named_when_it_is_left() -> None:
    clock = _Back()
    lock = Lock(store=MemoryStore(), key="job", owner="a", wait_s=1, timing=FAST, clock=clock)
    lease = lock.__enter__()
    clock.set_back.set()
    for _ in range(2_000):
        if lease.wait(0.01):
            break
    assert lease.reason is StopReason.LOST_CONTACT
    with pytest.raises(ConfigurationError, match=WENT_BACK):
        lock.__exit__(None, None, None)


def test_a_clock_that_goes_back_ends_a_lock_of_a_task_too() -> None:
    async def story() -> None:
        clock, store = _Back(), AsyncMemoryStore()
        lock = AsyncLock(store=store, key="job", owner="a", wait_s=1, timing=FAST, clock=clock)
        lease = await lock.__aenter__()
        clock.set_back.set()
        for _ in range(2_000):
            if not lease.held:
                break
            await asyncio.sleep(0.01)
        assert lease.reason is StopReason.LOST_CONTACT
        with pytest.raises(ConfigurationError, match=WENT_BACK):
            await lock.__aexit__(None, None, None)

    asyncio.run(story())


def test_a_clock_that_goes_back_ends_a_term_and_comes_out_of_the_election() -> None:
    clock = _Back()
    leases: list[Lease] = []

    def lead(lease: Lease) -> None:
        leases.append(lease)
        clock.set_back.set()
        for _ in range(2_000):
            if lease.wait(0.01):
                break

    election = Election(store=MemoryStore(), key="job", owner="a", timing=FAST, clock=clock)
    with pytest.raises(ConfigurationError, match=WENT_BACK):
        election.run(lead)
    assert leases[0].reason is StopReason.LOST_CONTACT


def test_a_clock_that_goes_back_ends_the_work_of_a_task_that_leads() -> None:
    async def story() -> None:
        clock = _Back()
        ended = asyncio.Event()

        async def lead(_lease: Lease) -> None:
            clock.set_back.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        election = AsyncElection(
            store=AsyncMemoryStore(), key="job", owner="a", timing=FAST, clock=clock
        )
        with pytest.raises(ConfigurationError, match=WENT_BACK):
            await election.run(lead)
        async with asyncio.timeout(5):
            await ended.wait()

    asyncio.run(story())


GROUP_WENT_BACK = r"The clock of group g went back from \d+ to \d+ ms\. Inject a monotonic clock"


def test_a_clock_that_goes_back_ends_all_terms_and_comes_out_of_a_group() -> None:
    clock = _Back()
    leases: list[Lease] = []

    def lead(_partition: str, lease: Lease) -> None:
        leases.append(lease)
        if len(leases) == 2:
            clock.set_back.set()

        while not lease.wait(0.01):
            pass

    group = Partitions(
        store=MemoryStore(), prefix="g", partitions="ab", owner="a", timing=FAST, clock=clock
    )
    with pytest.raises(ConfigurationError, match=GROUP_WENT_BACK):
        group.run(lead)
    assert [lease.reason for lease in leases] == [StopReason.LOST_CONTACT] * 2


def test_a_clock_that_goes_back_ends_the_works_of_a_group_of_tasks() -> None:
    async def story() -> None:
        clock = _Back()
        busy: list[str] = []

        async def lead(partition: str, _lease: Lease) -> None:
            busy.append(partition)
            if len(busy) == 2:
                clock.set_back.set()
            try:
                await asyncio.Event().wait()
            finally:
                busy.remove(partition)

        group = AsyncPartitions(
            store=AsyncMemoryStore(),
            prefix="g",
            partitions="ab",
            owner="a",
            timing=FAST,
            clock=clock,
        )
        with pytest.raises(ConfigurationError, match=GROUP_WENT_BACK):
            await group.run(lead)
        await asyncio.sleep(0.01)
        assert busy == []

    asyncio.run(story())
