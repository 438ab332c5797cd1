"""Messages that are delivered again are not handled again, and failures hold nobody else up."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import pytest

from holdfast.coordination import (
    AsyncMemoryStore,
    AsyncOnce,
    KafkaMessage,
    LeaseTiming,
    MemoryStore,
    Once,
    SqsRecord,
    handle_kafka,
    handle_kafka_async,
    handle_sqs,
    handle_sqs_async,
)
from holdfast.errors import PayloadMismatchError

FAST = LeaseTiming(lease_ms=500, renew_ms=100, retry_ms=50, margin_ms=100)
Handle = Callable[[KafkaMessage], str]
Commit = Callable[[str, int, int], None]


class Inbox(Protocol):
    """Handles messages of both kinds, on whatever kind of driver."""

    def sqs(
        self,
        records: list[SqsRecord],
        handle: Callable[[SqsRecord], str],
        *,
        id_attribute: str | None = None,
        fifo: bool = False,
    ) -> list[str]:
        """What must be delivered again."""
        ...

    def kafka(self, messages: Iterable[KafkaMessage], handle: Handle, commit: Commit) -> int: ...


class ThreadInbox:
    def __init__(self) -> None:
        self._once = Once(store=MemoryStore(), prefix="in", owner="a", wait_s=1, timing=FAST)

    def sqs(
        self,
        records: list[SqsRecord],
        handle: Callable[[SqsRecord], str],
        *,
        id_attribute: str | None = None,
        fifo: bool = False,
    ) -> list[str]:
        answer = handle_sqs(self._once, records, handle, id_attribute=id_attribute, fifo=fifo)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def kafka(self, messages: Iterable[KafkaMessage], handle: Handle, commit: Commit) -> int:
        return handle_kafka(self._once, messages, handle, commit=commit)


class TaskInbox:
    def __init__(self) -> None:
        store = AsyncMemoryStore()
        self._once = AsyncOnce(store=store, prefix="in", owner="a", wait_s=1, timing=FAST)

    def sqs(
        self,
        records: list[SqsRecord],
        handle: Callable[[SqsRecord], str],
        *,
        id_attribute: str | None = None,
        fifo: bool = False,
    ) -> list[str]:
        async def handle_later(record: SqsRecord) -> str:
            await asyncio.sleep(0)
            return handle(record)

        answer = asyncio.run(
            handle_sqs_async(
                self._once, records, handle_later, id_attribute=id_attribute, fifo=fifo
            )
        )
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def kafka(self, messages: Iterable[KafkaMessage], handle: Handle, commit: Commit) -> int:
        async def handle_later(message: KafkaMessage) -> str:
            await asyncio.sleep(0)
            return handle(message)

        async def commit_later(topic: str, partition: int, following: int) -> None:
            await asyncio.sleep(0)
            commit(topic, partition, following)

        return asyncio.run(
            handle_kafka_async(self._once, messages, handle_later, commit=commit_later)
        )


@pytest.fixture(params=[ThreadInbox, TaskInbox])
def inbox(request: pytest.FixtureRequest) -> Inbox:
    made: Inbox = request.param()
    return made


def _batch(*names: str) -> list[SqsRecord]:
    return [{"messageId": name, "body": f"body of {name}"} for name in names]


class Handler:
    """Fails for some messages, and remembers all that it handled."""

    def __init__(self, *failing: str) -> None:
        self.failing = set(failing)
        self.handled: list[str] = []

    def __call__(self, record: SqsRecord) -> str:
        if record["messageId"] in self.failing:
            raise ValueError(record["messageId"])
        self.handled.append(record["messageId"])
        return "done"


def test_only_what_failed_is_delivered_again_and_only_that_is_handled_again(inbox: Inbox) -> None:
    handler = Handler("2")
    assert inbox.sqs(_batch("1", "2", "3"), handler) == ["2"]
    handler.failing.clear()
    assert inbox.sqs(_batch("1", "2", "3"), handler) == []
    assert handler.handled == ["1", "3", "2"]


def test_in_a_fifo_queue_nothing_overtakes_a_failure(inbox: Inbox) -> None:
    handler = Handler("2")
    assert inbox.sqs(_batch("1", "2", "3"), handler, fifo=True) == ["2", "3"]
    assert handler.handled == ["1"]


def test_a_message_sent_twice_is_told_by_its_producers_id(inbox: Inbox) -> None:
    handler = Handler()
    twice: list[SqsRecord] = [
        {"messageId": name, "body": "same", "messageAttributes": {"id": {"stringValue": "order-7"}}}
        for name in ("first", "second")
    ]
    assert inbox.sqs(twice, handler, id_attribute="id") == []
    assert handler.handled == ["first"]


def test_a_message_without_its_producers_id_fails_alone(inbox: Inbox) -> None:
    handler = Handler()
    assert inbox.sqs(_batch("1"), handler, id_attribute="id") == ["1"]
    assert handler.handled == []


def test_an_id_with_another_body_fails_rather_than_passes_for_handled(inbox: Inbox) -> None:
    handler = Handler()
    assert inbox.sqs([{"messageId": "1", "body": "first"}], handler) == []
    assert inbox.sqs([{"messageId": "1", "body": "second"}], handler) == ["1"]

    def place(value: bytes) -> KafkaMessage:
        return KafkaMessage("orders", 0, 7, value)

    committed: list[int] = []

    def commit(_topic: str, _partition: int, following: int) -> None:
        committed.append(following)

    assert inbox.kafka([place(b"first")], lambda _: "", commit) == 1
    with pytest.raises(PayloadMismatchError):
        inbox.kafka([place(b"of another cluster")], lambda _: "", commit)
    assert committed == [8]


def test_a_place_in_a_log_is_committed_after_its_message_and_never_past_a_failure(
    inbox: Inbox,
) -> None:
    messages = [KafkaMessage("orders", 0, offset, b"v") for offset in range(3)]
    log: list[str] = []

    def handle(message: KafkaMessage) -> str:
        if message.offset == 2 and "again" not in log:
            raise ValueError("not yet")
        log.append(f"handled {message.offset}")
        return ""

    def commit(topic: str, partition: int, following: int) -> None:
        log.append(f"committed {topic}/{partition}/{following}")

    with pytest.raises(ValueError, match="not yet") as failed:
        inbox.kafka(messages, handle, commit)
    # A consumer that polls on would lose it: the failure says so.
    (note,) = failed.value.__notes__
    assert note.startswith("Kafka message orders/0/2 and what was polled after it were not commit")
    assert log == [
        "handled 0",
        "committed orders/0/1",
        "handled 1",
        "committed orders/0/2",
    ]
    log[:] = ["again"]
    # The commits were lost in a rebalance: everything is delivered again.
    assert inbox.kafka(messages, handle, commit) == 3
    assert [line for line in log if line.startswith("handled")] == ["handled 2"]
    assert log[-1] == "committed orders/0/3"


def test_a_message_of_a_log_is_told_by_its_producers_id_or_else_by_its_place(inbox: Inbox) -> None:
    handled: list[int] = []

    def handle(message: KafkaMessage) -> str:
        handled.append(message.offset)
        return ""

    messages = [KafkaMessage("orders", 0, offset, b"v", id="order-7") for offset in (0, 1)]
    messages += [KafkaMessage("orders", 1, offset, b"v") for offset in (0, 1)]
    assert inbox.kafka(messages, handle, lambda _topic, _partition, _following: None) == 4
    assert handled == [0, 0, 1]
