"""The store on a strongly consistent DynamoDB table, through boto3.

Guarantees:
    All that the port asks, over the regions of the table, one HTTP request per call.

Does not guarantee:
    An answer: without a quorum of the table's regions, calls end as ``UNKNOWN``.

Costs:
    A conditional write is billed as a write whether it is applied or refused, once per replica;
    a ``Get`` as a strongly consistent read.
"""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract import Table
from holdfast.contract.place import own_region
from holdfast.coordination.stores.dynamodb_codec import Codec
from holdfast.coordination.stores.store import Delete, Get, Put, Reply, Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DEFAULT_TIMEOUT_MS = 1_000
MOST_CONNECTIONS = 50
"""That a client keeps, each for one call at a time: more than a member of a group makes."""
_MS_PER_S = 1000


def dynamodb_client(
    region: str | None = None, *, timeout_ms: int = DEFAULT_TIMEOUT_MS
) -> "DynamoDBClient":
    """A client that sends each request once and gives up in time for a lease.

    Args:
        region: AWS region; None for the process's own (``AWS_REGION``).
        timeout_ms: Longest wait for a connection, and for an answer.
    """
    # The stubs of the services that nobody here uses are not installed.
    return boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name=region or own_region(),
        config=Config(
            connect_timeout=timeout_ms / _MS_PER_S,
            read_timeout=timeout_ms / _MS_PER_S,
            retries={"total_max_attempts": 1, "mode": "standard"},
            tcp_keepalive=True,
            max_pool_connections=MOST_CONNECTIONS,
        ),
    )


class DynamoDbStore:
    """A :class:`~holdfast.coordination.stores.store.ConditionalStore` on one table.

    Args:
        table: The table, as the contract describes it.
        client: A boto3 client; None for :func:`dynamodb_client` in the process's region.
        key_attribute: The table's partition key.

    Raises:
        ConfigurationError: If the table's last writer wins, or the client repeats requests by
            itself: a late repetition is a write that nobody expects any more.
    """

    def __init__(
        self,
        table: Table,
        client: "DynamoDBClient | None" = None,
        *,
        key_attribute: str = "pk",
    ) -> None:
        self._codec = Codec(table, key_attribute)
        self._client = client or dynamodb_client()
        self._codec.check_attempts(self._client.meta.config)

    def verify(self) -> None:
        """Compares the deployed table with what the contract says, where that is permitted.

        Without permission for DescribeTable the contract's word is taken.

        Raises:
            ConfigurationError: If the table's last writer wins, it does not exist, or its key is
                another.
            StoreUnavailableError: If it cannot be reached.
        """
        try:
            answer = self._client.describe_table(TableName=self._codec.table_name)
        except (BotoCoreError, ClientError) as error:
            self._codec.not_described(error, self._client.meta.region_name)
        else:
            self._codec.check_description(answer)

    def call(self, request: Request) -> Reply:
        """Sends one request once.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If the table can never carry it out.
        """
        try:
            if isinstance(request, Get):
                found = self._client.get_item(**self._codec.get(request))
                return self._codec.applied(found.get("Item"))
            if isinstance(request, Put):
                self._client.put_item(**self._codec.put(request))
                return self._codec.written(request)
            if isinstance(request, Delete):
                self._client.delete_item(**self._codec.delete(request))
                return self._codec.applied(None)
            changed = self._client.update_item(**self._codec.update(request))
            return self._codec.applied(changed.get("Attributes"))
        except (BotoCoreError, ClientError) as error:
            return self._codec.failed(error)
