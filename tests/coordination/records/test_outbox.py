"""A message goes out if and only if its change was made, and is told apart by its id."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace

import pytest

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    AsyncDynamoDbListing,
    AsyncMemoryStore,
    AsyncOutbox,
    ConditionalStore,
    DynamoDbListing,
    DynamoDbStore,
    Get,
    MemoryStore,
    Message,
    Once,
    Outbox,
    Outgoing,
    Relayed,
    Reply,
    Request,
    Schema,
    VersionedState,
)
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.records import outbox as module
from holdfast.coordination.records.outbox import MAX_PENDING, with_outbox
from holdfast.coordination.stores.aio_dynamodb import AsyncDynamoDbStore, async_dynamodb_client
from holdfast.coordination.stores.listing_postgresql import (
    AsyncPostgreSqlListing,
    PostgreSqlListing,
)
from holdfast.coordination.stores.postgresql import AsyncPostgreSqlStore, PostgreSqlStore
from holdfast.errors import ConfigurationError, CoordinationError
from tests.coordination.postgresql_server import PostgreSqlServer
from tests.coordination.servers import REGION, create_table, environment

NUMBER: Schema[int] = Schema(version=1, encode=str, decode=int)


def test_a_message_is_not_sent_by_a_generator_that_nobody_goes_through() -> None:
    def send(message: Message) -> Iterator[Message]:
        yield message

    box = Outbox(store=MemoryStore(), schema=NUMBER)
    box.update("k", lambda _: Outgoing(1, (Message("m"),)))
    for sender in (send, functools.partial(send)):
        with pytest.raises(ConfigurationError, match="never run"):
            box.relay("k", sender)
    sent: list[str] = []
    assert box.relay("k", lambda message: sent.append(message.body)) == 1
    assert sent == ["m"]
    with pytest.raises(ConfigurationError, match=r"change to record k .*never run"):
        box.update("k", lambda _: send(Message("n")))  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]


def add_one(value: int | None) -> Outgoing[int]:
    after = (value or 0) + 1
    return Outgoing(after, (Message(f"now {after}"),))


def test_messages_go_out_in_order_and_once_while_nothing_fails() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)
    for _ in range(3):
        outbox.update("n", add_one)
    sent: list[str] = []
    assert outbox.relay("n", lambda message: sent.append(message.body)) == 3
    assert sent == ["now 1", "now 2", "now 3"]
    assert outbox.relay("n", lambda message: sent.append(message.body)) == 0
    assert outbox.read("n") == 3
    assert outbox.read("none") is None
    assert outbox.relay("none", lambda message: sent.append(message.body)) == 0


def test_a_change_that_is_not_made_sends_nothing() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)

    def fail(_value: int | None) -> Outgoing[int]:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        outbox.update("n", fail)
    assert outbox.relay("n", lambda _: pytest.fail("sent")) == 0


def test_what_a_failed_relay_has_not_sent_is_sent_by_the_next() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)
    for _ in range(3):
        outbox.update("n", add_one)
    sent: list[Message] = []

    def fail_at_second(message: Message) -> None:
        if sent:
            raise OSError("the queue is away")
        sent.append(message)

    with pytest.raises(OSError, match="away"):
        outbox.relay("n", fail_at_second)
    assert outbox.relay("n", sent.append) == 2
    assert [message.body for message in sent] == ["now 1", "now 2", "now 3"]
    assert len({message.id for message in sent}) == 3


def test_a_receiver_tells_a_repetition_by_the_messages_id() -> None:
    store = MemoryStore()
    outbox = Outbox(store=store, schema=NUMBER)
    outbox.update("n", add_one)
    handled: list[str] = []

    def name(message: Message) -> str:
        return message.id

    @Once(store=store, prefix="inbox", owner="receiver", wait_s=15).handler(event_id=name)
    def receive(message: Message) -> str:
        handled.append(message.body)
        return ""

    def send_twice(message: Message) -> None:
        receive(message)
        receive(message)

    outbox.relay("n", send_twice)
    assert handled == ["now 1"]


def test_two_relays_at_once_and_a_change_between_them_lose_no_message() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)
    outbox.update("n", add_one)
    outbox.update("n", add_one)
    sent: list[str] = []

    def send(message: Message) -> None:
        sent.append(message.body)
        if len(sent) == 1:
            # Another relay overtakes this one, and takes out what it sent; then a message comes.
            assert outbox.relay("n", lambda other: sent.append(other.body)) == 2
            outbox.update("n", add_one)

    outbox.relay("n", send)
    outbox.relay("n", lambda message: sent.append(message.body))
    assert sent == ["now 1", "now 1", "now 2", "now 2", "now 3"]


def test_a_sender_that_nobody_awaits_takes_no_message_out() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)
    outbox.update("n", add_one)

    async def send(message: Message) -> None:
        """Would never run."""

    def late(message: Message) -> object:
        return send(message)

    for sender in (send, late):
        with pytest.raises(ConfigurationError, match=r"never run.*AsyncOutbox"):
            outbox.relay("n", sender)
    assert outbox.relay("n", lambda _: None) == 1


def test_messages_that_nobody_sends_are_noticed() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)
    for _ in range(MAX_PENDING):
        outbox.update("n", add_one)
    with pytest.raises(CoordinationError, match=f"{MAX_PENDING + 1} messages that nobody has sen"):
        outbox.update("n", add_one)
    assert outbox.read("n") == MAX_PENDING
    assert outbox.relay("n", lambda _: None) == MAX_PENDING
    assert outbox.update("n", add_one) == MAX_PENDING + 1


def test_a_change_that_makes_more_messages_than_a_record_may_hold_is_refused() -> None:
    many = Outgoing(1, (Message("x"),) * (MAX_PENDING + 1))
    with pytest.raises(ConfigurationError, match=f"makes {MAX_PENDING + 1} messages; at most"):
        Outbox(store=MemoryStore(), schema=NUMBER).update("n", lambda _: many)


@pytest.mark.parametrize("body", ["1", "one", '{"value": "1"}'])
def test_a_record_that_no_outbox_wrote_is_refused_rather_than_misread(body: str) -> None:
    store = MemoryStore()
    text: Schema[str] = Schema(version=1, encode=str, decode=str)
    VersionedState(store=store, schema=text).update("n", lambda _: body)
    outbox = Outbox(store=store, schema=text)
    with pytest.raises(ConfigurationError, match="which no outbox has written"):
        outbox.read("n")
    with pytest.raises(ConfigurationError, match="which no outbox has written"):
        outbox.update("n", lambda _: Outgoing("2"))


def test_a_message_keeps_the_id_that_it_was_given() -> None:
    outbox = Outbox(store=MemoryStore(), schema=NUMBER)
    outbox.update("n", lambda _: Outgoing(1, (Message("a", id="order-7"), Message("b"))))
    sent: list[Message] = []
    outbox.relay("n", sent.append)
    assert sent[0].id == "order-7"
    assert sent[1].id not in ("", "order-7")


def test_a_relay_costs_a_read_and_where_it_sends_another_and_a_write() -> None:
    class Counting(MemoryStore):
        requests = ""

        def call(self, request: Request) -> Reply:
            self.requests += type(request).__name__[0]
            return super().call(request)

    store = Counting()
    outbox = Outbox(store=store, schema=NUMBER)
    outbox.update("n", add_one)
    outbox.update("n", add_one)
    assert store.requests == "GUGU"
    store.requests = ""
    assert outbox.relay("n", lambda _: None) == 2
    assert store.requests == "GGU"
    store.requests = ""
    assert outbox.relay("n", lambda _: None) == 0
    assert store.requests == "G"


def test_an_upgrade_of_the_value_leaves_the_messages_alone() -> None:
    store = MemoryStore()
    Outbox(store=store, schema=NUMBER).update("n", add_one)
    newer: Schema[str] = Schema(
        version=2, encode=str, decode=str, upgraders={1: lambda body: f"n{body}"}
    )
    found = VersionedState(store=store, schema=with_outbox(newer)).read("n")
    assert found is not None
    assert found.value == "n1"
    assert [message.body for message in found.messages] == ["now 1"]


def test_tasks_have_the_same_outbox() -> None:
    async def story() -> None:
        outbox = AsyncOutbox(store=AsyncMemoryStore(), schema=NUMBER)
        assert await outbox.update("n", add_one) == 1
        assert await outbox.read("n") == 1
        assert await outbox.read("none") is None
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        assert await outbox.relay("n", send) == 1
        assert await outbox.relay("n", send) == 0
        assert [message.body for message in sent] == ["now 1"]
        for _ in range(2):
            await outbox.update("n", add_one)

        async def fail_at_second(message: Message) -> None:
            if message.body == "now 3":
                raise OSError("the queue is away")
            await send(message)

        with pytest.raises(OSError, match="away"):
            await outbox.relay("n", fail_at_second)
        assert await outbox.relay("n", send) == 1
        assert [message.body for message in sent] == ["now 1", "now 2", "now 3"]

    asyncio.run(story())


Send = Callable[[Message], None]
Run = Callable[[Send, str | None], Relayed]


def _crashed_before_relaying(store: ConditionalStore) -> None:
    """Leaves messages in three orders of five, and in what is none of this outbox."""
    outbox = Outbox(store=store, schema=NUMBER)
    for key in ("order/1", "order/2", "order/3", "order/4", "order/5", "other/1"):
        outbox.update(key, add_one)
    outbox.update("order/3", add_one)
    for key in ("order/2", "order/4"):
        outbox.relay(key, lambda _: None)
    VersionedState(store=store, schema=NUMBER).update("order/6", lambda _: 1)


def _check_that_all_left_messages_go_out(store: ConditionalStore, relay_all: Run) -> None:
    _crashed_before_relaying(store)
    sent: list[str] = []
    after, runs, counted = None, 0, 0
    while runs == 0 or after is not None:
        relayed = relay_all(lambda message: sent.append(message.body), after)
        assert relayed.failed == {}
        after, runs, counted = relayed.resume_after, runs + 1, counted + relayed.sent
        assert runs < 20
    assert sorted(sent) == ["now 1", "now 1", "now 1", "now 2"]
    assert sent.index("now 2") > 0
    assert counted == 4
    assert runs >= 3
    assert relay_all(lambda _: pytest.fail("sent"), None).sent == 0
    assert Outbox(store=store, schema=NUMBER).relay("other/1", lambda _: None) == 1


def _check_in_memory() -> None:
    store = MemoryStore()
    _check_that_all_left_messages_go_out(
        store,
        lambda send, after: Outbox(store=store, schema=NUMBER).relay_all(
            store, send, prefix="order/", after=after, max_records=2
        ),
    )


def test_messages_that_a_crash_has_left_are_found_without_their_keys() -> None:
    _check_in_memory()


def _noting_nothing(schema: Schema[int]) -> Schema[Outgoing[int]]:
    return replace(with_outbox(schema), pending=None)


def test_an_outbox_that_notes_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "with_outbox", _noting_nothing)
    with pytest.raises(AssertionError):
        _check_in_memory()


def test_a_record_is_only_marked_while_it_holds_messages() -> None:
    store = MemoryStore()
    outbox = Outbox(store=store, schema=NUMBER)

    def pending() -> object:
        return (store.call(Get("n")).item or {}).get("pending")

    outbox.update("n", lambda _: Outgoing(1))
    assert pending() is None
    outbox.update("n", add_one)
    outbox.update("n", add_one)
    assert pending() == 2
    outbox.relay("n", lambda _: None)
    assert pending() is None


def _placing(key: str, _value: int | None) -> Outgoing[int]:
    return Outgoing(1, (Message(key),))


def test_a_record_whose_messages_cannot_be_sent_holds_up_no_other() -> None:
    store = MemoryStore()
    outbox = Outbox(store=store, schema=NUMBER)
    for key in ("order/1", "order/2", "order/3"):
        outbox.update(key, functools.partial(_placing, key))
    sent: list[str] = []

    def send(message: Message) -> None:
        if message.body == "order/1":
            raise OSError("too large")
        sent.append(message.body)

    def failed(of: Mapping[str, Exception]) -> dict[str, str]:
        return {key: str(error) for key, error in of.items()}

    relayed = outbox.relay_all(store, send, prefix="order/")
    assert (relayed.sent, failed(relayed.failed)) == (2, {"order/1": "too large"})
    assert sent == ["order/2", "order/3"]
    again = outbox.relay_all(store, send, prefix="order/")
    assert (again.sent, failed(again.failed)) == (0, {"order/1": "too large"})
    assert outbox.relay("order/1", lambda _: None) == 1


def test_a_search_without_a_prefix_or_a_bound_is_refused() -> None:
    store = MemoryStore()
    outbox = Outbox(store=store, schema=NUMBER)
    with pytest.raises(ConfigurationError, match="prefix='' of an outbox is empty"):
        outbox.relay_all(store, lambda _: None, prefix="")
    with pytest.raises(ConfigurationError, match="max_records=0; it must be 1 or more"):
        outbox.relay_all(store, lambda _: None, prefix="order/", max_records=0)


def test_tasks_find_what_a_crash_has_left_too() -> None:
    store = MemoryStore()

    async def relay_all(send: Send, after: str | None) -> Relayed:
        listing = AsyncMemoryStore(store)
        outbox = AsyncOutbox(store=listing, schema=NUMBER)
        return await outbox.relay_all(
            listing, _awaited(send), prefix="order/", after=after, max_records=2
        )

    _check_that_all_left_messages_go_out(
        store, lambda send, after: asyncio.run(relay_all(send, after))
    )

    async def fails(_message: Message) -> None:
        raise OSError("the queue is away")

    async def story() -> Relayed:
        outbox = AsyncOutbox(store=AsyncMemoryStore(store), schema=NUMBER)
        await outbox.update("order/1", add_one)
        return await outbox.relay_all(AsyncMemoryStore(store), fails, prefix="order/")

    assert list(asyncio.run(story()).failed) == ["order/1"]


def _awaited(send: Send) -> Callable[[Message], Coroutine[None, None, None]]:
    async def sending(message: Message) -> None:
        send(message)

    return sending


@pytest.mark.slow
def test_messages_left_in_a_dynamodb_table_are_found(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)

    def table() -> Table:
        made = Table(name=random_nonce(), consistency=Consistency.STRONG, regions=(REGION,))
        create_table(server, made.name)
        return made

    own, of_tasks = table(), table()
    outbox = Outbox(store=DynamoDbStore(own), schema=NUMBER)
    _check_that_all_left_messages_go_out(
        DynamoDbStore(own),
        lambda send, after: outbox.relay_all(
            DynamoDbListing(own), send, prefix="order/", after=after, max_records=2
        ),
    )

    async def relay_all(send: Send, after: str | None) -> Relayed:
        async with async_dynamodb_client() as client:
            outbox = AsyncOutbox(store=AsyncDynamoDbStore(of_tasks, client), schema=NUMBER)
            return await outbox.relay_all(
                AsyncDynamoDbListing(of_tasks, client),
                _awaited(send),
                prefix="order/",
                after=after,
                max_records=2,
            )

    _check_that_all_left_messages_go_out(
        DynamoDbStore(of_tasks), lambda send, after: asyncio.run(relay_all(send, after))
    )


@pytest.mark.slow
def test_messages_left_in_a_postgresql_table_are_found(postgresql_server: PostgreSqlServer) -> None:
    connection = postgresql_server.connection
    store = PostgreSqlStore(connection, table="left_behind")
    store.create()
    listing = PostgreSqlListing(connection, table="left_behind")
    outbox = Outbox(store=store, schema=NUMBER)
    _check_that_all_left_messages_go_out(
        store,
        lambda send, after: outbox.relay_all(
            listing, send, prefix="order/", after=after, max_records=2
        ),
    )
    listing.close()
    of_tasks = PostgreSqlStore(connection, table="left_by_tasks")
    of_tasks.create()

    async def relay_all(send: Send, after: str | None) -> Relayed:
        own = AsyncPostgreSqlStore(connection, table="left_by_tasks")
        found = AsyncPostgreSqlListing(connection, table="left_by_tasks")
        try:
            return await AsyncOutbox(store=own, schema=NUMBER).relay_all(
                found, _awaited(send), prefix="order/", after=after, max_records=2
            )
        finally:
            own.close()
            found.close()

    _check_that_all_left_messages_go_out(
        of_tasks, lambda send, after: asyncio.run(relay_all(send, after))
    )
