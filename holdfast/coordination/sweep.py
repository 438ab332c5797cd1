"""Removes the records of events that were handled long ago.

A strongly consistent DynamoDB table has no time-to-live, so somebody has to.

Guarantees:
    Only a record with a result that is older than the given age is deleted, by a condition in the
    delete itself, whatever the listing says. Leases, locks, versioned records and events under
    way are never touched: their tokens go on growing. A run is bounded and says where the next
    one goes on; it may be repeated, and several may run at once.

Does not guarantee:
    That an event whose record is gone is recognised: delivered once more, it runs again, with
    tokens from 1, which fences that saw its former ones refuse. Let ``older_than_s`` be longer
    than any queue keeps a message. That records written before there was a date are removed.

Costs:
    One conditional delete per old record. DynamoDB bills a scan for all that it reads, so sweep
    seldom.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from holdfast.coordination.idempotency_core import FINISHED
from holdfast.coordination.store import AtMost, ConditionalStore, Delete, Outcome
from holdfast.errors import ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import ScanInputTypeDef

LEAST_AGE_S = 3_600
"""Least age of a record that is swept: far above what clocks of servers are off by."""


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

    def page(self, *, prefix: str, before_s: int, after: str | None, limit: int) -> Page:
        """Records of finished events.

        Args:
            prefix: What their keys begin with.
            before_s: When they were finished at the latest, in seconds since 1970.
            after: Where to begin; None for the beginning.
            limit: Most records to look at.
        """
        ...


@dataclass(frozen=True, slots=True)
class Swept:
    """What a run did.

    Attributes:
        deleted: How many records it removed.
        kept: How many were named and kept: not old enough after all, or the store did not answer.
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
    max_records: int = 1_000,
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
        ConfigurationError: If the age is less than an hour, or the bound is not positive.
        StoreUnavailableError: If the records cannot be listed.
    """
    if older_than_s < LEAST_AGE_S:
        raise ConfigurationError(
            f"older_than_s={older_than_s} for events {prefix}; it must be {LEAST_AGE_S} or more, "
            "and longer than any queue keeps a message: an event without a record runs again."
        )
    if max_records < 1:
        raise ConfigurationError(f"max_records={max_records}; it must be 1 or more.")
    before_s = int(date_s()) - older_than_s
    page = listing.page(prefix=f"{prefix}/", before_s=before_s, after=after, limit=max_records)
    deleted = 0
    for key in page.keys:
        # The date stands in the condition, so that whatever took the record's place stays.
        reply = store.call(Delete(key=key, when=AtMost(FINISHED, before_s)))
        deleted += reply.outcome is Outcome.APPLIED
    return Swept(deleted, len(page.keys) - deleted, page.resume_after)


class DynamoDbListing:
    """Names the records of a DynamoDB table by scanning it.

    Args:
        client: A boto3 client.
        table_name: Physical name of the table.
        key_attribute: Its partition key.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, *, key_attribute: str = "pk"
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._key = key_attribute

    def page(self, *, prefix: str, before_s: int, after: str | None, limit: int) -> Page:
        """One page of the scan, as :meth:`Listing.page`.

        Args:
            prefix: What their keys begin with.
            before_s: When they were finished at the latest, in seconds since 1970.
            after: Where to begin; None for the beginning.
            limit: Most records to look at.

        Raises:
            StoreUnavailableError: If the table cannot be scanned.
        """
        request: ScanInputTypeDef = {
            "TableName": self._table_name,
            "Limit": limit,
            "ProjectionExpression": "#key",
            "FilterExpression": "begins_with(#key, :prefix) AND #finished <= :before",
            "ExpressionAttributeNames": {"#key": self._key, "#finished": FINISHED},
            "ExpressionAttributeValues": {
                ":prefix": {"S": prefix},
                ":before": {"N": str(before_s)},
            },
        }
        if after is not None:
            request["ExclusiveStartKey"] = {self._key: {"S": after}}
        try:
            found = self._client.scan(**request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailableError(
                f"Table {self._table_name} could not be scanned: {error}. Sweep again later, with "
                "permission for dynamodb:Scan."
            ) from error
        keys = tuple(item[self._key].get("S", "") for item in found["Items"])
        last = found.get("LastEvaluatedKey", {}).get(self._key, {})
        return Page(keys, last.get("S"))
