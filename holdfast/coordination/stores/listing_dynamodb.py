"""Names records of a DynamoDB table.

What a listing guarantees stands in :mod:`holdfast.coordination.stores.listing`.

Does not guarantee:
    Strong consistency, which would cost twice as much.

Costs:
    DynamoDB bills a scan for all that it reads, whatever it finds.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract import Table
from holdfast.coordination.stores.dynamodb import dynamodb_client
from holdfast.coordination.stores.dynamodb_codec import Codec
from holdfast.coordination.stores.listing import Page, Search
from holdfast.errors import StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import ScanInputTypeDef, ScanOutputTypeDef
    from types_aiobotocore_dynamodb.client import DynamoDBClient as AsyncDynamoDBClient


class DynamoDbListing:
    """Names the records of a DynamoDB table by scanning it. Arguments as of ``DynamoDbStore``.

    Args:
        table: The table, as the contract describes it.
        client: A boto3 client; None for one in the process's region.
        key_attribute: The table's partition key.
    """

    def __init__(
        self,
        table: Table,
        client: "DynamoDBClient | None" = None,
        *,
        key_attribute: str = "pk",
    ) -> None:
        self._scan = _Scan(table, key_attribute)
        self._client = client or dynamodb_client()

    def page(self, search: Search) -> Page:
        """One page of the scan, as ``Listing.page``.

        Args:
            search: Which records.

        Raises:
            ConfigurationError: If the table does not exist, or may not be scanned.
            StoreUnavailableError: If it cannot be scanned now.
        """
        try:
            return self._scan.page(self._client.scan(**self._scan.request(search)))
        except (BotoCoreError, ClientError) as error:
            raise self._scan.failed(error) from error


class AsyncDynamoDbListing:
    """The same for asyncio. Arguments as of ``AsyncDynamoDbStore``.

    Args:
        table: The table, as the contract describes it.
        client: An entered client, from ``async_dynamodb_client``.
        key_attribute: The table's partition key.
    """

    def __init__(
        self, table: Table, client: "AsyncDynamoDBClient", *, key_attribute: str = "pk"
    ) -> None:
        self._scan = _Scan(table, key_attribute)
        self._client = client

    async def page(self, search: Search) -> Page:
        """One page of the scan, as :meth:`DynamoDbListing.page`.

        Args:
            search: Which records.

        Raises:
            ConfigurationError: If the table does not exist, or may not be scanned.
            StoreUnavailableError: If it cannot be scanned now.
        """
        try:
            return self._scan.page(await self._client.scan(**self._scan.request(search)))
        except (BotoCoreError, ClientError) as error:
            raise self._scan.failed(error) from error


class _Scan:
    def __init__(self, table: Table, key_attribute: str) -> None:
        self._codec = Codec(table, key_attribute)
        self._key = key_attribute

    def request(self, search: Search) -> "ScanInputTypeDef":
        request: ScanInputTypeDef = {
            "TableName": self._codec.table_name,
            "Limit": search.limit,
            "ProjectionExpression": "#key",
            "FilterExpression": "begins_with(#key, :prefix) AND #number <= :bound",
            "ExpressionAttributeNames": {"#key": self._key, "#number": search.attribute},
            "ExpressionAttributeValues": {
                ":prefix": {"S": search.prefix},
                ":bound": {"N": str(search.at_most)},
            },
        }
        if search.after is not None:
            request["ExclusiveStartKey"] = {self._key: {"S": search.after}}
        return request

    def page(self, answer: "ScanOutputTypeDef") -> Page:
        keys = tuple(item[self._key].get("S", "") for item in answer["Items"])
        last = answer.get("LastEvaluatedKey", {}).get(self._key, {})
        return Page(keys, last.get("S"))

    def failed(self, error: BotoCoreError | ClientError) -> StoreUnavailableError:
        reason = self._codec.failed(error).reason
        return StoreUnavailableError(
            f"Table {self._codec.table_name} could not be scanned: {reason}. Try again later."
        )
