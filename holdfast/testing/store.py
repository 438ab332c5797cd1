"""Stores with the semantics of the real ones, in virtual time.

``StrongStore`` is DynamoDB with multi-Region strong consistency, ``SingleRegionStore`` a table of
one region, ``LastWriterWinsStore`` a global table with eventual consistency: conditions are
evaluated on the local copy, and of two concurrent writes the later one silently wins.
"""

from collections.abc import Callable
from typing import Protocol

from holdfast.coordination.stores.store import Get, Item, Outcome, Reply, Request, after, holds
from holdfast.errors import ConfigurationError
from holdfast.testing.world import World

Watcher = Callable[[str, Item | None, Item | None], None]
"""Called with key, old item and new item whenever a write is applied."""


class SimulatedStore(Protocol):
    """What a network can carry requests to."""

    def call(self, region: str, request: Request) -> Reply:
        """Carries out a request at this instant.

        Args:
            region: Whose endpoint it arrives at.
            request: What to do.
        """
        ...

    def lose(self, region: str) -> None:
        """Takes a region away.

        Args:
            region: Which.
        """
        ...

    def restore(self, region: str) -> None:
        """Brings a region back.

        Args:
            region: Which.
        """
        ...


class _Copy:
    """Items with conditions."""

    def __init__(self, watcher: Watcher | None) -> None:
        self.items: dict[str, Item] = {}
        self._watcher = watcher

    def call(self, request: Request) -> Reply:
        item = self.items.get(request.key)
        if isinstance(request, Get):
            return Reply(Outcome.APPLIED, item)
        if not holds(request.when, item):
            return Reply(Outcome.REFUSED, item)
        changed = after(request, item)
        self.put(request.key, changed)
        if self._watcher is not None:
            self._watcher(request.key, item, changed)
        return Reply(Outcome.APPLIED, changed)

    def put(self, key: str, item: Item | None) -> None:
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item


class StrongStore:
    """Linearizable over several regions, as long as a majority of the votes is there.

    Args:
        world: Where it lies.
        regions: Regions with a replica.
        witness: Region of a vote without a replica, if any.
        watcher: Sees every applied write.

    Raises:
        ConfigurationError: If there are not exactly three votes.
    """

    def __init__(
        self,
        world: World,
        *,
        regions: tuple[str, ...],
        witness: str | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._votes = (*regions, *((witness,) if witness else ()))
        if len(self._votes) != 3:  # noqa: PLR2004 - DynamoDB's own number
            raise ConfigurationError(
                f"A strongly consistent table has {len(self._votes)} votes "
                f"({', '.join(self._votes)}); it must have 3. Give it three regions, or two and a "
                "witness."
            )
        self._world = world
        self._regions = regions
        self._copy = _Copy(watcher)
        self._lost: set[str] = set()
        self.conflicts = 0.0
        """Share of writes that end in conflict with another region, 0 to 1."""

    def call(self, region: str, request: Request) -> Reply:
        """Carries out a request at this instant.

        Args:
            region: Whose endpoint it arrives at.
            request: What to do.
        """
        if region not in self._regions or region in self._lost:
            return Reply(Outcome.UNKNOWN, reason=f"no answer from {region}")
        if 2 * len(self._lost) > len(self._votes):
            return Reply(Outcome.UNKNOWN, reason="no quorum")
        if (
            self.conflicts
            and not isinstance(request, Get)
            and self._world.random.random() < self.conflicts
        ):
            return Reply(Outcome.RETRY, reason="ReplicatedWriteConflictException")
        return self._copy.call(request)

    def lose(self, region: str) -> None:
        """Takes a region away, vote and replica.

        Args:
            region: Which.
        """
        self._lost.add(region)

    def restore(self, region: str) -> None:
        """Brings a region back, with all that was written meanwhile.

        Args:
            region: Which.
        """
        self._lost.discard(region)

    def item(self, key: str) -> Item | None:
        """An item as it is, for tests; no request.

        Args:
            key: Which.
        """
        return self._copy.items.get(key)


class SingleRegionStore:
    """Linearizable, in one region that everybody calls and that can be lost.

    Args:
        region: Which.
        watcher: Sees every applied write.
    """

    def __init__(self, region: str, *, watcher: Watcher | None = None) -> None:
        self._region = region
        self._copy = _Copy(watcher)
        self._lost = False

    def call(self, region: str, request: Request) -> Reply:
        """Carries out a request at this instant.

        Args:
            region: Region of the caller; the request is carried out in the store's own.
            request: What to do.
        """
        if self._lost:
            return Reply(Outcome.UNKNOWN, reason=f"no answer from {self._region} to {region}")
        return self._copy.call(request)

    def lose(self, region: str) -> None:
        """Takes a region away.

        Args:
            region: Which; another than the store's own changes nothing.
        """
        self._lost = self._lost or region == self._region

    def restore(self, region: str) -> None:
        """Brings a region back.

        Args:
            region: Which.
        """
        self._lost = self._lost and region != self._region

    def item(self, key: str) -> Item | None:
        """An item as it is, for tests; no request.

        Args:
            key: Which.
        """
        return self._copy.items.get(key)


class LastWriterWinsStore:
    """A copy per region; writes reach the others later, and the latest overwrites the rest.

    Args:
        world: Where it lies.
        regions: Regions with a copy.
        lag_ms: How long a write takes to the others.
        watcher: Sees every write that is applied where it arrives.
    """

    def __init__(
        self,
        world: World,
        *,
        regions: tuple[str, ...],
        lag_ms: int = 500,
        watcher: Watcher | None = None,
    ) -> None:
        self._world = world
        self._copies = {region: _Copy(watcher) for region in regions}
        self._written: dict[tuple[str, str], tuple[int, str]] = {}
        self._lag_ms = lag_ms
        self._lost: set[str] = set()

    def call(self, region: str, request: Request) -> Reply:
        """Carries out a request on the copy of one region.

        Args:
            region: Which copy.
            request: What to do.
        """
        if region in self._lost:
            return Reply(Outcome.UNKNOWN, reason=f"no answer from {region}")
        reply = self._copies[region].call(request)
        if reply.outcome is Outcome.APPLIED and not isinstance(request, Get):
            version = (self._world.now_ms, region)
            self._written[region, request.key] = version
            for other in self._copies:
                if other != region:
                    self._replicate(other, request.key, reply.item, version)
        return reply

    def lose(self, region: str) -> None:
        """Takes a region away; what is on its way there arrives when it is back.

        Args:
            region: Which.
        """
        self._lost.add(region)

    def restore(self, region: str) -> None:
        """Brings a region back.

        Args:
            region: Which.
        """
        self._lost.discard(region)

    def item(self, key: str) -> Item | None:
        """An item as the region with the latest write has it, for tests; no request.

        Args:
            key: Which.
        """
        latest = max(
            self._copies, key=lambda region: self._written.get((region, key), (-1, region))
        )
        return self._copies[latest].items.get(key)

    def _replicate(
        self, region: str, key: str, item: Item | None, version: tuple[int, str]
    ) -> None:
        def arrive() -> None:
            if region in self._lost:
                self._replicate(region, key, item, version)
            elif self._written.get((region, key), (-1, "")) < version:
                self._written[region, key] = version
                self._copies[region].put(key, item)

        self._world.after(self._lag_ms, arrive)
