"""Home-region mode: leases in one region's table, and an audited move to another's.

Use it only where there is no strongly consistent table over several regions: with one, nothing
needs to be declared and nobody needs to be woken. A process that may lead wherever home is stands
for one election per region, each through the :class:`HomeStore` of that region's table; only the
one at home can win. Guarantees as of :mod:`holdfast.coordination.home.home_core`.

Does not guarantee:
    That anything but leases moves: versioned records and the results of events stay behind in the
    old table. Keep those where the application's data is. That one leads at a time, if a process
    has a longer lease, or a greater ``max_age_ms``, than :func:`move_home` was told of.

Costs:
    One read per process, table and ``max_age_ms``. A move takes ``max_age_ms`` and the longest
    lease, and 5 % of both for clocks that differ, during which nobody can acquire or renew. A
    process of the new home learns of it up to ``max_age_ms`` later, one that starts learns at once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.program import run, run_async
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.home.home_core import Home, HomeCore, longest_ms, plan_move, read_home
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.store import (
    AsyncConditionalStore,
    ConditionalStore,
    Reply,
    Request,
)
from holdfast.errors import CoordinationError, StoreUnavailableError

DEFAULT_MAX_AGE_MS = 10_000


class HomeStore:
    """A store for leases that works only while its region is the declared home.

    Args:
        store: The table of one region.
        region: Which.
        max_age_ms: How old the declaration that a request relies on may be; the same in all
            processes and in :func:`move_home`.
        clock: What the age is counted on.

    Raises:
        ConfigurationError: If the age is not positive.
    """

    def __init__(
        self,
        store: ConditionalStore,
        *,
        region: str,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._core = HomeCore(region=region, max_age_ms=max_age_ms, clock=clock or SystemClock())

    def call(self, request: Request) -> Reply:
        """Sends one request once, if this region is home; ``RETRY`` if it is not.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If no home was ever declared, or the key is ``home`` or begins with
                ``home/``: those are kept for the declaration and the record of its moves.
        """
        return run(self._core.call(request), self._store)


class AsyncHomeStore:
    """The same for asyncio. Arguments as of :class:`HomeStore`.

    Args:
        store: The table of one region.
        region: Which.
        max_age_ms: How old the declaration that a request relies on may be.
        clock: What the age is counted on.
    """

    def __init__(
        self,
        store: AsyncConditionalStore,
        *,
        region: str,
        max_age_ms: int = DEFAULT_MAX_AGE_MS,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._core = HomeCore(region=region, max_age_ms=max_age_ms, clock=clock or SystemClock())

    async def call(self, request: Request) -> Reply:
        """Sends one request once, if this region is home; ``RETRY`` if it is not.

        Args:
            request: What to do.

        Raises:
            ConfigurationError: If no home was ever declared, or the key is ``home`` or begins with
                ``home/``: those are kept for the declaration and the record of its moves.
        """
        return await run_async(self._core.call(request), self._store)


def move_home(
    stores: Mapping[str, ConditionalStore],
    *,
    to: str,
    by: str,
    reason: str,
    timing: LeaseTiming | None = None,
    max_age_ms: int = DEFAULT_MAX_AGE_MS,
    abandon: bool = False,
) -> Home:
    """Moves the home of a group of regions, or declares the first one.

    A move that failed half-way is completed by repeating it. Repeat it too, with the same ``to``,
    once a region that was abandoned answers again: that is what tells it.

    Args:
        stores: The tables themselves, by region; all regions that can be home.
        to: The new home.
        by: Who moves it.
        reason: Why.
        timing: The longest lease in use.
        max_age_ms: The greatest age that a :class:`HomeStore` was given.
        abandon: Whether to go on without one region that does not answer.

    Returns:
        What was declared.

    Raises:
        ConfigurationError: If ``to`` is no region of the group, or is home already, or ``by`` or
            ``reason`` says nothing.
        StoreUnavailableError: If a region that must confirm does not answer.
        ConditionFailedError: If somebody else moved it at the same time.
    """
    declared: dict[str, Home | CoordinationError | None] = {}
    for region, store in stores.items():
        try:
            declared[region] = run(read_home(), store)
        except StoreUnavailableError as error:
            declared[region] = error
    move = plan_move(
        declared,
        to=to,
        by=by,
        reason=reason,
        at=_now(),
        wait_ms=_wait_ms(timing, max_age_ms),
        abandon=abandon,
        nonce=random_nonce(),
    )
    anywhere = stores[to]
    for where, step in move.steps:
        run(step, anywhere if where is None else stores[where])
    return move.home


async def move_home_async(
    stores: Mapping[str, AsyncConditionalStore],
    *,
    to: str,
    by: str,
    reason: str,
    timing: LeaseTiming | None = None,
    max_age_ms: int = DEFAULT_MAX_AGE_MS,
    abandon: bool = False,
) -> Home:
    """As :func:`move_home`, for asyncio.

    Args:
        stores: The tables themselves, by region.
        to: The new home.
        by: Who moves it.
        reason: Why.
        timing: The longest lease in use.
        max_age_ms: The greatest age that a store was given.
        abandon: Whether to go on without one region that does not answer.
    """
    declared: dict[str, Home | CoordinationError | None] = {}
    for region, store in stores.items():
        try:
            declared[region] = await run_async(read_home(), store)
        except StoreUnavailableError as error:
            declared[region] = error
    move = plan_move(
        declared,
        to=to,
        by=by,
        reason=reason,
        at=_now(),
        wait_ms=_wait_ms(timing, max_age_ms),
        abandon=abandon,
        nonce=random_nonce(),
    )
    anywhere = stores[to]
    for where, step in move.steps:
        await run_async(step, anywhere if where is None else stores[where])
    return move.home


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _wait_ms(timing: LeaseTiming | None, max_age_ms: int) -> int:
    return longest_ms(lease_ms=(timing or LeaseTiming()).lease_ms, max_age_ms=max_age_ms)
