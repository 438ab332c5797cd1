"""A store in the memory of one process, for tests and for a single process's own locks.

Guarantees:
    All that the port asks, between the threads and tasks of one process.

Does not guarantee:
    Anything beyond the process: it is empty at every start, and shared with nobody.
"""

import threading

from holdfast.coordination.store import Get, Item, Outcome, Reply, Request, after, holds


class MemoryStore:
    """A dictionary with conditions."""

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
