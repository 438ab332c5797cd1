"""What agents have done, in the order they did it: the effect that cannot be taken back.

It stands for whatever your agents act on that cannot tell two orders of the same thing apart: a
payment, a message, a deployment. So it knows nothing of tasks having to be done once; only the
fence protects it. A page holds what was accepted for one tenant in one minute.

Guarantees:
    After a leader has opened a page, no earlier leader can append to it. Repeating an append of
    one term changes nothing.

Does not guarantee:
    Anything about effects that are not on the page. Put the fence where the effect is.
    Room: an item of DynamoDB ends at 400 KB, which is 4,000 entries to a tenant and minute. Divide
    pages further for a tenant who asks more.
"""

import contextlib
import threading
from typing import TYPE_CHECKING

import stamina
from botocore.exceptions import BotoCoreError, ClientError

from agents.orchestrator.desk import Task
from holdfast.coordination import Fence
from holdfast.errors import ConditionFailedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateItemInputTypeDef

# A conflict with another region passes in milliseconds; an outage is left to the queue.
_RETRY = stamina.retry(
    on=(BotoCoreError, ClientError), attempts=5, timeout=5.0, wait_initial=0.05, wait_jitter=0.1
)


class Ledger:
    """The ledger's pages, as one process sees them.

    Args:
        client: A DynamoDB client.
        table: A strongly consistent table.
        region: Where this process runs; goes on record.
    """

    def __init__(self, *, client: "DynamoDBClient", table: str, region: str) -> None:
        self._client = client
        self._table = table
        self._region = region
        # Writers of one page would only outbid each other; within a process they take turns.
        self._turn = threading.Lock()

    @_RETRY
    def open(self, page: str, fence: Fence) -> set[str]:
        """Claims a page for a term, and tells which tasks are on it.

        The claim comes first: what is read after it can no longer be added to by anybody earlier.

        Raises:
            LeaseLostError: If a later leader has claimed it.
        """
        answer = fence.update_item(
            self._client,
            {
                "TableName": self._table,
                "Key": {"pk": {"S": page}},
                "UpdateExpression": "SET opened_in = :region",
                "ExpressionAttributeValues": {":region": {"S": self._region}},
                "ReturnValues": "ALL_NEW",
            },
        )
        written = answer.get("Attributes", {}).get("ledger", {}).get("L", [])
        return {entry["S"].split(" ")[0] for entry in written if "S" in entry}

    @_RETRY
    def append(self, task: Task, fence: Fence) -> None:
        """Appends what was decided for a task.

        Raises:
            LeaseLostError: If a later leader has claimed the page. Nothing was written.
        """
        # The term is part of the entry: a repetition within it is recognised, while an earlier
        # term's entry for the same task is another effect, which only the fence prevents.
        entry = f"{task.id} {fence.token} {self._region}"
        request: UpdateItemInputTypeDef = {
            "TableName": self._table,
            "Key": {"pk": {"S": page_of(task)}},
            "UpdateExpression": "SET ledger = list_append(if_not_exists(ledger, :none), :entries)",
            "ConditionExpression": "NOT contains(ledger, :entry)",
            "ExpressionAttributeValues": {
                ":none": {"L": []},
                ":entries": {"L": [{"S": entry}]},
                ":entry": {"S": entry},
            },
        }
        with self._turn, contextlib.suppress(ConditionFailedError):
            fence.update_item(self._client, request)


def page_of(task: Task) -> str:
    """Key of the page that a task's effect belongs on."""
    return f"ledger#{task.tenant}#{task.minute}"
