"""Two views of the same records, compared and brought together.

Guarantees:
    Every difference between the views, as they were read, is reported once. A run is bounded by
    the keys that it may look at and the repairs that it may make, and says where the next run
    must go on. The same run can be repeated: what was repaired differs no more.

Does not guarantee:
    That a difference is one: records that change while they are read may differ in passing. Give
    ``settled`` the time to look twice, or compare at rest. That a view in another order does no
    harm before it is refused: until then, a key that comes too late looks absent. Let ``repair``
    be a conditional write that changes only what still is as the difference says.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Protocol

from holdfast.coordination.drivers.kind import check_plain, returned_plainly
from holdfast.errors import ConfigurationError

DEFAULT_MAX_KEYS = 10_000
DEFAULT_MAX_REPAIRS = 100
Record = tuple[str, str]
"""A key, and what must be equal on both sides."""


class View(Protocol):
    """One side: a region, a table, a search index, a cache."""

    def records(self, after: str) -> Iterator[Record]:
        """Keys with what must be equal on both sides (a value, or its hash), in order of keys.

        The order is that of Python's texts, which is also that of DynamoDB's sort keys and of
        ``ORDER BY key COLLATE "C"`` in PostgreSQL. A DynamoDB scan has no order.

        Args:
            after: Only keys greater than this one.
        """
        ...


class AsyncView(Protocol):
    """The same for asyncio."""

    def records(self, after: str) -> AsyncIterator[Record]:
        """As :meth:`View.records`.

        Args:
            after: Only keys greater than this one.
        """
        ...


class Kind(StrEnum):
    """How the sides differ on one key: only one has it, or both have it and it differs."""

    ONLY_LEFT = "only left"
    ONLY_RIGHT = "only right"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference.

    Attributes:
        key: Of what.
        kind: How the sides differ.
        left: What the left side has, None if nothing.
        right: What the right side has, None if nothing.
    """

    key: str
    kind: Kind
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What one run found and did.

    Attributes:
        compared: How many keys it looked at.
        drifts: Differences that were found, in order of keys.
        repaired: Keys of those that were repaired.
        resume_after: Where the next run must begin; None if this one came to the end.
    """

    compared: int
    drifts: tuple[Drift, ...]
    repaired: tuple[str, ...]
    resume_after: str | None


def reconcile(
    left: View,
    right: View,
    *,
    repair: Callable[[Drift], bool],
    after: str = "",
    max_keys: int = DEFAULT_MAX_KEYS,
    max_repairs: int = DEFAULT_MAX_REPAIRS,
    settled: Callable[[Drift], bool] | None = None,
) -> Report:
    """Compares two views from a key on, and repairs what differs.

    Args:
        left: One side.
        right: The other.
        repair: Repairs one difference (by a conditional write) and tells whether it did. Return
            False from it always to report only.
        after: Where to begin: ``resume_after`` of the run before, or the empty text.
        max_keys: Most keys to look at.
        max_repairs: Most repairs to make: more drift than that is for a human to look at.
        settled: Looks again at a difference; False if it has gone or is still moving. None to
            take each as it was read.

    Raises:
        ConfigurationError: If a bound is not positive, a view is not in order of its keys, or a
            function is one that must be awaited.
    """
    for name, function in (("repair", repair), ("settled", settled)):
        check_plain(name, function, "reconcile_async")
    run = _Run(after, max_keys, max_repairs)
    for drift in run.drifts_of(left.records(after), right.records(after)):
        if settled is None or settled(drift):
            repaired = returned_plainly("repair", repair(drift), "reconcile_async")
            run.found(drift, repaired=repaired)
    return run.report


async def reconcile_async(
    left: AsyncView,
    right: AsyncView,
    *,
    repair: Callable[[Drift], Awaitable[bool]],
    after: str = "",
    max_keys: int = DEFAULT_MAX_KEYS,
    max_repairs: int = DEFAULT_MAX_REPAIRS,
    settled: Callable[[Drift], Awaitable[bool]] | None = None,
) -> Report:
    """As :func:`reconcile`, for asyncio. Reads what it may look at before it repairs anything.

    Args:
        left: One side.
        right: The other.
        repair: Repairs one difference (by a conditional write) and tells whether it did.
        after: Where to begin: ``resume_after`` of the run before, or the empty text.
        max_keys: Most keys to look at.
        max_repairs: Most repairs to make.
        settled: Looks again at a difference; False if it has gone or is still moving. None to
            take each as it was read.

    Raises:
        ConfigurationError: If a bound is not positive, or a view is not in order of its keys.
    """
    run = _Run(after, max_keys, max_repairs)
    # One more than may be looked at: it tells whether there is more.
    mine = await _first(left.records(after), max_keys + 1)
    theirs = await _first(right.records(after), max_keys + 1)
    for drift in run.drifts_of(mine, theirs):
        if settled is None or await settled(drift):
            run.found(drift, repaired=await repair(drift))
    return run.report


def of_mapping(records: Mapping[str, str]) -> View:
    """A view of a mapping, for views small enough to be read as a whole.

    Args:
        records: Keys with what must be equal.
    """
    return _MappingView(records)


def of_mapping_async(records: Mapping[str, str]) -> AsyncView:
    """As :func:`of_mapping`, for asyncio.

    Args:
        records: Keys with what must be equal.
    """
    return _AsyncMappingView(records)


class _MappingView:
    def __init__(self, records: Mapping[str, str]) -> None:
        self._records = records

    def records(self, after: str) -> Iterator[Record]:
        return iter(sorted((key, value) for key, value in self._records.items() if key > after))


class _AsyncMappingView:
    def __init__(self, records: Mapping[str, str]) -> None:
        self._view = _MappingView(records)

    async def records(self, after: str) -> AsyncIterator[Record]:
        for record in self._view.records(after):
            yield record


class _Run:
    """The bounds of one run, and what it has found so far."""

    def __init__(self, after: str, max_keys: int, max_repairs: int) -> None:
        for name, bound in (("max_keys", max_keys), ("max_repairs", max_repairs)):
            if bound < 1:
                raise ConfigurationError(f"{name}={bound}; it must be 1 or more.")
        self._max_keys = max_keys
        self._max_repairs = max_repairs
        self._last = after
        self._compared = 0
        self._drifts: list[Drift] = []
        self._repaired: list[str] = []
        self._resume_after: str | None = None

    @property
    def report(self) -> Report:
        """What the run has found and done."""
        drifts, repaired = tuple(self._drifts), tuple(self._repaired)
        return Report(self._compared, drifts, repaired, self._resume_after)

    def drifts_of(self, left: Iterator[Record], right: Iterator[Record]) -> Iterator[Drift]:
        """Each difference, until a bound is reached."""
        for key, one, other in _merged(left, right):
            if self._compared == self._max_keys or len(self._repaired) == self._max_repairs:
                self._resume_after = self._last
                return
            self._compared, self._last = self._compared + 1, key
            drift = _drift(key, one, other)
            if drift is not None:
                yield drift

    def found(self, drift: Drift, *, repaired: bool) -> None:
        """Takes a difference down."""
        self._drifts.append(drift)
        if repaired:
            self._repaired.append(drift.key)


async def _first(records: AsyncIterator[Record], count: int) -> Iterator[Record]:
    found: list[Record] = []
    async for record in records:
        found.append(record)
        if len(found) == count:
            break
    return iter(found)


def _drift(key: str, left: str | None, right: str | None) -> Drift | None:
    if left == right:
        return None
    if right is None:
        return Drift(key, Kind.ONLY_LEFT, left, right)
    return Drift(key, Kind.ONLY_RIGHT if left is None else Kind.DIFFERS, left, right)


def _merged(
    left: Iterator[Record], right: Iterator[Record]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Walks both sides at once, holding one record of each."""
    one, other = next(left, None), next(right, None)
    last: str | None = None
    while one is not None or other is not None:
        key = min(record[0] for record in chain([one], [other]) if record is not None)
        if last is not None and key <= last:
            raise ConfigurationError(
                f"A view gave key {key!r} after {last!r}. Views must be in the order of their keys "
                'as Python compares them (COLLATE "C" in PostgreSQL), each key once.'
            )
        last = key
        mine = one[1] if one is not None and one[0] == key else None
        theirs = other[1] if other is not None and other[0] == key else None
        yield key, mine, theirs
        if mine is not None:
            one = next(left, None)
        if theirs is not None:
            other = next(right, None)
