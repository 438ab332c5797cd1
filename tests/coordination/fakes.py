"""What tests of coordination put in place of time and stores."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from holdfast.coordination import AsyncConditionalStore, Reply, Request


class ManualClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self._now_ms = 0

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        self._now_ms += by_ms


class FromThreads:
    """An asyncio store that threads can call: one event loop on a thread of its own."""

    def __init__(self, store: AsyncConditionalStore) -> None:
        self._store = store
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def call(self, request: Request) -> Reply:
        return asyncio.run_coroutine_threadsafe(self._store.call(request), self._loop).result(60)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
