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

from holdfast.coordination.drivers.program import Program, run, run_async
from holdfast.coordination.records.idempotency_core import FINISHED, check_prefix
from holdfast.coordination.stores.listing import (
    DEFAULT_MAX_RECORDS,
    AsyncListing,
    Listing,
    Page,
    Search,
    check_bound,
)
from holdfast.coordination.stores.store import (
    AsyncConditionalStore,
    AtMost,
    ConditionalStore,
    Delete,
    Outcome,
)
from holdfast.errors import ConfigurationError

LEAST_AGE_S = 3_600
"""Least age of a record that is swept: far above what clocks of servers are off by."""


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
    check_bound(max_records)
    return Search(
        prefix=f"{prefix}/",
        attribute=FINISHED,
        at_most=int(date_s()) - older_than_s,
        after=after,
        limit=max_records,
    )


def _delete(search: Search, page: Page) -> Program[Swept]:
    deleted = 0
    for key in page.keys:
        if not key.startswith(search.prefix):
            continue
        # The date stands in the condition, so that whatever took the record's place stays.
        reply = yield Delete(key=key, when=AtMost(FINISHED, search.at_most))
        deleted += reply.outcome is Outcome.APPLIED
    return Swept(deleted, len(page.keys) - deleted, page.resume_after)
