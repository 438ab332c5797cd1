"""Records that several writers change by what is there: compare-and-swap with a schema.

Guarantees:
    Each ``update`` that returns has been applied exactly once, and returns what was stored; a lost
    reply is recognised by its nonce and not repeated. A record written by a newer schema is
    refused rather than misread, so two releases can share a store.

Does not guarantee:
    Fairness: under contention some writers lose until their attempts run out (``ConflictError``).
    An answer: after lost replies *and* more than 16 changes by others it is unknown whether an
    update was applied (``StoreUnavailableError``).

Costs:
    One read and one write per update without rivals.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from holdfast.coordination.drivers.program import run, run_async
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.records.versioned_core import Retry, Schema, VersionedCore
from holdfast.coordination.stores.store import AsyncConditionalStore, ConditionalStore

T = TypeVar("T")


class VersionedState(Generic[T]):
    """Records of one kind, for threads.

    Args:
        store: Where they live.
        schema: How values are written down.
        retry: How often a change is tried.
    """

    def __init__(
        self, *, store: ConditionalStore, schema: Schema[T], retry: Retry | None = None
    ) -> None:
        self._store = store
        self._core = VersionedCore(schema=schema, retry=retry)

    def read(self, key: str) -> T | None:
        """A record's value, or None if there is none.

        Args:
            key: Which record.

        Raises:
            StoreUnavailableError: If it cannot be read.
            ConfigurationError: If its schema is unknown.
        """
        return run(self._core.read(key), self._store)

    def update(self, key: str, change: Callable[[T | None], T], *, fence: Fence | None = None) -> T:
        """Changes a record by what is there, once, and returns the new value.

        Args:
            key: Which record.
            change: Makes the new value of the old one (None if there is none). May be called
                several times, and any of its results may be the one that is stored, an earlier
                one too where a request came late: only what this method returns counts.
            fence: The caller's token, if it acts under a lease.

        Raises:
            ConflictError: If others kept changing it first.
            LeaseLostError: If a later holder has written to it.
            StoreUnavailableError: If the store put it off every time, or it is unknown whether
                the change was applied. The message says which.
            ConfigurationError: If the record's schema is unknown.
        """
        return run(self._core.update(key, change, fence), self._store)


class AsyncVersionedState(Generic[T]):
    """Records of one kind, for asyncio. Arguments and errors as of :class:`VersionedState`.

    Args:
        store: Where they live.
        schema: How values are written down.
        retry: How often a change is tried.
    """

    def __init__(
        self, *, store: AsyncConditionalStore, schema: Schema[T], retry: Retry | None = None
    ) -> None:
        self._store = store
        self._core = VersionedCore(schema=schema, retry=retry)

    async def read(self, key: str) -> T | None:
        """A record's value, or None if there is none.

        Args:
            key: Which record.

        Raises:
            StoreUnavailableError: If it cannot be read.
            ConfigurationError: If its schema is unknown.
        """
        return await run_async(self._core.read(key), self._store)

    async def update(
        self, key: str, change: Callable[[T | None], T], *, fence: Fence | None = None
    ) -> T:
        """Changes a record by what is there, once, and returns the new value.

        Args:
            key: Which record.
            change: Makes the new value of the old one (None if there is none).
            fence: The caller's token, if it acts under a lease.

        Raises:
            ConflictError: If others kept changing it first.
            LeaseLostError: If a later holder has written to it.
            StoreUnavailableError: If the store put it off every time, or it is unknown whether
                the change was applied. The message says which.
            ConfigurationError: If the record's schema is unknown.
        """
        return await run_async(self._core.update(key, change, fence), self._store)
