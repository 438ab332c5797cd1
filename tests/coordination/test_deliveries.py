"""Messages that are delivered again are not handled again, and failures hold nobody else up."""

import pytest

from holdfast.coordination import LeaseTiming, MemoryStore, Once
from holdfast.coordination.deliveries import KafkaMessage, SqsRecord, handle_kafka, handle_sqs

FAST = LeaseTiming(lease_ms=500, renew_ms=100, retry_ms=50, margin_ms=100)


def _once() -> Once:
    return Once(store=MemoryStore(), prefix="inbox", owner="a", wait_s=1, timing=FAST)


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


def test_only_what_failed_is_delivered_again_and_only_that_is_handled_again() -> None:
    once, handler = _once(), Handler("2")
    answer = handle_sqs(once, _batch("1", "2", "3"), handler)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    handler.failing.clear()
    assert handle_sqs(once, _batch("1", "2", "3"), handler) == {"batchItemFailures": []}
    assert handler.handled == ["1", "3", "2"]


def test_in_a_fifo_queue_nothing_overtakes_a_failure() -> None:
    handler = Handler("2")
    answer = handle_sqs(_once(), _batch("1", "2", "3"), handler, fifo=True)
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["2", "3"]
    assert handler.handled == ["1"]


def test_a_message_sent_twice_is_told_by_its_producers_id() -> None:
    once, handler = _once(), Handler()
    twice: list[SqsRecord] = [
        {"messageId": name, "body": "same", "messageAttributes": {"id": {"stringValue": "order-7"}}}
        for name in ("first", "second")
    ]
    assert handle_sqs(once, twice, handler, id_attribute="id") == {"batchItemFailures": []}
    assert handler.handled == ["first"]


def test_a_message_without_its_producers_id_fails_alone() -> None:
    handler = Handler()
    answer = handle_sqs(_once(), _batch("1"), handler, id_attribute="id")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert handler.handled == []


def test_a_place_in_a_log_is_committed_after_its_message_and_never_past_a_failure() -> None:
    once = _once()
    messages = [KafkaMessage("orders", 0, offset, b"v") for offset in range(3)]
    log: list[str] = []

    def handle(message: KafkaMessage) -> str:
        if message.offset == 2 and "again" not in log:
            raise ValueError("not yet")
        log.append(f"handled {message.offset}")
        return ""

    def commit(topic: str, partition: int, following: int) -> None:
        log.append(f"committed {topic}/{partition}/{following}")

    with pytest.raises(ValueError, match="not yet"):
        handle_kafka(once, messages, handle, commit=commit)
    assert log == [
        "handled 0",
        "committed orders/0/1",
        "handled 1",
        "committed orders/0/2",
    ]
    log[:] = ["again"]
    # The commits were lost in a rebalance: everything is delivered again.
    assert handle_kafka(once, messages, handle, commit=commit) == 3
    assert [line for line in log if line.startswith("handled")] == ["handled 2"]
    assert log[-1] == "committed orders/0/3"
