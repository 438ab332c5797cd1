"""Where tasks come in: accepted once, kept where any region can find them.

A task passes three writes before it is acknowledged: its record (so that the same id is accepted
once, however often it is sent), its working copy in the state table, and its place in the queue.
The queue is a few items that hold the tasks which wait, one attribute each; a full one refuses.
What a task is about stands in its record alone: 500 of the largest would not fit into an item.

Guarantees:
    An acknowledged task is in the queue or in a ledger, in every region that has a quorum.
    Sending it again changes nothing.

Does not guarantee:
    That a task which was not acknowledged is not carried out: the answer may have been lost.
"""

import random
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from agents.orchestrator.log import log
from holdfast.coordination import ConditionalStore, Get, Item, Outcome, Put, Reply, Update
from holdfast.coordination.store import Absent, AllOf, AnyOf, AtMost, Equals, text
from holdfast.errors import ConfigurationError, ConflictError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

QUEUES = 4
QUEUE_LIMIT = 500
FRESH_S = 5.0
LOOK_EVERY_S = 1.0
_ATTEMPTS = 6
_FIRST_PAUSE_S = 0.02
# Nobody waits for the answer any longer; going on would only add to the load that made it late.
_GIVE_UP_S = 4.0
_S_PER_MINUTE = 60
_WAITING = "waiting"
_TASK = "task:"


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done once.

    Attributes:
        tenant: On whose behalf.
        id: The client's id, unique per tenant.
        minute: When it was accepted, in minutes since the epoch. Names the ledger's page.
    """

    tenant: str
    id: str
    minute: int

    @property
    def name(self) -> str:
        """Unique in the jurisdiction."""
        return f"{self.tenant}/{self.id}"

    @property
    def record(self) -> str:
        """Key of its record, and of its working copy."""
        return f"task#{self.name}"

    @property
    def queue(self) -> str:
        """Key of the queue item that it waits in."""
        return queue_key(zlib.crc32(self.name.encode()) % QUEUES)


def queue_key(number: int) -> str:
    """Key of one of the queue's items."""
    return f"queue#{number}"


class QueueFullError(Exception):
    """Too many tasks wait; the client should come back later."""


class Desk:
    """Accepts tasks, and hands them to whoever leads.

    Args:
        store: The jurisdiction's coordination table.
        client: For the state table.
        state_table: Name of the state table.
        region: Where this process runs.
    """

    def __init__(
        self,
        *,
        store: ConditionalStore,
        client: "DynamoDBClient",
        state_table: str,
        region: str,
    ) -> None:
        self._store = store
        self._client = client
        self._state_table = state_table
        self._region = region
        self._answered_s = float("-inf")
        # Writers of one item would only outbid each other; within a process they take turns.
        self._turns = {queue_key(number): threading.Lock() for number in range(QUEUES)}

    @property
    def healthy(self) -> bool:
        """Whether the store has answered in the last ``FRESH_S`` seconds."""
        return time.monotonic() - self._answered_s < FRESH_S

    def keep_looking(self) -> None:
        """Asks the store for a sign of life, for ever. Runs on a thread of its own."""
        answered = True
        while True:
            reply = self._call(Get("sign-of-life"))
            if answered and reply.outcome is Outcome.UNKNOWN:
                log("the coordination table does not answer", reason=reply.reason)
            answered = reply.outcome is not Outcome.UNKNOWN
            time.sleep(LOOK_EVERY_S)

    def accept(self, tenant: str, task_id: str, payload: str) -> Task:
        """Accepts a task, or recognises one that was accepted before.

        Raises:
            ConflictError: If the id was used for another payload.
            QueueFullError: If too many tasks wait.
            StoreUnavailableError: If it is unknown whether the task was accepted. Send it again.
        """
        task = Task(tenant, task_id, int(time.time()) // _S_PER_MINUTE)
        record: Item = {"payload": payload, "minute": task.minute}
        reply = self._write(Put(key=task.record, when=Absent("payload"), item=record))
        if reply.outcome is Outcome.REFUSED and reply.item is not None:
            if text(reply.item, "payload") != payload:
                raise ConflictError(
                    f"Task {task.name} was accepted with another payload. "
                    "Give a new task an id of its own."
                )
            task = Task(tenant, task_id, int(reply.item["minute"]))
        self._keep_working_copy(task, payload)
        self._enqueue(task)
        return task

    def waiting(self) -> Iterator[Task]:
        """The tasks that wait, from every queue that can be read."""
        for number in range(QUEUES):
            item = self._call(Get(queue_key(number))).item or {}
            for attribute, value in item.items():
                if attribute.startswith(_TASK):
                    tenant, task_id = attribute.removeprefix(_TASK).split("/", 1)
                    yield Task(tenant, task_id, int(value))

    def payload(self, task: Task) -> str:
        """What a task is about.

        Raises:
            StoreUnavailableError: If its record could not be read.
        """
        reply = self._call(Get(task.record))
        payload = text(reply.item, "payload")
        if payload is None:
            raise StoreUnavailableError(f"{task.record} could not be read: {reply.reason}.")
        return payload

    def done(self, task: Task) -> None:
        """Takes a task off its queue. Repeating it, or losing it, does no harm.

        Raises:
            StoreUnavailableError: If it could not be written.
        """
        attribute = _entry(task)
        removal = Update(
            key=task.queue,
            when=Equals(attribute, task.minute),
            add={_WAITING: -1},
            remove=(attribute,),
        )
        with self._turns[task.queue]:
            self._write(removal)

    def _enqueue(self, task: Task) -> None:
        attribute = _entry(task)
        room = AnyOf((Absent(_WAITING), AtMost(_WAITING, QUEUE_LIMIT - 1)))
        addition = Update(
            key=task.queue,
            when=AllOf((Absent(attribute), room)),
            assign={attribute: task.minute},
            add={_WAITING: 1},
        )
        with self._turns[task.queue]:
            reply = self._write(addition)
        if reply.outcome is Outcome.REFUSED and attribute not in (reply.item or {}):
            raise QueueFullError(f"{QUEUE_LIMIT} tasks wait in {task.queue}; try again later.")

    def _keep_working_copy(self, task: Task, payload: str) -> None:
        try:
            self._client.put_item(
                TableName=self._state_table,
                Item={
                    "pk": {"S": task.record},
                    "payload": {"S": payload},
                    "region": {"S": self._region},
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailableError(f"Table {self._state_table}: {error}.") from error

    def _write(self, request: Put | Update) -> Reply:
        """Repeats a write that was not carried out for a passing reason, or may not have been.

        Every write here may be repeated: its own success refuses the repetition.
        """
        until_s = time.monotonic() + _GIVE_UP_S
        reply = self._call(request)
        for attempt in range(_ATTEMPTS):
            if reply.outcome in {Outcome.APPLIED, Outcome.REFUSED}:
                return reply
            # A pause of random length, or two regions that met once would go on meeting.
            time.sleep(random.uniform(0.5, 1.5) * _FIRST_PAUSE_S * 2**attempt)  # noqa: S311
            if time.monotonic() > until_s:
                break
            reply = self._call(request)
        raise StoreUnavailableError(f"{request.key} could not be written: {reply.reason}.")

    def _call(self, request: Get | Put | Update) -> Reply:
        try:
            reply = self._store.call(request)
        except ConfigurationError as error:
            # Permissions come back as outages do: nothing here may end for good because of it.
            reply = Reply(Outcome.UNKNOWN, reason=str(error))
        if reply.outcome is not Outcome.UNKNOWN:
            self._answered_s = time.monotonic()
        return reply


def _entry(task: Task) -> str:
    """The attribute of the queue's item by which a task waits; its value is the task's minute."""
    return f"{_TASK}{task.name}"
