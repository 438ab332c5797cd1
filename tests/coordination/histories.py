"""Histories of threads that use one item at the same time, for the judge of histories."""

import threading
import time

from holdfast.coordination.stores.store import (
    Always,
    AtMost,
    ConditionalStore,
    Delete,
    Equals,
    Get,
    Item,
    Put,
    Request,
    Update,
    number,
)
from holdfast.testing import Operation


def record(store: ConditionalStore, key: str, threads: int, calls: int) -> list[Operation]:
    """A history of threads that compare and swap, add, read and delete at the same time."""
    operations: list[Operation] = []

    def act(name: int) -> None:
        known: Item | None = None
        for turn in range(calls):
            requests: list[Request] = [
                Get(key),
                Update(key=key, when=Always(), add={"n": 1}),
                Put(key=key, when=AtMost("n", number(known, "n")), item={"n": 0, "by": name}),
                Update(key=key, when=Equals("by", name), assign={"by": name + 100}),
                Delete(key=key, when=AtMost("n", 0)),
            ]
            request = requests[(turn * 7 + name * 3) % len(requests)]
            called = time.monotonic()
            reply = store.call(request)
            operations.append(Operation(str(name), called, time.monotonic(), request, reply))
            known = reply.item

    workers = [threading.Thread(target=act, args=(name,)) for name in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return operations
