"""Names records, a bounded piece at a time: for whoever has to find them without their keys.

Guarantees:
    A page looks at a bounded number of records, found or not, and says where the next one begins.
    What stays as it is from pass to pass is on one of the pages.

Does not guarantee:
    That everything on a page is still what was searched for, or that what was written a moment
    ago is on one already. The next pass finds it.
"""

from dataclasses import dataclass
from typing import Protocol

from holdfast.errors import ConfigurationError

DEFAULT_MAX_RECORDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which records a listing is asked for: those with a number that is not above a bound.

    Attributes:
        prefix: What their keys begin with.
        attribute: Where the number stands. Records without it are not searched for.
        at_most: The bound.
        after: Where to begin; None for the beginning.
        limit: Most records to look at.
    """

    prefix: str
    attribute: str
    at_most: int
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a listing.

    Attributes:
        keys: Records that may be among those searched for.
        resume_after: Where the next piece begins; None if this is the last.
    """

    keys: tuple[str, ...]
    resume_after: str | None


class Listing(Protocol):
    """Names records. It may name too many: who asked looks at each."""

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


def check_bound(max_records: int) -> None:
    """Refuses a run that would look at nothing.

    Args:
        max_records: Most records that it may look at.

    Raises:
        ConfigurationError: If the bound is not positive.
    """
    if max_records < 1:
        raise ConfigurationError(f"max_records={max_records}; it must be 1 or more.")
