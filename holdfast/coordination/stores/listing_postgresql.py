"""Names records of a PostgreSQL table. Needs ``holdfast[postgresql]``.

What a listing guarantees stands in :mod:`holdfast.coordination.stores.listing`.
"""

# The statement is made of the table's name, which is checked to need no quoting, and of words.
# ruff: noqa: S608

import json

from holdfast.coordination.stores.listing import Page, Search
from holdfast.coordination.stores.postgresql import DEFAULT_TABLE
from holdfast.coordination.stores.postgresql_codec import PostgreSqlCodec, Statement
from holdfast.coordination.stores.postgresql_line import Answer, Line, ServerError
from holdfast.coordination.stores.store import Reply
from holdfast.errors import StoreUnavailableError

DEFAULT_TIMEOUT_MS = 10_000
"""Longer than a store's: whoever lists holds no lease that waits for it."""


class PostgreSqlListing:
    """Names the records of a PostgreSQL table, on a connection of its own.

    Args:
        connection: libpq connection string or URI.
        table: Name of the table.
        timeout_ms: Longest wait for a connection, and for an answer.

    Raises:
        ConfigurationError: If the connection string, the name or the number cannot be.
    """

    def __init__(
        self,
        connection: str,
        *,
        table: str = DEFAULT_TABLE,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
    ) -> None:
        self._codec = PostgreSqlCodec(table)
        self._line = Line(connection, timeout_ms, max_connections=1)

    def page(self, search: Search) -> Page:
        """Records in the order of their keys, as ``Listing.page``.

        Args:
            search: Which records.

        Raises:
            ConfigurationError: If the table does not exist, or may not be read.
            StoreUnavailableError: If it cannot be read now.
        """
        return _page(self._codec, self._line.exchange(_statement(self._codec, search)), search)

    def close(self) -> None:
        """Closes the connection. The listing opens a new one when it is used."""
        self._line.close()


class AsyncPostgreSqlListing:
    """The same for asyncio. Arguments as of :class:`PostgreSqlListing`.

    Args:
        connection: libpq connection string or URI.
        table: Name of the table.
        timeout_ms: Longest wait for a connection, and for an answer.
    """

    def __init__(
        self,
        connection: str,
        *,
        table: str = DEFAULT_TABLE,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
    ) -> None:
        self._codec = PostgreSqlCodec(table)
        self._line = Line(connection, timeout_ms, max_connections=1)

    async def page(self, search: Search) -> Page:
        """Records in the order of their keys, as :meth:`PostgreSqlListing.page`.

        Args:
            search: Which records.

        Raises:
            ConfigurationError: If the table does not exist, or may not be read.
            StoreUnavailableError: If it cannot be read now.
        """
        answer = await self._line.exchange_async(_statement(self._codec, search))
        return _page(self._codec, answer, search)

    def close(self) -> None:
        """Closes the connection."""
        self._line.close()


def _statement(codec: PostgreSqlCodec, search: Search) -> Statement:
    # The bound counts every row that is looked at, so that a page costs the same wherever the
    # records lie. No order of keys puts those with one prefix side by side in every collation.
    sql = (
        "SELECT count(*), max(key), coalesce(json_agg(key) FILTER (WHERE CASE "
        "WHEN starts_with(key, $1::text) AND jsonb_typeof(item -> $2::text) = 'number' "
        "THEN (item -> $2::text)::numeric <= $3::numeric ELSE false END), '[]') "
        f"FROM (SELECT key, item FROM {codec.table_name} WHERE key > $4::text "
        "ORDER BY key LIMIT $5::bigint) looked_at"
    )
    after, limit = search.after or "", str(search.limit)
    values = (search.prefix, search.attribute, str(search.at_most), after, limit)
    return Statement(sql.encode(), tuple(value.encode() for value in values))


def _page(codec: PostgreSqlCodec, answer: Answer, search: Search) -> Page:
    if isinstance(answer, ServerError):
        answer = codec.failed(answer.sqlstate, answer.message)
    if isinstance(answer, Reply):
        raise StoreUnavailableError(
            f"Table {codec.table_name} could not be listed: {answer.reason}. Try again later."
        )
    count, last, keys = answer.row or (None, None, None)
    looked_at = int(count or b"0")
    resume_after = last.decode() if last and looked_at == search.limit else None
    return Page(tuple(json.loads(keys or b"[]")), resume_after)
