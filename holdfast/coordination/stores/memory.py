"""A store in the memory of one process, for tests and for a single process's own locks.

Guarantees:
    All that the port asks, between the threads and tasks of one process.

Does not guarantee:
    Anything beyond the process: it is empty at every start, and shared with nobody.
"""

import threading

from holdfast.coordination.stores.listing import Page, Search
from holdfast.coordination.stores.store import (
    AtMost,
    Get,
    Item,
    Outcome,
    Reply,
    Request,
    after,
    holds,
)


class MemoryStore:
    """A dictionary with conditions, which lists itself."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._mutex = threading.Lock()

    def call(self, request: Request) -> Reply:
        """Carries out one request.

        Args:
            request: What to do.
        """
        with self._mutex:
            item = self._items.get(request.key)
            if isinstance(request, Get):
                return Reply(Outcome.APPLIED, item)
            if not holds(request.when, item):
                return Reply(Outcome.REFUSED, item)
            changed = after(request, item)
            if changed is None:
                self._items.pop(request.key, None)
            else:
                self._items[request.key] = changed
            return Reply(Outcome.APPLIED, changed)

    def page(self, search: Search) -> Page:
        """Records in the order of their keys, as ``Listing.page``.

        Args:
            search: Which records.
        """
        sought = AtMost(search.attribute, search.at_most)
        with self._mutex:
            rest = sorted(key for key in self._items if key > (search.after or ""))
            looked_at = rest[: search.limit]
            keys = tuple(
                key
                for key in looked_at
                if key.startswith(search.prefix) and holds(sought, self._items[key])
            )
        return Page(keys, looked_at[-1] if len(looked_at) < len(rest) else None)


class AsyncMemoryStore:
    """The same for asyncio.

    Args:
        store: The dictionary; pass one to share it with threads.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        self._store = store or MemoryStore()

    async def call(self, request: Request) -> Reply:
        """Carries out one request.

        Args:
            request: What to do.
        """
        return self._store.call(request)

    async def page(self, search: Search) -> Page:
        """Records in the order of their keys, as ``Listing.page``.

        Args:
            search: Which records.
        """
        return self._store.page(search)
