"""What tests of coordination put in place of time and stores."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from holdfast.coordination import AsyncConditionalStore, Reply, Request

T = TypeVar("T")


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

    def __init__(self, opened: AbstractAsyncContextManager[AsyncConditionalStore]) -> None:
        self._opened = opened
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._store: AsyncConditionalStore | None = None

    def call(self, request: Request) -> Reply:
        assert self._store is not None
        return self._run(self._store.call(request))

    def __enter__(self) -> Self:
        self._thread.start()
        self._store = self._run(self._opened.__aenter__())
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._run(self._opened.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(60)
