"""Removes the records of events that were handled long ago.

A strongly consistent DynamoDB table has no time-to-live, so somebody has to.

Guarantees:
    Only a record under the prefix with a result that is older than the given age is deleted, by a
    condition in the delete itself, whatever the listing says. Leases, locks, versioned records
    and events under way are never touched: their tokens go on growing. A run is bounded and says
    where the next one goes on; it may be repeated, and several may run at once.

Does not guarantee:
    That an event whose record is gone is recognised: delivered once more, it runs again, with
    tokens from 1, which fences that saw its former ones refuse. Let ``older_than_s`` be longer
    than any queue keeps a message. That records without a result go: an event that nobody ever
    finished, such as one whose message ended in a dead-letter queue, keeps its record.

Costs:
    One conditional delete per old record. DynamoDB bills a scan for all that it reads, so sweep
    seldom.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.contract import Table
from holdfast.coordination.dynamodb import dynamodb_client
from holdfast.coordination.dynamodb_codec import Codec
from holdfast.coordination.idempotency_core import FINISHED, check_prefix
from holdfast.coordination.program import Program, run, run_async
from holdfast.coordination.store import (
    AsyncConditionalStore,
    AtMost,
    ConditionalStore,
    Delete,
    Outcome,
)
from holdfast.errors import ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import ScanInputTypeDef, ScanOutputTypeDef
    from types_aiobotocore_dynamodb.client import DynamoDBClient as AsyncDynamoDBClient

LEAST_AGE_S = 3_600
"""Least age of a record that is swept: far above what clocks of servers are off by."""
DEFAULT_MAX_RECORDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which records a listing is asked for.

    Attributes:
        prefix: What their keys begin with.
        before_s: When their events were finished at the latest, in seconds since 1970.
        after: Where to begin; None for the beginning.
        limit: Most records to look at.
    """

    prefix: str
    before_s: int
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a listing.

    Attributes:
        keys: Records that may be old enough.
        resume_after: Where the next piece begins; None if this is the last.
    """

    keys: tuple[str, ...]
    resume_after: str | None


class Listing(Protocol):
    """Names records. It may name too many: the delete decides."""

    def page(self, search: Search) -> Page:
        """Some of the records that are searched for.

        Args:
            search: Which.

        Raises:
            ConfigurationError: If they can never be listed: no such table, no permission.
            StoreUnavailableError: If they cannot be listed now.
        """
        ...


class AsyncListing(Protocol):
    """The same for asyncio."""

    async def page(self, search: Search) -> Page:
        """Some of the records that are searched for, as :meth:`Listing.page`.

        Args:
            search: Which.
        """
        ...


@dataclass(frozen=True, slots=True)
class Swept:
    """What a run did.

    Attributes:
        deleted: How many records it removed.
        kept: How many were named and kept: not old enough after all, of another kind, or the store
            did not answer.
        resume_after: Where the next run begins; None if this one came to the end.
    """

    deleted: int
    kept: int
    resume_after: str | None


def sweep_events(
    store: ConditionalStore,
    listing: Listing,
    *,
    prefix: str,
    older_than_s: int,
    after: str | None = None,
    max_records: int = DEFAULT_MAX_RECORDS,
    date_s: Callable[[], float] = time.time,
) -> Swept:
    """Deletes old records of finished events, a bounded number at a time.

    Args:
        store: Where the records live.
        listing: Names them.
        prefix: The events' own, as given to ``Once``.
        older_than_s: How long ago an event was handled at least, in seconds.
        after: ``resume_after`` of the run before, or None to begin anew.
        max_records: Most records to look at.
        date_s: The date, in seconds since 1970.

    Raises:
        ConfigurationError: If the age is less than an hour, the bound is not positive, the prefix
            cannot be one of events, or the records can never be listed.
        StoreUnavailableError: If they cannot be listed now.
    """
    search = _search(prefix, older_than_s, after, max_records, date_s)
    return run(_delete(search, listing.page(search)), store)


async def sweep_events_async(
    store: AsyncConditionalStore,
    listing: AsyncListing,
    *,
    prefix: str,
    older_than_s: int,
    after: str | None = None,
    max_records: int = DEFAULT_MAX_RECORDS,
    date_s: Callable[[], float] = time.time,
) -> Swept:
    """As :func:`sweep_events`, for asyncio.

    Args:
        store: Where the records live.
        listing: Names them.
        prefix: The events' own, as given to ``AsyncOnce``.
        older_than_s: How long ago an event was handled at least, in seconds.
        after: ``resume_after`` of the run before, or None to begin anew.
        max_records: Most records to look at.
        date_s: The date, in seconds since 1970.

    Raises:
        ConfigurationError: As :func:`sweep_events`.
        StoreUnavailableError: If the records cannot be listed now.
    """
    search = _search(prefix, older_than_s, after, max_records, date_s)
    return await run_async(_delete(search, await listing.page(search)), store)


def _search(
    prefix: str,
    older_than_s: int,
    after: str | None,
    max_records: int,
    date_s: Callable[[], float],
) -> Search:
    check_prefix(prefix)
    if older_than_s < LEAST_AGE_S:
        raise ConfigurationError(
            f"older_than_s={older_than_s} for events {prefix}; it must be {LEAST_AGE_S} or more, "
            "and longer than any queue keeps a message: an event without a record runs again."
        )
    if max_records < 1:
        raise ConfigurationError(f"max_records={max_records}; it must be 1 or more.")
    before_s = int(date_s()) - older_than_s
    return Search(prefix=f"{prefix}/", before_s=before_s, after=after, limit=max_records)


def _delete(search: Search, page: Page) -> Program[Swept]:
    deleted = 0
    for key in page.keys:
        if not key.startswith(search.prefix):
            continue
        # The date stands in the condition, so that whatever took the record's place stays.
        reply = yield Delete(key=key, when=AtMost(FINISHED, search.before_s))
        deleted += reply.outcome is Outcome.APPLIED
    return Swept(deleted, len(page.keys) - deleted, page.resume_after)


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
        """One page of the scan, as :meth:`Listing.page`.

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
            "FilterExpression": "begins_with(#key, :prefix) AND #finished <= :before",
            "ExpressionAttributeNames": {"#key": self._key, "#finished": FINISHED},
            "ExpressionAttributeValues": {
                ":prefix": {"S": search.prefix},
                ":before": {"N": str(search.before_s)},
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
            f"Table {self._codec.table_name} could not be scanned: {reason}. Sweep again later."
        )
