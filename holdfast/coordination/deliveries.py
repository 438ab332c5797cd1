"""Handlers for queues that deliver at least once: SQS and Kafka.

Guarantees:
    Those of :class:`~holdfast.coordination.Once` for each message, told apart by what does not
    change between deliveries. A message that failed is delivered again; one that was handled
    before is acknowledged without being handled again.

Does not guarantee:
    That a message sent twice by its *producer* is one message: give it an id of the producer's
    (``id_attribute``, a header), or send through an :class:`~holdfast.coordination.Outbox`.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from holdfast.coordination.idempotency import Once
from holdfast.errors import ConfigurationError

_LOG = logging.getLogger("holdfast.coordination")


class SqsAttribute(TypedDict):
    """A message attribute, as an event source mapping hands it over."""

    stringValue: NotRequired[str]


class SqsRecord(TypedDict):
    """The parts of an SQS message that are used here, as an event source mapping spells them."""

    messageId: str
    body: str
    messageAttributes: NotRequired[Mapping[str, SqsAttribute]]


class SqsFailure(TypedDict):
    """One message that must be delivered again."""

    itemIdentifier: str


class SqsAnswer(TypedDict):
    """What an event source mapping with ``ReportBatchItemFailures`` expects."""

    batchItemFailures: list[SqsFailure]


def handle_sqs(
    once: Once,
    records: Iterable[SqsRecord],
    handle: Callable[[SqsRecord], str],
    *,
    id_attribute: str | None = None,
    fifo: bool = False,
) -> SqsAnswer:
    """Handles a batch; a message that fails does not make the others be delivered again.

    Args:
        once: Keeps what was handled.
        records: The batch.
        handle: Handles one message and returns its result.
        id_attribute: Message attribute with the producer's own id; None to go by the queue's.
        fifo: Whether the order of messages matters, so that nothing after a failure is handled.

    Returns:
        Which messages to deliver again.
    """
    failures: list[SqsFailure] = []
    for record in records:
        if failures and fifo:
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        try:
            with once.event(_sqs_id(record, id_attribute), record["body"].encode()) as run:
                if run.result is None:
                    run.complete(handle(record))
        except Exception:  # noqa: BLE001
            # Whatever it was: the queue delivers again, and gives up by its own redrive policy.
            _LOG.exception("SQS message %s failed", record["messageId"])
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


@dataclass(frozen=True, slots=True)
class KafkaMessage:
    """A message of a partitioned log.

    Attributes:
        topic: Its topic.
        partition: Its partition.
        offset: Its place there.
        value: What it says.
        id: The producer's own id, from a header say; None to go by the place.
    """

    topic: str
    partition: int
    offset: int
    value: bytes
    id: str | None = None


def handle_kafka(
    once: Once,
    messages: Iterable[KafkaMessage],
    handle: Callable[[KafkaMessage], str],
    *,
    commit: Callable[[str, int, int], None],
) -> int:
    """Handles messages in order and commits each one's place after it has been handled.

    A crash between the two, or a rebalance, delivers a message again; it is then not handled
    again. The first failure ends the call, so that nothing behind it is committed.

    Args:
        once: Keeps what was handled.
        messages: What was polled, in the order of each partition.
        handle: Handles one message and returns its result.
        commit: Commits topic, partition and the offset of the next message to read.

    Returns:
        How many messages were handled or recognised.

    Raises:
        Exception: Whatever ``handle``, ``commit`` or the store raises.
    """
    done = 0
    for message in messages:
        place = f"{message.topic}/{message.partition}/{message.offset}"
        with once.event(message.id or place, message.value) as run:
            if run.result is None:
                run.complete(handle(message))
        commit(message.topic, message.partition, message.offset + 1)
        done += 1
    return done


def _sqs_id(record: SqsRecord, id_attribute: str | None) -> str:
    if id_attribute is None:
        return record["messageId"]
    found = record.get("messageAttributes", {}).get(id_attribute, {}).get("stringValue")
    if not found:
        raise ConfigurationError(
            f"SQS message {record['messageId']} has no attribute {id_attribute}, which its "
            "producer must set to an id of its own. Set it there, or go by the queue's ids."
        )
    return found
