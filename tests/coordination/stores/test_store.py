"""One suite for every store: what the port promises, each adapter keeps."""

import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.contract import Consistency, Table
from holdfast.coordination import AsyncMemoryStore, DynamoDbStore, MemoryStore, dynamodb_client
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AsyncConditionalStore,
    AtMost,
    Condition,
    ConditionalStore,
    Delete,
    Equals,
    Get,
    Item,
    Outcome,
    Put,
    Reply,
    Request,
    Update,
    Value,
    holds,
    number,
    text,
)
from holdfast.testing import explain_history
from tests.coordination.fakes import FromThreads
from tests.coordination.histories import record
from tests.coordination.servers import REGION, TABLE, environment
from tests.coordination.stores.conditions import conditions, items, updates

if TYPE_CHECKING:
    from tests.coordination.postgresql_server import PostgreSqlServer

COORDINATION = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
STORES = [
    pytest.param("memory"),
    pytest.param("dynamodb", marks=pytest.mark.slow),
    pytest.param("postgresql", marks=pytest.mark.slow),
    pytest.param("async memory"),
    pytest.param("async dynamodb", marks=pytest.mark.slow),
    pytest.param("async postgresql", marks=pytest.mark.slow),
]


@pytest.fixture(params=STORES)
def store(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ConditionalStore]:
    kind: str = request.param
    for name, value in environment(_port(kind, request)).items():
        monkeypatch.setenv(name, value)
    if not kind.startswith("async "):
        yield _store(kind, request)
        return
    with FromThreads(_async_store(kind, request)) as made:
        yield made


def _port(kind: str, request: pytest.FixtureRequest) -> int:
    """Where DynamoDB answers; nowhere unless it is needed."""
    port: int = request.getfixturevalue("server") if kind.endswith("dynamodb") else 9
    return port


@asynccontextmanager
async def _async_store(
    kind: str, request: pytest.FixtureRequest
) -> AsyncGenerator[AsyncConditionalStore]:
    if kind == "async memory":
        yield AsyncMemoryStore()
    elif kind == "async dynamodb":
        async with async_dynamodb_client(timeout_ms=10_000) as client:
            remote = AsyncDynamoDbStore(COORDINATION, client)
            await remote.verify()
            yield remote
    else:
        server: PostgreSqlServer = request.getfixturevalue("postgresql_server")
        kept = AsyncPostgreSqlStore(server.connection, timeout_ms=10_000)
        await kept.create()
        await kept.verify()
        yield kept
        kept.close()


def _store(kind: str, request: pytest.FixtureRequest) -> ConditionalStore:
    if kind == "memory":
        return MemoryStore()
    if kind == "dynamodb":
        remote = DynamoDbStore(COORDINATION, dynamodb_client(timeout_ms=10_000))
        remote.verify()
        return remote
    server: PostgreSqlServer = request.getfixturevalue("postgresql_server")
    kept = PostgreSqlStore(server.connection, timeout_ms=10_000)
    kept.create()
    kept.verify()
    return kept


@pytest.fixture
def key() -> str:
    return f"test/{random_nonce()}"


ITEM: Item = {"text": "a", "count": 3, "flag": True, "blob": b"\x00\xff", "big": 10**30}


def test_what_is_put_is_got(store: ConditionalStore, key: str) -> None:
    assert store.call(Get(key)) == Reply(Outcome.APPLIED, None)
    assert store.call(Put(key=key, when=Always(), item=ITEM)).outcome is Outcome.APPLIED
    assert store.call(Get(key)) == Reply(Outcome.APPLIED, ITEM)


def test_a_refused_write_returns_the_item_that_refused_it(
    store: ConditionalStore, key: str
) -> None:
    store.call(Put(key=key, when=Always(), item=ITEM))
    no = Equals("count", 4)
    assert store.call(Put(key=key, when=no, item={})) == Reply(Outcome.REFUSED, ITEM)
    assert store.call(Delete(key=key, when=no)) == Reply(Outcome.REFUSED, ITEM)
    assert store.call(Update(key=key, when=no, add={"count": 1})) == Reply(Outcome.REFUSED, ITEM)
    assert store.call(Get(key)).item == ITEM


def test_a_write_refused_by_absence_returns_no_item(store: ConditionalStore, key: str) -> None:
    refused = store.call(Update(key=key, when=Equals("a", 1), assign={"a": 2}))
    assert refused == Reply(Outcome.REFUSED, None)


def test_an_update_changes_what_it_names_and_returns_the_whole_item(
    store: ConditionalStore, key: str
) -> None:
    created = store.call(
        Update(key=key, when=Absent("a"), assign={"a": "x", "b": "y"}, add={"n": 5})
    )
    assert created == Reply(Outcome.APPLIED, {"a": "x", "b": "y", "n": 5})
    changed = store.call(
        Update(key=key, when=Always(), assign={"a": "z"}, add={"n": -2}, remove=("b", "none"))
    )
    assert changed == Reply(Outcome.APPLIED, {"a": "z", "n": 3})


def test_an_update_that_names_nothing_changes_nothing_and_creates_the_item(
    store: ConditionalStore, key: str
) -> None:
    assert store.call(Update(key=key, when=Absent("a"))).outcome is Outcome.APPLIED
    assert store.call(Get(key)) == Reply(Outcome.APPLIED, {})
    assert store.call(Update(key=key, when=Equals("a", 1))) == Reply(Outcome.REFUSED, {})
    assert store.call(Update(key=key, when=Always())).outcome is Outcome.APPLIED
    assert store.call(Get(key)) == Reply(Outcome.APPLIED, {})


def test_a_delete_leaves_nothing(store: ConditionalStore, key: str) -> None:
    store.call(Put(key=key, when=Always(), item=ITEM))
    assert store.call(Delete(key=key, when=Equals("text", "a"))) == Reply(Outcome.APPLIED, None)
    assert store.call(Get(key)).item is None
    assert store.call(Delete(key=key, when=Always())).outcome is Outcome.APPLIED


CONDITIONS: list[tuple[Condition, bool]] = [
    (Always(), True),
    (Absent("none"), True),
    (Absent("text"), False),
    (Equals("text", "a"), True),
    (Equals("text", "b"), False),
    (Equals("count", 3), True),
    (Equals("flag", value=True), True),
    (Equals("flag", 1), False),
    (Equals("count", value=True), False),
    (Equals("blob", b"\x00\xff"), True),
    (Equals("none", 1), False),
    (AtMost("count", 3), True),
    (AtMost("count", 2), False),
    (AtMost("none", 2), False),
    (AtMost("text", 2), False),
    (AllOf((Equals("count", 3), Equals("text", "a"))), True),
    (AllOf((Equals("count", 3), Equals("text", "b"))), False),
    (AnyOf((Equals("count", 4), Equals("text", "a"))), True),
    (AnyOf((Equals("count", 4), AllOf((Absent("x"), AtMost("count", 1))))), False),
    (AllOf((Always(), Equals("count", 3))), True),
    (AnyOf((Always(), Equals("count", 4))), True),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS, ids=str)
def test_a_condition_means_the_same_everywhere(
    store: ConditionalStore,
    key: str,
    condition: Condition,
    expected: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    store.call(Put(key=key, when=Always(), item=ITEM))
    outcome = store.call(Update(key=key, when=condition, assign={"seen": 1})).outcome
    assert outcome is (Outcome.APPLIED if expected else Outcome.REFUSED)
    assert holds(condition, ITEM) is expected


@given(condition=conditions, update=updates, item=st.none() | items)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_conditions_and_changes_of_any_shape_are_carried_out_as_in_memory(
    store: ConditionalStore, condition: Condition, update: Update, item: Item | None
) -> None:
    key, memory = f"test/{random_nonce()}", MemoryStore()
    first = () if item is None else (Put(key=key, when=Always(), item=item),)
    for request in (
        *first,
        replace(update, key=key, when=condition),
        Get(key),
        Put(key=key, when=condition, item={"set": "or"}),
        Delete(key=key, when=condition),
        Get(key),
    ):
        assert store.call(request) == memory.call(request), request


def test_of_many_that_want_the_same_one_gets_it(store: ConditionalStore, key: str) -> None:
    barrier = threading.Barrier(8)

    def attempt(name: int) -> Outcome:
        barrier.wait()
        return store.call(Update(key=key, when=Absent("owner"), assign={"owner": name})).outcome

    for _ in range(10):
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(attempt, range(8)))
        assert sorted(outcomes) == [Outcome.APPLIED] + [Outcome.REFUSED] * 7
        store.call(Delete(key=key, when=Always()))


def test_histories_under_concurrency_are_linearizable(store: ConditionalStore, key: str) -> None:
    assert explain_history(record(store, key, threads=4, calls=40)) is None


class StaleReads(MemoryStore):
    """A store whose reads answer from a copy that is one write old."""

    def __init__(self) -> None:
        super().__init__()
        self._old: Item | None = None

    def call(self, request: Request) -> Reply:
        if isinstance(request, Get):
            return Reply(Outcome.APPLIED, self._old)
        before = super().call(Get(request.key)).item
        reply = super().call(request)
        if reply.outcome is Outcome.APPLIED:
            self._old = before
        return reply


class ForgetsConditions(MemoryStore):
    """A store that applies what it should refuse."""

    def call(self, request: Request) -> Reply:
        if isinstance(request, Update):
            request = Update(key=request.key, when=Always(), assign=request.assign, add=request.add)
        return super().call(request)


@pytest.mark.parametrize("broken", [StaleReads, ForgetsConditions])
def test_the_judge_finds_a_store_that_is_not_linearizable(
    broken: Callable[[], ConditionalStore], key: str
) -> None:
    unexplained = explain_history(record(broken(), key, threads=2, calls=40))
    assert unexplained is not None
    assert key in unexplained


@given(st.one_of(st.booleans(), st.text(), st.binary()))
def test_what_is_no_number_is_not_taken_for_one(value: Value) -> None:
    with pytest.raises(TypeError, match="must be a whole number"):
        number({"a": value}, "a")


def test_what_is_no_text_is_not_taken_for_it() -> None:
    with pytest.raises(TypeError, match="must be text"):
        text({"a": 1}, "a")
    assert text({}, "a") is None
