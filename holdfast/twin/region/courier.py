"""What this region owes its peers, sent with a lag until they have it.

Guarantees:
    What was queued is offered again until the peer takes it or refuses it for good, over
    cuts, crashes and restarts of either side, oldest first for each peer.

Does not guarantee:
    That it arrives once: the receiver must be indifferent to repeats.
"""

import asyncio
import json
import time
from collections.abc import Callable
from itertools import groupby

from holdfast.twin.region.peers import Fields, Links, RefusedError, UnreachableError
from holdfast.twin.region.store import Parcel, Store

_BATCH = 64
_BATCH_BYTES = 4 * 1024 * 1024
_RETRY_S = 0.25
_IDLE_S = 1.0
_TIMEOUT_S = 3.0


class Courier:
    """Delivers the outbox.

    Args:
        store: Holds the outbox.
        links: Lead to the peers.
        peers: Whom to deliver to.
        lag_ms: How long a parcel waits before it is first sent.
        on_delivered: Told of each parcel that a peer took, or refused for good.
    """

    def __init__(
        self,
        store: Store,
        links: Links,
        peers: tuple[str, ...],
        lag_ms: int,
        on_delivered: Callable[[Fields, bool], None],
    ) -> None:
        self.lag_ms = lag_ms
        self._store = store
        self._links = links
        self._on_delivered = on_delivered
        self._wake = {peer: asyncio.Event() for peer in peers}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to deliver."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._deliver(peer)) for peer in self._wake]

    async def stop(self) -> None:
        """Ends; what is not delivered stays queued."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def enqueue(self, peer: str, resource: str, slot: str, body: dict[str, object]) -> None:
        """Queues something for a peer; see ``Store.enqueue``."""
        text = json.dumps(body, separators=(",", ":"))
        self._store.enqueue(peer, resource, slot, text, _now_ms())
        if peer in self._wake:
            self._wake[peer].set()

    def wake(self) -> None:
        """Looks again at once, as after a change of the lag or the end of a cut."""
        for event in self._wake.values():
            event.set()

    def oldest_ms(self, since_ms: int) -> int:
        """Age of something that was queued at ``since_ms``, in milliseconds."""
        return max(0, _now_ms() - since_ms)

    async def _deliver(self, peer: str) -> None:
        wake = self._wake[peer]
        while True:
            wake.clear()
            oldest_ms = self._store.next_due_ms(peer)
            if oldest_ms is None:
                await _wait(wake, _IDLE_S)
                continue
            wait_ms = oldest_ms + self.lag_ms - _now_ms()
            if wait_ms > 0:
                await _wait(wake, wait_ms / 1000)
            elif not await self._send_due(peer):
                await asyncio.sleep(_RETRY_S)

    async def _send_due(self, peer: str) -> bool:
        due = self._store.due(peer, _now_ms() - self.lag_ms, _BATCH)
        for resource, batch in groupby(due, key=lambda parcel: parcel.resource):
            parcels = _within_limit(list(batch))
            bodies = [json.loads(parcel.body) for parcel in parcels]
            try:
                reply = await self._links.request(
                    peer,
                    "replicate",
                    {"parcels": bodies},
                    resource=resource,
                    timeout_s=_TIMEOUT_S,
                )
            except (UnreachableError, RefusedError):
                return False
            self._store.delivered(parcels)
            for number, body in enumerate(bodies):
                self._on_delivered(body, number in reply["refused"])
        return True


def _within_limit(parcels: list[Parcel]) -> list[Parcel]:
    """The first parcels that fit one message; at least one."""
    total = 0
    for number, parcel in enumerate(parcels):
        total += len(parcel.body)
        if number and total > _BATCH_BYTES:
            return parcels[:number]
    return parcels


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
