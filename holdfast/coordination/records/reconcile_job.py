"""Reconciliation as a job: one at a time, a piece at a time, from where the last one stopped.

A checkpoint record keeps where the current pass stands and what it has found. Whoever leads reads
it, compares and repairs a bounded piece, and writes it back with its fencing token, so that a job
that was replaced while it worked can move nothing.

Guarantees:
    A pass over both views is completed however often the process that runs it is replaced; no
    part of it is left out. What was repaired since the last checkpoint is looked at again, never
    counted twice. A job whose lease is lost repairs nothing more, and its checkpoint is refused.
    A checkpoint that the store puts off, or whose reply is lost, is written again a few times.

Does not guarantee:
    That a repair which was under way when the lease was lost is not made: put the token that
    ``repair`` is given into the repaired record's own condition (:class:`Fence`). That the
    checkpoint counts what a piece repaired that did not come to its end: it is repaired, so the
    next one finds nothing there.

Costs:
    One read and one write of the checkpoint per piece, beside the views' own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from holdfast.coordination.drivers.kind import returned_plainly
from holdfast.coordination.drivers.program import Program, run, run_async, settled
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.records.reconcile import (
    DEFAULT_MAX_KEYS,
    DEFAULT_MAX_REPAIRS,
    AsyncView,
    Drift,
    Report,
    View,
    reconcile,
    reconcile_async,
)
from holdfast.coordination.stores.store import (
    Absent,
    AsyncConditionalStore,
    ConditionalStore,
    Equals,
    Get,
    Item,
    Outcome,
    Put,
    number,
    text,
)
from holdfast.errors import LeaseLostError, StoreUnavailableError

S = TypeVar("S")
V = TypeVar("V")
R = TypeVar("R")
L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a job stands.

    Attributes:
        after: The last key that was looked at; empty at the beginning of a pass.
        passes: How many passes came to their end.
        compared: How many keys the current pass has looked at.
        drifted: How many of them differed.
        repaired: How many of those were repaired.
    """

    after: str = ""
    passes: int = 0
    compared: int = 0
    drifted: int = 0
    repaired: int = 0

    def then(self, report: Report) -> "Checkpoint":
        """Where the job stands after one more piece. The counts of a pass stay until the next.

        Args:
            report: Of the piece.
        """
        begins = self.after == ""
        ended = report.resume_after is None
        return Checkpoint(
            after=report.resume_after or "",
            passes=self.passes + ended,
            compared=report.compared + (0 if begins else self.compared),
            drifted=len(report.drifts) + (0 if begins else self.drifted),
            repaired=len(report.repaired) + (0 if begins else self.repaired),
        )


class AnyJob(Generic[S, V, R, L]):
    """What jobs for threads and for asyncio have in common: all but the waiting."""

    def __init__(
        self,
        *,
        store: S,
        key: str,
        left: V,
        right: V,
        repair: R | None,
        settled: L | None = None,
        max_keys: int = DEFAULT_MAX_KEYS,
        max_repairs: int = DEFAULT_MAX_REPAIRS,
    ) -> None:
        """A job that has not begun. Nothing is sent.

        Args:
            store: Where the checkpoint lives. Never a last-writer-wins table.
            key: Of the checkpoint.
            left: One side.
            right: The other.
            repair: Repairs one difference with the fence that it is given, by a conditional write,
                and tells whether it did. None to report only.
            settled: Looks again at a difference; False if it has gone or is still moving. None to
                take each as it was read.
            max_keys: Most keys of one piece.
            max_repairs: Most repairs of one piece.
        """
        self._store = store
        self._key = key
        self._left = left
        self._right = right
        self._repair = repair
        self._settled = settled
        self._max_keys = max_keys
        self._max_repairs = max_repairs


class ReconciliationJob(
    AnyJob[ConditionalStore, View, Callable[[Drift, Fence], bool], Callable[[Drift], bool]]
):
    """Compares two views piece by piece."""

    def checkpoint(self) -> Checkpoint:
        """Where the job stands.

        Raises:
            StoreUnavailableError: If the checkpoint cannot be read.
        """
        return _checkpoint(run(_read(self._key), self._store))

    def run(self, lease: Lease) -> Report:
        """Does one piece. Call it until ``resume_after`` is None, and the pass is complete.

        Args:
            lease: The leader's, from an election or a lock.

        Returns:
            What this piece found and did.

        Raises:
            LeaseLostError: If the lease has ended, or a later leader has written the checkpoint.
                Nothing more was repaired.
            StoreUnavailableError: If the checkpoint cannot be read, or it is unknown whether it
                was written. The next piece begins where this one did, or after it.
            ConfigurationError: If a view is not in order of its keys.
        """
        lease.check()
        fence = Fence(lease.token)
        item = run(_read(self._key), self._store)
        before = _checkpoint(item)

        def repair(drift: Drift) -> bool:
            # Before each: what was true when the piece began says nothing of now.
            lease.check()
            if self._repair is None:
                return False
            return returned_plainly("repair", self._repair(drift, fence), "AsyncReconciliationJob")

        report = reconcile(
            self._left,
            self._right,
            repair=repair,
            after=before.after,
            max_keys=self._max_keys,
            max_repairs=self._max_repairs,
            settled=self._settled,
        )
        lease.check()
        run(_write(self._key, item, before.then(report), fence), self._store)
        return report


class AsyncReconciliationJob(
    AnyJob[
        AsyncConditionalStore,
        AsyncView,
        Callable[[Drift, Fence], Awaitable[bool]],
        Callable[[Drift], Awaitable[bool]],
    ]
):
    """Compares two views piece by piece, for asyncio."""

    async def checkpoint(self) -> Checkpoint:
        """Where the job stands.

        Raises:
            StoreUnavailableError: If the checkpoint cannot be read.
        """
        return _checkpoint(await run_async(_read(self._key), self._store))

    async def run(self, lease: Lease) -> Report:
        """Does one piece, as :meth:`ReconciliationJob.run`.

        Args:
            lease: The leader's, from an election or a lock.

        Raises:
            LeaseLostError: If the lease has ended, or a later leader has written the checkpoint.
            StoreUnavailableError: If the checkpoint cannot be read, or it is unknown whether it
                was written.
            ConfigurationError: If a view is not in order of its keys.
        """
        lease.check()
        fence = Fence(lease.token)
        item = await run_async(_read(self._key), self._store)
        before = _checkpoint(item)

        async def repair(drift: Drift) -> bool:
            lease.check()
            return self._repair is not None and await self._repair(drift, fence)

        report = await reconcile_async(
            self._left,
            self._right,
            repair=repair,
            after=before.after,
            max_keys=self._max_keys,
            max_repairs=self._max_repairs,
            settled=self._settled,
        )
        lease.check()
        await run_async(_write(self._key, item, before.then(report), fence), self._store)
        return report


def _read(key: str) -> Program[Item | None]:
    reply = yield from settled(Get(key))
    if reply.outcome is not Outcome.APPLIED:
        raise StoreUnavailableError(f"Checkpoint {key} could not be read: {reply.reason}.")
    return reply.item


def _write(key: str, before: Item | None, checkpoint: Checkpoint, fence: Fence) -> Program[None]:
    # The beat makes every checkpoint differ from the one before, so that a piece that is written
    # twice counts once.
    beat = number(before, "beat")
    item: Item = {
        "after": checkpoint.after,
        "passes": checkpoint.passes,
        "compared": checkpoint.compared,
        "drifted": checkpoint.drifted,
        "repaired": checkpoint.repaired,
        "beat": beat + 1,
    }
    unchanged = Equals("beat", beat) if before is not None else Absent("beat")
    reply = yield from settled(fence.guard(Put(key=key, when=unchanged, item=item)))
    # Refused by itself: an earlier attempt was applied and its reply was lost.
    if reply.outcome is Outcome.APPLIED or reply.item == {**item, fence.attribute: fence.token}:
        return
    if reply.outcome is Outcome.REFUSED:
        raise LeaseLostError(
            f"Checkpoint {key} has been written with token {number(reply.item, fence.attribute)} "
            f"meanwhile; this job's is {fence.token}. Stop: somebody else does this job now."
        )
    raise StoreUnavailableError(
        f"Checkpoint {key} may not have been written: {reply.reason}. Run the job again."
    )


def _checkpoint(item: Item | None) -> Checkpoint:
    return Checkpoint(
        after=text(item, "after") or "",
        passes=number(item, "passes"),
        compared=number(item, "compared"),
        drifted=number(item, "drifted"),
        repaired=number(item, "repaired"),
    )
