"""A message goes out if and only if its change was made, and is told apart by its id."""

import asyncio

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    AsyncOutbox,
    MemoryStore,
    Message,
    Once,
    Outbox,
    Outgoing,
    Reply,
    Request,
    Schema,
    VersionedState,
)
from holdfast.coordination.outbox import MAX_PENDING, with_outbox
from holdfast.errors import ConfigurationError, CoordinationError

NUMBER: Schema[int] = Schema(version=1, encode=str, decode=int)


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
