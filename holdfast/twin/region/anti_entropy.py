"""Replicas of strongly consistent tables look for what they have missed.

Each replica asks every other voter, about once a second, for the keys that were voted on since
it last asked, and brings those that are new to it up to date by a majority read. After a
restart it asks for everything.

Guarantees:
    A replica that can reach a majority ends up with every committed value, announced or not.

Does not guarantee:
    When. Strongly consistent calls do not wait for it.
"""

import asyncio

from holdfast.twin.region.groups import Consistency, Group, Groups
from holdfast.twin.region.peers import RefusedError, UnreachableError
from holdfast.twin.region.strong import ConflictError, NoQuorumError, StrongItems

_PERIOD_S = 1.0


class CatchUp:
    """Keeps this region's copies of strongly consistent tables from falling behind."""

    def __init__(self, region: str, groups: Groups, strong: StrongItems) -> None:
        self._region = region
        self._groups = groups
        self._strong = strong
        self._seen: dict[tuple[str, str], int] = {}
        self._task: asyncio.Task[None] | None = None
        self.is_behind = False

    def start(self) -> None:
        """Begins to look, about once a second."""
        self._task = asyncio.get_running_loop().create_task(self._forever())

    async def stop(self) -> None:
        """Ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> None:
        """Asks every voter of every table; ``is_behind`` if one could not say."""
        self.is_behind = any(group.consistency is Consistency.STRONG for group in self._groups)
        outcomes = await asyncio.gather(
            *(
                self._ask(group, peer)
                for group in self._groups
                if group.consistency is Consistency.STRONG and self._region in group.replicas
                for peer in group.voters
                if peer != self._region
            )
        )
        self.is_behind = not all(outcomes)

    async def _ask(self, group: Group, peer: str) -> bool:
        key = (group.gid, peer)
        try:
            self._seen[key] = await self._strong.catch_up(group, peer, self._seen.get(key, 0))
        except (UnreachableError, RefusedError, NoQuorumError, ConflictError):
            return False
        return True

    async def _forever(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD_S)
            await self.once()
