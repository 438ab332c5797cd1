"""The store on a strongly consistent DynamoDB table, for asyncio. Needs ``holdfast[aio]``.

Guarantees and costs:
    Those of :mod:`holdfast.coordination.stores.dynamodb`, of which it shares every decision.

Does not guarantee:
    That a call which is cancelled was not carried out.
"""

from typing import TYPE_CHECKING

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract import Table
from holdfast.contract.place import own_region
from holdfast.coordination.stores.dynamodb import DEFAULT_TIMEOUT_MS, MOST_CONNECTIONS
from holdfast.coordination.stores.dynamodb_codec import Codec
from holdfast.coordination.stores.store import Delete, Get, Put, Reply, Request

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from types_aiobotocore_dynamodb.client import DynamoDBClient

_MS_PER_S = 1000


def async_dynamodb_client(
    region: str | None = None, *, timeout_ms: int = DEFAULT_TIMEOUT_MS
) -> "AbstractAsyncContextManager[DynamoDBClient]":
    """A client that sends each request once and gives up in time for a lease.

    Enter it once per process, around everything that uses the store.

    Args:
        region: AWS region; None for the process's own (``AWS_REGION``).
        timeout_ms: Longest wait for a connection, and for an answer.
    """
    # The stubs of the services that nobody here uses are not installed.
    return get_session().create_client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name=region or own_region(),
        config=AioConfig(
            connect_timeout=timeout_ms / _MS_PER_S,
            read_timeout=timeout_ms / _MS_PER_S,
            retries={"total_max_attempts": 1, "mode": "standard"},
            tcp_keepalive=True,
            max_pool_connections=MOST_CONNECTIONS,
        ),
    )


class AsyncDynamoDbStore:
    """An :class:`~holdfast.coordination.AsyncConditionalStore` on one table.

    Args:
        table: The table, as the contract describes it.
        client: An entered client, from :func:`async_dynamodb_client`.
        key_attribute: The table's partition key.

    Raises:
        ConfigurationError: If the table's last writer wins, or the client repeats requests by
            itself.
    """

    def __init__(
        self, table: Table, client: "DynamoDBClient", *, key_attribute: str = "pk"
    ) -> None:
        self._codec = Codec(table, key_attribute)
        self._client = client
        self._codec.check_attempts(client.meta.config)

    async def verify(self) -> None:
        """Compares the deployed table with what the contract says, where that is permitted.

        Raises:
            ConfigurationError: If the table's last writer wins, it does not exist, or its key is
                another.
            StoreUnavailableError: If it cannot be reached.
        """
        try:
            answer = await self._client.describe_table(TableName=self._codec.table_name)
        except (BotoCoreError, ClientError) as error:
            self._codec.not_described(error, self._client.meta.region_name)
        else:
            self._codec.check_description(answer)

    async def call(self, request: Request) -> Reply:
        """Sends one request once.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If the table can never carry it out.
        """
        try:
            if isinstance(request, Get):
                found = await self._client.get_item(**self._codec.get(request))
                return self._codec.applied(found.get("Item"))
            if isinstance(request, Put):
                await self._client.put_item(**self._codec.put(request))
                return self._codec.written(request)
            if isinstance(request, Delete):
                await self._client.delete_item(**self._codec.delete(request))
                return self._codec.applied(None)
            changed = await self._client.update_item(**self._codec.update(request))
            return self._codec.applied(changed.get("Attributes"))
        except (BotoCoreError, ClientError) as error:
            return self._codec.failed(error)
