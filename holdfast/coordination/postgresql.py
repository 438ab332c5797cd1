"""The stores on PostgreSQL; need ``holdfast[postgresql]``."""

from holdfast.coordination.stores.postgresql import (
    AsyncPostgreSqlStore,
    PostgreSqlStore,
)

__all__ = [
    "AsyncPostgreSqlStore",
    "PostgreSqlStore",
]
