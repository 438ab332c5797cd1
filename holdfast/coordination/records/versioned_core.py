"""Compare-and-swap on one record: the protocol, for threads, tasks and the simulator alike.

The record's item: ``version`` (raised by one with every change), ``nonce`` (of the last change),
``recent`` (nonces of the changes before), ``schema``, ``body``, and ``pending`` where something is.

What it guarantees stands in :mod:`holdfast.coordination.records.versioned`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from holdfast.coordination.drivers.kind import returned_plainly
from holdfast.coordination.drivers.program import Pause, Program
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.store import (
    Absent,
    Condition,
    Equals,
    Get,
    Item,
    Outcome,
    Reply,
    Update,
    number,
    text,
)
from holdfast.errors import (
    ConfigurationError,
    ConflictError,
    CoordinationError,
    LeaseLostError,
    StoreUnavailableError,
)

REMEMBERED = 16
"""Changes whose nonces a record remembers."""
PENDING = "pending"
"""Attribute by which a listing finds the records that something is still to be done for."""
BEFORE = "in it what was awaited before the update"
"""What a change does in place of waiting, which is called again when a rival was faster."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Schema(Generic[T]):
    """How a value is written down, and how older writings are brought up to date.

    Attributes:
        version: Of what ``encode`` writes; 1 or more.
        encode: Value to text.
        decode: Text of this version to value.
        upgraders: By older version, text of that version to text of the next one.
        pending: How much is still to be done for a value, which is written beside it while it is
            above 0. None to write nothing.

    Raises:
        ConfigurationError: If the version is not positive or an upgrader is missing.
    """

    version: int
    encode: Callable[[T], str]
    decode: Callable[[str], T]
    upgraders: Mapping[int, Callable[[str], str]] = field(
        default_factory=dict[int, Callable[[str], str]]
    )
    pending: Callable[[T], int] | None = None

    def __post_init__(self) -> None:
        if self.version < 1:
            raise ConfigurationError(f"version={self.version} of a schema; it must be 1 or more.")
        expected = set(range(min(self.upgraders, default=self.version), self.version))
        if set(self.upgraders) != expected:
            raise ConfigurationError(
                f"A schema of version {self.version} has upgraders from "
                f"{sorted(self.upgraders)}; it must have {sorted(expected)}, without a gap and "
                "none from its own version or later."
            )

    def read(self, key: str, item: Item) -> T:
        """The value of a record.

        Args:
            key: Key of the record, for the error.
            item: Its item.

        Raises:
            ConfigurationError: If it was written by a newer schema, or one too old to upgrade.
        """
        found, body = number(item, "schema"), text(item, "body")
        if body is None or found > self.version or (found < self.version and not self._from(found)):
            oldest = min(self.upgraders, default=self.version)
            raise ConfigurationError(
                f"Record {key} has schema {found}; this program understands {oldest} to "
                f"{self.version}. Run a release that knows {found}; do not let an older one write "
                "to it."
            )
        for version in range(found, self.version):
            body = self.upgraders[version](body)
        return self.decode(body)

    def write(self, value: T) -> Item:
        """The attributes of a value.

        Args:
            value: The value.
        """
        pending = 0 if self.pending is None else self.pending(value)
        noted: Item = {PENDING: pending} if pending else {}
        return {"schema": self.version, "body": self.encode(value), **noted}

    def _from(self, version: int) -> bool:
        return version in self.upgraders


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a change is tried, and how long the pauses between are.

    Attributes:
        attempts: Most writes to try.
        first_ms: Longest first pause; the longest doubles with every attempt. The pause itself
            is drawn between nothing and that, so that rivals spread.
        most_ms: Longest pause of all.

    Raises:
        ConfigurationError: If a value is not positive.
    """

    attempts: int = 10
    first_ms: int = 20
    most_ms: int = 1_000

    def __post_init__(self) -> None:
        for name in ("attempts", "first_ms", "most_ms"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name}={getattr(self, name)}; it must be 1 or more.")


class VersionedCore(Generic[T]):
    """One kind of record. Its methods are programs.

    Args:
        schema: How values are written down.
        retry: How often a change is tried.
        new_nonce: Source of strings that never repeat.
        draw: Source of numbers from 0 to 1, for pauses.
    """

    def __init__(
        self,
        *,
        schema: Schema[T],
        retry: Retry | None = None,
        new_nonce: Callable[[], str] = random_nonce,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._schema = schema
        self._retry = retry or Retry()
        self._new_nonce = new_nonce
        self._draw = draw

    def read(self, key: str) -> Program[T | None]:
        """The record's value, or None if there is none.

        Args:
            key: Which record.

        Raises:
            StoreUnavailableError: If it cannot be read.
            ConfigurationError: If its schema is unknown.
        """
        item = yield from self._look(key)
        return None if item is None else self._schema.read(key, item)

    def update(self, key: str, change: Callable[[T | None], T], fence: Fence | None) -> Program[T]:
        """Changes the record by what is there, once.

        Args:
            key: Which record.
            change: Makes the new value of the old one. May be called several times, and any of
                its results may be the one that is stored: only what this returns counts.
            fence: The caller's token, if it acts under a lease.

        Raises:
            ConflictError: If others kept changing it first.
            LeaseLostError: If a later holder has written to it.
            StoreUnavailableError: If the store put it off every time, or it is unknown whether
                the change was applied. The message says which.
            ConfigurationError: If the record's schema is unknown, or ``change`` returns something
                to await.
        """
        item = yield from self._look(key)
        mine: dict[str, T] = {}
        unsure_since: int | None = None
        reply = Reply(Outcome.UNKNOWN)
        for attempt in range(self._retry.attempts):
            value = returned_plainly(
                f"The change to record {key}",
                change(None if item is None else self._schema.read(key, item)),
                BEFORE,
            )
            nonce = self._new_nonce()
            mine[nonce] = value
            reply = yield self._write(key, item, nonce, value, fence)
            if reply.outcome is Outcome.APPLIED:
                return value
            if reply.outcome is Outcome.UNKNOWN and unsure_since is None:
                unsure_since = number(item, "version")
            if reply.outcome is Outcome.REFUSED:
                item = reply.item
            else:
                yield self._pause(attempt)
                item = yield from self._look(key)
            # A write whose reply was lost, or that arrived twice, is among the latest changes.
            for applied in _nonces(item):
                if applied in mine:
                    return mine[applied]
            if unsure_since is not None and number(item, "version") - unsure_since > REMEMBERED:
                break
            if fence is not None and number(item, fence.attribute) > fence.token:
                raise LeaseLostError(
                    f"Record {key} has been written with token {number(item, fence.attribute)}; "
                    f"this writer's is {fence.token}, of an earlier term. Stop its work."
                )
            if reply.outcome is Outcome.REFUSED:
                yield self._pause(attempt)
        raise self._gave_up(key, unsure_since, number(item, "version"), reply)

    def _look(self, key: str) -> Program[Item | None]:
        reply = Reply(Outcome.UNKNOWN)
        for attempt in range(self._retry.attempts):
            reply = yield Get(key)
            if reply.outcome is Outcome.APPLIED:
                return reply.item
            yield self._pause(attempt)
        raise StoreUnavailableError(
            f"Record {key} could not be read in {self._retry.attempts} attempts: {reply.reason}. "
            "A change that was under way may or may not have been applied."
        )

    def _write(
        self, key: str, item: Item | None, nonce: str, value: T, fence: Fence | None
    ) -> Update:
        known = text(item, "nonce")
        when: Condition = Absent("nonce") if known is None else Equals("nonce", known)
        written = self._schema.write(value)
        request = Update(
            key=key,
            when=when,
            assign={
                "version": number(item, "version") + 1,
                "nonce": nonce,
                "recent": " ".join(_nonces(item)[:REMEMBERED]),
                **written,
            },
            remove=() if PENDING in written or PENDING not in (item or {}) else (PENDING,),
        )
        if fence is None:
            return request
        guarded = fence.guard(request)
        return guarded if isinstance(guarded, Update) else request

    def _pause(self, attempt: int) -> Pause:
        longest_ms = min(self._retry.most_ms, self._retry.first_ms << min(attempt, 30))
        return Pause(1 + int(self._draw() * longest_ms))

    def _gave_up(
        self, key: str, unsure_since: int | None, version: int, last: Reply
    ) -> CoordinationError:
        if unsure_since is not None:
            return StoreUnavailableError(
                f"It is unknown whether record {key} was changed: a reply was lost at version "
                f"{unsure_since}, and it is at {version} now. Read it and decide anew."
            )
        if last.outcome is Outcome.RETRY:
            return StoreUnavailableError(
                f"Record {key} was not changed: the store put off the last of "
                f"{self._retry.attempts} attempts: {last.reason}. Try again later."
            )
        return ConflictError(
            f"Record {key} was changed by others before each of {self._retry.attempts} attempts. "
            "Try again later, change it less often, or split it."
        )


def _nonces(item: Item | None) -> list[str]:
    """Nonces of the latest changes, the last one first."""
    last = text(item, "nonce")
    return [] if last is None else [last, *(text(item, "recent") or "").split()]
