"""Listings of a table of PostgreSQL; need ``holdfast[postgresql]``."""

from holdfast.coordination.stores.listing_postgresql import (
    AsyncPostgreSqlListing,
    PostgreSqlListing,
)

__all__ = [
    "AsyncPostgreSqlListing",
    "PostgreSqlListing",
]
