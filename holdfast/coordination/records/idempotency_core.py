"""Records of events: what is shared by threads and tasks.

An event's item is a lease (:mod:`holdfast.coordination.leases.lease_core`) until it has a
``result``, and is never acquired after that. ``payload`` is the hash of what came with
the event, and ``finished_s`` the date of the result, by which old records are swept.

What it guarantees stands in :mod:`holdfast.coordination.records.idempotency`.
"""

import hashlib
import math
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from holdfast.coordination.drivers.clock import Clock, SystemClock
from holdfast.coordination.drivers.kind import returned_plainly
from holdfast.coordination.drivers.program import Pause, Program
from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.claim import Claim
from holdfast.coordination.leases.health import Tally
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.leases.lease_core import LeaseCore
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    AnyOf,
    Equals,
    Item,
    Outcome,
    Update,
    text,
)
from holdfast.errors import (
    ConfigurationError,
    LeaseLostError,
    LockTimeoutError,
    PayloadMismatchError,
    StoreUnavailableError,
)

FINISHED = "finished_s"
"""Attribute with the date of a result, in seconds since 1970. No other record has it."""
_ATTEMPTS = 8
_MS_PER_S = 1000
MAX_RESULT_BYTES = 300_000
"""Largest result that is kept; DynamoDB's limit for an item is 400 KB."""
S = TypeVar("S")


class EventRecord:
    """The protocol of one event, as one process sees it.

    Args:
        key: Key of its item.
        payload: What came with it.
        owner: Who handles it, for humans.
        timing: How long the lease of a run lasts.
        new_nonce: Source of strings that never repeat.
        date_s: The date, in seconds since 1970. It decides nothing but when the record is old.
    """

    def __init__(
        self,
        *,
        key: str,
        payload: bytes,
        owner: str,
        timing: LeaseTiming,
        new_nonce: Callable[[], str],
        date_s: Callable[[], float] = time.time,
    ) -> None:
        self.key = key
        self.result: str | None = None
        """The result of an earlier run, once one is known."""
        self.refused = False
        """Whether another payload came with the same id before."""
        self._hash = hashlib.sha256(payload).hexdigest()
        self._retry_ms = timing.retry_ms
        self._new_nonce = new_nonce
        self._date_s = date_s
        self.core = LeaseCore(
            key=key,
            owner=owner,
            timing=timing,
            new_nonce=new_nonce,
            only_if=AllOf(
                (
                    Absent("result"),
                    AnyOf((Absent("payload"), Equals("payload", self._hash))),
                )
            ),
            also={"payload": self._hash},
        )

    def claim(self, clock: Clock) -> Claim:
        """The claim of one run.

        Args:
            clock: What its lease is counted on.
        """
        return Claim(self.core, self.key, clock, Tally(None), self.settles)

    def settles(self, item: Item | None) -> bool:
        """Whether a record that refuses this run makes waiting for it pointless.

        Args:
            item: The record.
        """
        known = text(item, "payload")
        self.refused = known is not None and known != self._hash
        self.result = text(item, "result")
        return self.refused or self.result is not None

    def not_run(self, wait_s: float, obstacle: str) -> str:
        """The result of an earlier run, for a run that did not get the lease.

        Args:
            wait_s: How long it waited, in seconds.
            obstacle: Why the lease did not come.

        Raises:
            PayloadMismatchError: If the event came with another payload before.
            LockTimeoutError: If another run was still under way.
        """
        if self.refused:
            raise PayloadMismatchError(
                f"Event {self.key} was handled before with another payload. An id must name one "
                "event for ever: take it from the event's source, and do not reuse it."
            )
        if self.result is None:
            raise LockTimeoutError(
                f"Event {self.key} could not be handled within {wait_s} s; {obstacle}. "
                "Deliver it again later, or wait longer."
            )
        return self.result

    def fitted(self, result: object) -> tuple[str, str | None]:
        """What can be kept of a result, whatever type the caller's handler has returned.

        What a run did is done: a result that cannot be kept must not have it done again.

        Args:
            result: The result; None is kept as the empty text.

        Returns:
            The text to keep, and what is wrong with the result if that is not all of it.

        Raises:
            ConfigurationError: If it is a coroutine, so that nothing has been done yet.
        """
        returned_plainly(f"The handler of event {self.key}", result, "AsyncOnce and `await`")
        if result is None:
            return "", None
        if not isinstance(result, str):
            wrong = f"is of type {type(result).__name__}; it must be text, or None for nothing"
            return "", self._unfit(wrong)
        size = len(result.encode(errors="surrogatepass"))
        if size > MAX_RESULT_BYTES:
            wrong = f"has {size} bytes; at most {MAX_RESULT_BYTES} are kept"
            return "", self._unfit(f"{wrong}. Store it elsewhere and return where it is")
        return result, None

    def _unfit(self, wrong: str) -> str:
        return (
            f"The result of event {self.key} {wrong}. The event counts as handled, with an empty "
            "result."
        )

    def complete(self, token: int, result: str) -> Program[None]:
        """Writes the result down, if this run still owns the record.

        Args:
            token: Token of this run.
            result: Its result, as :meth:`fitted` gives it.

        Raises:
            LeaseLostError: If a later run has taken over. Its result counts.
            StoreUnavailableError: If it is unknown whether the result was written.
        """
        nonce = self._new_nonce()
        request = Update(
            key=self.key,
            when=AllOf((Equals("holder", self.core.holder), Equals("token", token))),
            assign={"result": result, "nonce": nonce, FINISHED: int(self._date_s())},
            remove=("holder", "beat", "lease_ms"),
        )
        reason = ""
        for _ in range(_ATTEMPTS):
            reply = yield request
            # Refused by its own result: an earlier attempt was applied and its reply was lost.
            if reply.outcome is Outcome.APPLIED or text(reply.item, "nonce") == nonce:
                return
            if reply.outcome is Outcome.REFUSED:
                raise LeaseLostError(
                    f"Event {self.key} was taken over from this run (token {token}), so its "
                    "result was not kept. Undo or ignore what this run did."
                )
            reason = reply.reason
            yield Pause(self._retry_ms)
        raise StoreUnavailableError(
            f"It is unknown whether the result of event {self.key} was kept, after {_ATTEMPTS} "
            f"attempts: {reason}. Deliver the event again to find out."
        )


def check_prefix(prefix: str) -> None:
    """Refuses a prefix that does not tell one kind of event from all others.

    Args:
        prefix: Of the keys of one kind's records.

    Raises:
        ConfigurationError: If it is empty or has a slash in it.
    """
    if not prefix or "/" in prefix:
        raise ConfigurationError(
            f"prefix={prefix!r} for events is empty or has a slash in it, so that event b/1 of "
            "kind a would be event 1 of kind a/b. Use a word of its own for each kind, such as "
            "'payment-refund'."
        )


class AnyOnce(Generic[S]):
    """What handling events once has in common for threads and for asyncio."""

    def __init__(
        self,
        *,
        store: S,
        prefix: str,
        owner: str,
        wait_s: float,
        timing: LeaseTiming | None = None,
        clock: Clock | None = None,
        new_nonce: Callable[[], str] = random_nonce,
    ) -> None:
        """Handles events of one kind. Nothing is sent yet.

        Args:
            store: Where the records live. Never a last-writer-wins table.
            prefix: Of the records' keys, one per kind of event, without a slash.
            owner: Who handles events, for humans.
            wait_s: Longest wait for a run of another process to end, in seconds; at least a lease
                and two retries.
            timing: How long the lease of a run lasts.
            clock: What leases are counted on.
            new_nonce: Source of strings that never repeat.

        Raises:
            ConfigurationError: If the wait is shorter than a takeover of a crashed run, or
                endless, or the prefix has a slash in it.
        """
        check_prefix(prefix)
        timing = timing or LeaseTiming()
        takeover_s = timing.takeover_ms / _MS_PER_S
        if not takeover_s <= wait_s < math.inf:
            raise ConfigurationError(
                f"wait_s={wait_s} for events {prefix} is endless, or shorter than it takes to tell "
                f"that a run has crashed ({takeover_s} s), so its event would never be handled. "
                f"Wait {takeover_s} s or longer, or shorten the lease."
            )
        self._store = store
        self._wait_s = wait_s
        self._clock = clock or SystemClock()
        self._prefix = prefix
        self._owner = owner
        self._timing = timing
        self._new_nonce = new_nonce

    def _record(self, event_id: str, payload: bytes) -> EventRecord:
        if not event_id:
            raise ConfigurationError(
                f"An event of kind {self._prefix} has the id ''. All events without an id would "
                "be taken for one: take the id from the event's source."
            )
        return EventRecord(
            key=f"{self._prefix}/{event_id}",
            payload=payload,
            owner=self._owner,
            timing=self._timing,
            new_nonce=self._new_nonce,
        )
