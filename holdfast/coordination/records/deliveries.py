"""Handlers for queues that deliver at least once: SQS and Kafka.

Guarantees:
    Those of :class:`~holdfast.coordination.Once` for each message, told apart by what does not
    change between deliveries. A message that failed is delivered again; one that was handled
    before is acknowledged without being handled again.

Does not guarantee:
    That a message sent twice by its *producer* is one message: give it an id of the producer's
    (``id_attribute``, a header), or send through an :class:`~holdfast.coordination.Outbox`. That a
    place in a log names one message for ever: it does so within one topic of one cluster. Clusters
    that share a table, such as two regions' own, and topics that are made again, need a ``Once``
    with a prefix of its own each, or ids of the producer's. That Kafka delivers a message again
    after a failure: it does so only to a consumer that goes back (:func:`handle_kafka`).
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from holdfast.coordination.drivers.kind import check_coroutine, check_plain
from holdfast.coordination.records.aio_idempotency import AsyncOnce
from holdfast.coordination.records.idempotency import Once
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
    handle: Callable[[SqsRecord], str | None],
    *,
    id_attribute: str | None = None,
    fifo: bool = False,
) -> SqsAnswer:
    """Handles a batch; a message that fails does not make the others be delivered again.

    Args:
        once: Keeps what was handled.
        records: The batch.
        handle: Handles one message and returns its result; None is one too.
        id_attribute: Message attribute with the producer's own id; None to go by the queue's.
        fifo: Whether the order of messages matters, so that nothing after a failure is handled.

    Returns:
        Which messages to deliver again.

    Raises:
        ConfigurationError: If ``handle`` is a coroutine function.
    """
    check_plain("handle", handle, "handle_sqs_async")
    batch = _Batch(id_attribute, fifo=fifo)
    for record in batch.due(records):
        with batch.attempt(record), once.event(*batch.event(record)) as run:
            if run.result is None:
                run.complete(handle(record))
    return batch.answer


async def handle_sqs_async(
    once: AsyncOnce,
    records: Iterable[SqsRecord],
    handle: Callable[[SqsRecord], Awaitable[str | None]],
    *,
    id_attribute: str | None = None,
    fifo: bool = False,
) -> SqsAnswer:
    """As :func:`handle_sqs`, for asyncio; one message after the other.

    Args:
        once: Keeps what was handled.
        records: The batch.
        handle: Handles one message and returns its result; None is one too.
        id_attribute: Message attribute with the producer's own id; None to go by the queue's.
        fifo: Whether the order of messages matters, so that nothing after a failure is handled.

    Returns:
        Which messages to deliver again.
    """
    check_coroutine("handle", handle, "handle_sqs")
    batch = _Batch(id_attribute, fifo=fifo)
    for record in batch.due(records):
        with batch.attempt(record):
            async with once.event(*batch.event(record)) as run:
                if run.result is None:
                    await run.complete(await handle(record))
    return batch.answer


@dataclass(frozen=True, slots=True)
class KafkaMessage:
    """A message of a partitioned log.

    Attributes:
        topic: Its topic.
        partition: Its partition.
        offset: Its place there.
        value: What it says; empty for a tombstone.
        id: The producer's own id, from a header say; None to go by the place.
    """

    topic: str
    partition: int
    offset: int
    value: bytes
    id: str | None = None

    @property
    def name(self) -> str:
        """What tells it from others: its producer's id, or its place."""
        return self.id or f"{self.topic}/{self.partition}/{self.offset}"


def handle_kafka(
    once: Once,
    messages: Iterable[KafkaMessage],
    handle: Callable[[KafkaMessage], str | None],
    *,
    commit: Callable[[str, int, int], None],
) -> int:
    """Handles messages in order and commits each one's place after it has been handled.

    A crash between the two, or a rebalance, delivers a message again; it is then not handled
    again. The first failure ends the call, so that nothing behind it is committed. The consumer
    itself stands behind everything that it polled: have it go back to the committed places (seek
    there, or start it anew) before it polls again, or what was not handled is lost with the next
    commit.

    Args:
        once: Keeps what was handled.
        messages: What was polled, in the order of each partition.
        handle: Handles one message and returns its result; None is one too.
        commit: Commits topic, partition and the offset of the next message to read.

    Returns:
        How many messages were handled or recognised.

    Raises:
        ConfigurationError: If ``handle`` is of the other kind of function.
        Exception: Whatever ``handle``, ``commit`` or the store raises, with a note of the place.
    """
    check_plain("handle", handle, "handle_kafka_async")
    done = 0
    for message in messages:
        with _noted(message):
            with once.event(message.name, message.value) as run:
                if run.result is None:
                    run.complete(handle(message))
            commit(message.topic, message.partition, message.offset + 1)
        done += 1
    return done


async def handle_kafka_async(
    once: AsyncOnce,
    messages: Iterable[KafkaMessage],
    handle: Callable[[KafkaMessage], Awaitable[str | None]],
    *,
    commit: Callable[[str, int, int], Awaitable[None]],
) -> int:
    """As :func:`handle_kafka`, for asyncio; one message after the other.

    Args:
        once: Keeps what was handled.
        messages: What was polled, in the order of each partition.
        handle: Handles one message and returns its result; None is one too.
        commit: Commits topic, partition and the offset of the next message to read.

    Returns:
        How many messages were handled or recognised.

    Raises:
        ConfigurationError: If ``handle`` is of the other kind of function.
        Exception: Whatever ``handle``, ``commit`` or the store raises, with a note of the place.
    """
    check_coroutine("handle", handle, "handle_kafka")
    done = 0
    for message in messages:
        with _noted(message):
            async with once.event(message.name, message.value) as run:
                if run.result is None:
                    await run.complete(await handle(message))
            await commit(message.topic, message.partition, message.offset + 1)
        done += 1
    return done


@contextmanager
def _noted(message: KafkaMessage) -> Generator[None]:
    """Handles one message; a failure says which one it was, and what to do next."""
    try:
        yield
    except Exception as error:
        error.add_note(
            f"Kafka message {message.topic}/{message.partition}/{message.offset} and what was "
            "polled after it were not committed. Go back to the committed places before polling "
            "again."
        )
        raise


class _Batch:
    """A batch from SQS, and what failed of it."""

    def __init__(self, id_attribute: str | None, *, fifo: bool) -> None:
        self.answer: SqsAnswer = {"batchItemFailures": []}
        self._id_attribute = id_attribute
        self._fifo = fifo

    def due(self, records: Iterable[SqsRecord]) -> Iterator[SqsRecord]:
        """The messages to handle; the others must be delivered again."""
        for record in records:
            if self._fifo and self.answer["batchItemFailures"]:
                self._fail(record)
            else:
                yield record

    @contextmanager
    def attempt(self, record: SqsRecord) -> Generator[None]:
        """Handles one message; if that fails, it must be delivered again."""
        try:
            yield
        except Exception:  # noqa: BLE001
            # Whatever it was: the queue delivers again, and gives up by its own redrive policy.
            _LOG.exception("SQS message %s failed", record["messageId"])
            self._fail(record)

    def event(self, record: SqsRecord) -> tuple[str, bytes]:
        """Id and payload of a message."""
        found: str | None = record["messageId"]
        if self._id_attribute is not None:
            attributes = record.get("messageAttributes", {})
            found = attributes.get(self._id_attribute, {}).get("stringValue")
        if not found:
            raise ConfigurationError(
                f"SQS message {record['messageId']} has no attribute {self._id_attribute}, which "
                "its producer must set to an id of its own. Set it there, or go by the queue's ids."
            )
        return found, record["body"].encode()

    def _fail(self, record: SqsRecord) -> None:
        self.answer["batchItemFailures"].append({"itemIdentifier": record["messageId"]})
