"""The asyncio DynamoDB adapter decides as the other one does."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from holdfast.contract import Consistency, Table
from holdfast.coordination import AsyncLock, Get, Outcome, Reply, Request
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.errors import ConfigurationError, StoreUnavailableError
from tests.coordination.servers import REGION, TABLE, environment

STRONG = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))


def ask(
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    story: Callable[[AsyncDynamoDbStore], Awaitable[Reply | None]],
    table: Table = STRONG,
) -> Reply | None:
    for name, value in environment(port).items():
        monkeypatch.setenv(name, value)

    async def told() -> Reply | None:
        async with async_dynamodb_client(timeout_ms=300) as client:
            return await story(AsyncDynamoDbStore(table, client))

    return asyncio.run(told())


async def get(store: AsyncDynamoDbStore) -> Reply:
    return await store.call(Get("a"))


def test_a_last_writer_wins_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    state = Table(name="state", consistency=Consistency.EVENTUAL, regions=(REGION,))
    with pytest.raises(ConfigurationError, match="state is eventual"):
        ask(9, monkeypatch, get, state)


def test_a_client_that_repeats_requests_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(9).items():
        monkeypatch.setenv(name, value)

    async def make() -> None:
        config = AioConfig(retries={"total_max_attempts": 3})
        made = get_session().create_client(  # pyright: ignore[reportUnknownMemberType]
            "dynamodb", config=config
        )
        async with made as client:
            AsyncDynamoDbStore(STRONG, client)

    with pytest.raises(ConfigurationError, match=r"up to 3 attempts .*async_dynamodb_client"):
        asyncio.run(make())


def test_an_unreachable_server_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = ask(9, monkeypatch, get)
    assert reply is not None
    assert reply.outcome is Outcome.UNKNOWN

    with pytest.raises(StoreUnavailableError, match="could not be described"):
        ask(9, monkeypatch, AsyncDynamoDbStore.verify)


def test_a_server_that_takes_requests_and_is_silent_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def bounded(store: AsyncDynamoDbStore) -> Reply:
        async with asyncio.timeout(2):
            return await get(store)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port: int = silent.getsockname()[1]
        reply = ask(port, monkeypatch, bounded)
    assert reply is not None
    assert reply.outcome is Outcome.UNKNOWN


@pytest.mark.slow
def test_an_unknown_table_is_refused_at_start_up(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Table(name="nowhere", consistency=Consistency.STRONG, regions=(REGION,))
    with pytest.raises(ConfigurationError, match=f"nowhere does not exist in {REGION}"):
        ask(server, monkeypatch, AsyncDynamoDbStore.verify, nowhere)
    with pytest.raises(ConfigurationError, match="nowhere refuses requests"):
        ask(server, monkeypatch, get, nowhere)


@pytest.mark.slow
def test_a_lock_on_it_takes_and_gives_back_in_two_requests(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class Counting:
        def __init__(self, store: AsyncDynamoDbStore) -> None:
            self._store = store

        async def call(self, request: Request) -> Reply:
            calls.append(type(request).__name__)
            return await self._store.call(request)

    async def lock(store: AsyncDynamoDbStore) -> None:
        counting = Counting(store)
        async with AsyncLock(store=counting, key=random_nonce(), owner="a", wait_s=12) as lease:
            assert lease.token == 1

    ask(server, monkeypatch, lock)
    assert calls == ["Update", "Update"]
