"""The PostgreSQL adapter refuses what cannot work, and knows what it does not know."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from holdfast.coordination import (
    AsyncLock,
    ConditionalStore,
    Delete,
    Get,
    Item,
    LeaseTiming,
    Lock,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
)
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.coordination.stores.postgresql_codec import PostgreSqlCodec, Statement
from holdfast.coordination.stores.store import Absent, Always, Equals
from holdfast.errors import ConfigurationError, LockTimeoutError, StoreUnavailableError
from holdfast.testing import explain_history
from tests.coordination.histories import record
from tests.coordination.postgresql_server import PostgreSqlServer, postgresql

NOWHERE = "host=127.0.0.1 port=9 user=test dbname=test"
FAST = LeaseTiming(lease_ms=1_000, renew_ms=200, retry_ms=100, margin_ms=200)


@pytest.fixture
def store(postgresql_server: PostgreSqlServer) -> PostgreSqlStore:
    made = PostgreSqlStore(postgresql_server.connection)
    made.create()
    return made


@pytest.mark.parametrize("name", ["Leases", "a b", "x; DROP TABLE y", "", "a.b.c", "1a"])
def test_a_table_whose_name_needs_quoting_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no plain PostgreSQL name"):
        PostgreSqlStore(NOWHERE, table=name)


def test_a_connection_string_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="connection string cannot be read"):
        PostgreSqlStore("hosts=a")
    with pytest.raises(ConfigurationError, match="timeout_ms=0 is not positive"):
        PostgreSqlStore(NOWHERE, timeout_ms=0)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_postgresql_cannot_store_is_refused_before_it_is_sent(text: str) -> None:
    codec = PostgreSqlCodec("leases")
    for request in (
        Get(text),
        Put(key="a", when=Always(), item={"text": text}),
        Put(key="a", when=Equals("text", text), item={}),
        Update(key="a", when=Absent(text)),
    ):
        with pytest.raises(ConfigurationError, match="NUL character or half a surrogate"):
            codec.statement(request)


def test_a_value_never_becomes_part_of_a_statement() -> None:
    hostile = "'; DROP TABLE leases; --"
    put = Put(key=hostile, when=Equals(hostile, hostile), item={hostile: hostile})
    statement = PostgreSqlCodec("leases").statement(put)
    assert b"DROP" not in statement.sql
    assert sum(hostile.encode() in each for each in statement.parameters) == 4


def test_without_a_connection_nothing_was_sent() -> None:
    async def ask() -> Reply:
        return await AsyncPostgreSqlStore(NOWHERE).call(Get("a"))

    store = PostgreSqlStore(NOWHERE)
    for reply in (store.call(Get("a")), asyncio.run(ask())):
        assert reply.outcome is Outcome.RETRY
        assert "no connection" in reply.reason
    with pytest.raises(StoreUnavailableError, match="gave no answer: no connection"):
        store.verify()


@pytest.mark.parametrize(
    ("sqlstate", "outcome"),
    [
        ("40001", Outcome.RETRY),
        ("40P01", Outcome.RETRY),
        ("57014", Outcome.RETRY),
        ("53300", Outcome.RETRY),
        ("25006", Outcome.RETRY),
        ("57P01", Outcome.UNKNOWN),
        ("08006", Outcome.UNKNOWN),
        ("XX000", Outcome.UNKNOWN),
    ],
)
def test_only_what_was_surely_rolled_back_is_said_not_to_have_been_applied(
    sqlstate: str, outcome: Outcome
) -> None:
    assert PostgreSqlCodec("leases").failed(sqlstate, "because").outcome is outcome


@pytest.mark.parametrize("sqlstate", ["42P01", "42501", "28P01", "22P05", "3D000", "54000"])
def test_a_final_refusal_is_an_error_that_says_what_to_check(sqlstate: str) -> None:
    with pytest.raises(ConfigurationError, match=r"refuses requests .*permissions of this role"):
        PostgreSqlCodec("leases").failed(sqlstate, "because")


def test_a_server_that_can_forget_is_refused_at_start_up() -> None:
    codec = PostgreSqlCodec("leases")
    codec.check_inspection((b"f", b"on", b"on", b"on", b"0"))
    with pytest.raises(ConfigurationError, match="is a standby"):
        codec.check_inspection((b"t", b"on", b"on", b"on", b"0"))
    with pytest.raises(ConfigurationError, match="synchronous_commit=off, so a crash takes back"):
        codec.check_inspection((b"f", b"on", b"off", b"on", b"0"))


@pytest.mark.slow
def test_a_running_server_that_can_forget_is_refused_and_a_missing_table_is_named(
    postgresql_server: PostgreSqlServer,
) -> None:
    forgetful = f"{postgresql_server.connection} options='-c synchronous_commit=off'"
    store = PostgreSqlStore(forgetful)
    store.create()
    with pytest.raises(ConfigurationError, match="runs with synchronous_commit=off"):
        store.verify()
    missing = PostgreSqlStore(postgresql_server.connection, table="nowhere")
    with pytest.raises(ConfigurationError, match=r"table nowhere \(42P01"):
        missing.verify()
    with pytest.raises(ConfigurationError, match=r"create\(\) makes it"):
        missing.call(Get("a"))


@pytest.mark.slow
def test_many_may_create_the_table_at_the_same_time(postgresql_server: PostgreSqlServer) -> None:
    failures: list[Exception] = []

    def create(table: str) -> None:
        try:
            PostgreSqlStore(postgresql_server.connection, table=table, timeout_ms=9_000).create()
        except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test
            failures.append(error)

    for turn in range(5):
        threads = [threading.Thread(target=create, args=(f"made{turn}",)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.slow
def test_a_frozen_server_leaves_the_outcome_unknown_and_is_used_again_when_it_thaws() -> None:
    with postgresql() as server:
        store = PostgreSqlStore(server.connection, timeout_ms=300)
        store.create()
        assert store.call(Put(key="a", when=Always(), item={"n": 1})).outcome is Outcome.APPLIED
        server.send(signal.SIGSTOP)
        began = time.monotonic()
        late = store.call(Put(key="a", when=Always(), item={"n": 2}))
        # The second call finds no connection, and the frozen server makes no new one.
        unsent = store.call(Get("a"))
        took_s = time.monotonic() - began
        server.send(signal.SIGCONT)
        assert (late.outcome, unsent.outcome) == (Outcome.UNKNOWN, Outcome.RETRY)
        assert 0.6 <= took_s < 2
        time.sleep(0.1)
        assert store.call(Get("a")).item in ({"n": 1}, {"n": 2})


@pytest.mark.slow
def test_a_frozen_server_does_not_stop_the_event_loop() -> None:
    async def story(server: PostgreSqlServer) -> None:
        store = AsyncPostgreSqlStore(server.connection, timeout_ms=400)
        await store.create()
        server.send(signal.SIGSTOP)
        call = asyncio.create_task(store.call(Get("a")))
        turns = 0
        while not call.done():
            await asyncio.sleep(0.01)
            turns += 1
        server.send(signal.SIGCONT)
        assert turns > 15
        assert (await call).outcome is Outcome.UNKNOWN

    with postgresql() as server:
        asyncio.run(story(server))


def _end_connections(server: PostgreSqlServer) -> None:
    with psycopg.connect(server.connection) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'holdfast'"
        )


@pytest.mark.slow
def test_a_connection_that_the_server_ended_under_way_leaves_the_outcome_unknown_once(
    postgresql_server: PostgreSqlServer,
) -> None:
    store, key = PostgreSqlStore(postgresql_server.connection, timeout_ms=10_000), random_nonce()
    store.create()
    store.call(Put(key=key, when=Always(), item={"n": 1}))
    outcomes: list[Outcome] = []
    with psycopg.connect(postgresql_server.connection) as other:
        other.execute("SELECT * FROM holdfast_coordination WHERE key = %s FOR UPDATE", (key,))
        update = Update(key=key, when=Always(), add={"n": 1})
        call = threading.Thread(target=lambda: outcomes.append(store.call(update).outcome))
        call.start()
        time.sleep(0.2)
        _end_connections(postgresql_server)
        call.join(5)
    outcomes.append(store.call(update).outcome)
    assert outcomes == [Outcome.UNKNOWN, Outcome.APPLIED]


@pytest.mark.slow
def test_a_connection_that_the_server_ended_meanwhile_is_not_used(
    postgresql_server: PostgreSqlServer, store: PostgreSqlStore
) -> None:
    lock = Lock(store=store, key=random_nonce(), owner="a", wait_s=0, keeps_trying=True)
    for _ in range(3):
        # Whoever only tries once must not fail because of what happened since.
        with lock:
            pass
        _end_connections(postgresql_server)
        time.sleep(0.1)


@pytest.mark.slow
def test_a_connection_that_will_never_be_made_is_an_error_that_says_why() -> None:
    with postgresql() as server:
        with psycopg.connect(server.connection, autocommit=True) as owner:
            owner.execute("ALTER ROLE test PASSWORD 'right'")
            found = owner.execute("SHOW hba_file").fetchone()
        assert found is not None
        nowhere = server.connection.replace("dbname=postgres", "dbname=nowhere")
        nobody = server.connection.replace("user=test", "user=nobody")
        _expect_no_connection(nowhere, 'database "nowhere" does not exist')
        _expect_no_connection(nobody, 'role "nobody" does not exist')
        Path(found[0]).write_text("local all all scram-sha-256\n", encoding="ascii")
        os.kill(server.pid, signal.SIGHUP)
        time.sleep(0.5)
        _expect_no_connection(server.connection, "no password supplied")
        _expect_no_connection(f"{server.connection} password=wrong", "authentication failed")
        PostgreSqlStore(f"{server.connection} password=right").create()


def _expect_no_connection(connection: str, why: str) -> None:
    store = PostgreSqlStore(connection, timeout_ms=5_000)
    lock = Lock(store=store, key="a", owner="a", wait_s=0, keeps_trying=True)
    for use in (store.verify, store.create, lock.__enter__):
        with pytest.raises(ConfigurationError, match=f"{why}.*Check the connection string"):
            use()


@pytest.mark.slow
def test_a_key_that_is_too_long_is_refused(store: PostgreSqlStore) -> None:
    key = "".join(random_nonce() for _ in range(300))
    with pytest.raises(ConfigurationError, match="54000: index row size"):
        store.call(Put(key=key, when=Always(), item={}))


@pytest.mark.slow
def test_text_that_only_looks_like_a_nul_character_is_stored(store: PostgreSqlStore) -> None:
    item: Item = {"\\u0000": "\\u0000", "escaped": json.dumps("\0")}
    store.call(Put(key="looks", when=Always(), item=item))
    assert store.call(Get("looks")).item == item
    held = Put(key="looks", when=Equals("escaped", json.dumps("\0")), item={})
    assert store.call(held).outcome is Outcome.APPLIED


@pytest.mark.slow
def test_a_row_that_somebody_keeps_locked_is_known_not_to_have_been_written(
    postgresql_server: PostgreSqlServer, store: PostgreSqlStore
) -> None:
    key = random_nonce()
    store.call(Put(key=key, when=Always(), item={"n": 1}))
    with psycopg.connect(postgresql_server.connection) as other:
        other.execute("SELECT * FROM holdfast_coordination WHERE key = %s FOR UPDATE", (key,))
        refused = store.call(Update(key=key, when=Always(), add={"n": 1}))
        assert refused.outcome is Outcome.RETRY
        assert store.call(Get(key)).item == {"n": 1}


@pytest.mark.slow
def test_a_cancelled_call_does_not_spoil_the_next_one(postgresql_server: PostgreSqlServer) -> None:
    async def story() -> None:
        store = AsyncPostgreSqlStore(postgresql_server.connection, max_connections=1)
        await store.create()
        for key in ("a", "b"):
            await store.call(Put(key=key, when=Always(), item={"key": key}))
        for turn in range(20):
            call = asyncio.create_task(store.call(Get("a")))
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            call.cancel()
            assert (await store.call(Get("b"))).item == {"key": "b"}
        store.close()

    asyncio.run(story())


@pytest.mark.slow
def test_more_calls_than_connections_wait_their_turn(store: PostgreSqlStore) -> None:
    outcomes: list[Outcome] = []
    key = random_nonce()

    def add() -> None:
        outcomes.append(store.call(Update(key=key, when=Always(), add={"n": 1})).outcome)

    threads = [threading.Thread(target=add) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome.APPLIED] * 20
    assert store.call(Get(key)).item == {"n": 20}


@pytest.mark.slow
def test_a_lock_on_it_excludes_others_and_its_tokens_grow(
    postgresql_server: PostgreSqlServer, store: PostgreSqlStore
) -> None:
    key = random_nonce()
    with Lock(store=store, key=key, owner="a", wait_s=5, timing=FAST) as first:
        with (
            pytest.raises(LockTimeoutError),
            Lock(store=store, key=key, owner="b", wait_s=0, keeps_trying=True, timing=FAST),
        ):
            pass
        time.sleep(1.2)
        assert first.held

    async def again() -> int:
        other = AsyncPostgreSqlStore(postgresql_server.connection)
        async with AsyncLock(store=other, key=key, owner="c", wait_s=5, timing=FAST) as second:
            return second.token

    assert asyncio.run(again()) > first.token


class _Mutant:
    """A store whose statements are a little wrong."""

    def __init__(self, store: PostgreSqlStore, spoil: Callable[[bytes], bytes]) -> None:
        self._store = store
        codec = store._codec  # pyright: ignore[reportPrivateUsage]
        right = codec.statement

        def wrong(request: Request) -> Statement:
            statement = right(request)
            return Statement(spoil(statement.sql), statement.parameters)

        codec.statement = wrong  # type: ignore[method-assign]

    def call(self, request: Request) -> Reply:
        return self._store.call(request)


def _ignores_what_others_wrote_meanwhile(sql: bytes) -> bytes:
    return sql.replace(b" FOR UPDATE", b"")


def _overwrites_what_it_did_not_see(sql: bytes) -> bytes:
    return sql.replace(b"DO NOTHING", b"DO UPDATE SET item = excluded.item")


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil", [_ignores_what_others_wrote_meanwhile, _overwrites_what_it_did_not_see]
)
def test_the_judge_of_histories_finds_a_statement_that_is_not_atomic(
    postgresql_server: PostgreSqlServer, spoil: Callable[[bytes], bytes]
) -> None:
    mutant: ConditionalStore = _Mutant(
        PostgreSqlStore(postgresql_server.connection, timeout_ms=10_000), spoil
    )
    for _ in range(50):
        key = f"mutant/{random_nonce()}"
        if explain_history(record(mutant, key, threads=4, calls=40)) is not None:
            return
        mutant.call(Delete(key=key, when=Always()))
    pytest.fail("the mutant survived 50 histories")
