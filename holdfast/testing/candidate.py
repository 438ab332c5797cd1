"""A simulated process that stands for election and does fenced work while it leads.

It drives the same cores as production does (:class:`~holdfast.coordination.LeaseCore` inside an
``ElectionCore``); only the thread is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from holdfast.coordination.drivers.timing import LeaseTiming
from holdfast.coordination.leases.election_core import ElectionCore, Finished
from holdfast.coordination.leases.fence import Fence
from holdfast.coordination.leases.lease import Lease
from holdfast.coordination.leases.lease_core import (
    Action,
    Extended,
    LeaseCore,
    Send,
    Started,
    Stopped,
    StopReason,
)
from holdfast.coordination.stores.store import (
    Always,
    Item,
    Outcome,
    Put,
    Reply,
    Update,
    number,
    text,
)
from holdfast.testing.network import Network
from holdfast.testing.store import SimulatedStore
from holdfast.testing.world import Process


class Fencing(Protocol):
    """Puts a token into a write."""

    def guard(self, request: Put | Update) -> Put | Update:
        """The same write, with the token in it.

        Args:
            request: The write.
        """
        ...


MakeCore = Callable[[Process, str, LeaseTiming, Callable[[], str]], LeaseCore]
"""Makes a lease core from process, key, timing and source of nonces."""


def make_core(
    process: Process, key: str, timing: LeaseTiming, new_nonce: Callable[[], str]
) -> LeaseCore:
    """The core that production uses.

    Args:
        process: Who takes part.
        key: Key of the lease's item.
        timing: How long the lease lasts.
        new_nonce: Source of strings that never repeat.
    """
    return LeaseCore(key=key, owner=process.name, timing=timing, new_nonce=new_nonce)


@dataclass(frozen=True, slots=True)
class Parts:
    """What candidates are made of. Mutation tests replace one part with a broken one.

    Attributes:
        core: Makes the lease core.
        election: Makes the election on it.
        lease: Makes the handle that work checks.
        fence: Makes the fence of a token.
    """

    core: MakeCore = make_core
    election: Callable[..., ElectionCore] = ElectionCore
    lease: Callable[..., Lease] = Lease
    fence: Callable[[int], Fencing] = Fence


class Observer(Protocol):
    """Watches candidates from outside, with true time at hand."""

    def started(self, candidate: "Candidate", token: int) -> None:
        """A term began.

        Args:
            candidate: Whose.
            token: Its token.
        """
        ...

    def extended(self, candidate: "Candidate") -> None:
        """A term was renewed.

        Args:
            candidate: Whose.
        """
        ...

    def stopped(self, candidate: "Candidate", token: int, reason: StopReason) -> None:
        """A term ended.

        Args:
            candidate: Whose.
            token: Its token.
            reason: Why.
        """
        ...

    def ended(self, candidate: "Candidate") -> None:
        """The work of a term has returned.

        Args:
            candidate: Whose.
        """
        ...

    def left(self, candidate: "Candidate") -> None:
        """A candidate that was asked to leave has left.

        Args:
            candidate: Which.
        """
        ...

    def sends(self, candidate: "Candidate", request: Update) -> None:
        """A request for the lease is sent.

        Args:
            candidate: By whom.
            request: Which.
        """
        ...

    def replied(self, candidate: "Candidate", reply: Reply) -> None:
        """A reply has been taken in.

        Args:
            candidate: By whom.
            reply: Which.
        """
        ...

    def works(self, candidate: "Candidate") -> None:
        """Work was begun because the lease said it may.

        Args:
            candidate: By whom.
        """
        ...

    def refused(self, candidate: "Candidate", token: int, seen: int) -> None:
        """The resource refused a fenced write.

        Args:
            candidate: Whose.
            token: The write's.
            seen: The resource's.
        """
        ...


class Candidate:
    """One process of an election.

    Args:
        process: Where it runs.
        network: How it reaches the stores.
        store: Where the lease lives.
        resource: What the leader's work writes to, with its token.
        key: Key of the lease's item.
        timing: How long the lease lasts.
        observer: Who watches.
        parts: What it is made of.
        work_ms: Shortest and longest time between the check and the write of one piece of work.
        resigns: Share of pieces of work after which it resigns, 0 to 1.
    """

    def __init__(
        self,
        *,
        process: Process,
        network: Network,
        store: SimulatedStore,
        resource: SimulatedStore,
        key: str,
        timing: LeaseTiming,
        observer: Observer,
        parts: Parts,
        work_ms: tuple[int, int] = (200, 3_000),
        resigns: float = 0.0,
    ) -> None:
        self.process = process
        self.timing = timing
        self.lease: Lease | None = None
        self.confirmed_ms: int | None = None
        """When the last applied acquisition or renewal of this term was sent, on its clock."""
        self.until_ms = 0
        """When the work of this term must have stopped, on its clock."""
        self.working = False
        """Whether the work of a term has begun and not returned."""
        self.told = False
        """Whether the last term was said to have ended."""
        self.calling: str | None = None
        """Nonce of the request whose reply it waits for."""
        self.returned_ms = 0
        """When work returned last, on its clock."""
        self.asked_ms: int | None = None
        """When it was asked to leave, on its clock."""
        self._network = network
        self._store = store
        self._resource = resource
        self._key = key
        self._observer = observer
        self._parts = parts
        self._work_ms = work_ms
        self._resigns = resigns
        self._wake_ms: int | None = None
        self._sent_ms = 0
        self._sent: dict[str, int] = {}
        self._writes = 0
        self.core = self._new_core()

    @property
    def believes(self) -> bool:
        """Whether work would go on right now, if the process were running."""
        return self.lease is not None and self.lease.held

    def start(self) -> None:
        """Stands for election, with an empty memory."""
        self.core = self._new_core()
        self.lease = self.confirmed_ms = self.asked_ms = self.calling = self._wake_ms = None
        self.working, self.returned_ms = False, 0
        self._sent.clear()
        self._carry_out(self._election.start(self._now_ms()))

    def stop(self) -> None:
        """Asks it to leave; it releases the lease once its work has ended."""
        self.process.deliver(self.process.incarnation, self._leave)

    def forget(self) -> None:
        """For crashes: what it held is gone from its memory."""
        self.lease = None
        self.working = False

    def _leave(self) -> None:
        self.asked_ms = self._now_ms()
        self._carry_out(self._election.stop(self.asked_ms))

    def _new_core(self) -> LeaseCore:
        process = self.process
        rng = process.world.random
        core = self._parts.core(
            process, self._key, self.timing, lambda: f"{rng.getrandbits(64):016x}"
        )
        self._election = self._parts.election(core, retry_ms=self.timing.retry_ms)
        return core

    def _now_ms(self) -> int:
        return self.process.clock.now_ms()

    def _carry_out(self, actions: list[Action | Finished]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._observer.sends(self, action.request)
                self._sent_ms = self._now_ms()
                self.calling = text(action.request.assign, "nonce")
                self._sent[self.calling or ""] = self._sent_ms
                self._network.call(self.process, self._store, action.request, self._on_reply)
            elif isinstance(action, Extended):
                if self.lease is not None:
                    self.lease.extend(action.until_ms)
                self.until_ms = action.until_ms
                self._observer.extended(self)
            elif isinstance(action, Started):
                self._begin_term(action)
            elif isinstance(action, Stopped):
                if self.lease is not None:
                    self.lease.end(action.reason)
                self.told = True
                self._observer.stopped(self, action.token, action.reason)
            elif isinstance(action, Finished):
                self._observer.left(self)
        self._schedule()

    def _begin_term(self, started: Started) -> None:
        lease = self._parts.lease(
            key=self._key,
            token=started.token,
            until_ms=started.until_ms,
            clock=self.process.clock,
        )
        self.lease, self.until_ms, self.told = lease, started.until_ms, False
        self._observer.started(self, started.token)
        self.working = True
        self._work(lease)

    def _on_reply(self, reply: Reply) -> None:
        self.calling = None
        if reply.outcome is Outcome.APPLIED:
            self.confirmed_ms = self._sent_ms
        elif text(reply.item, "holder") == self.core.holder:
            # Refused by what this life of the process wrote itself, whose reply was lost.
            sent_ms = self._sent.get(text(reply.item, "nonce") or "")
            self.confirmed_ms = self.confirmed_ms if sent_ms is None else sent_ms
        self._carry_out(self._election.on_reply(self._now_ms(), reply))
        self._observer.replied(self, reply)

    def _schedule(self) -> None:
        due_ms = self._election.due_ms
        if due_ms is None or (self._wake_ms is not None and self._wake_ms <= due_ms):
            return
        self._wake_ms = due_ms
        self.process.wake_at(due_ms, lambda: self._wake(due_ms))

    def _wake(self, scheduled_ms: int) -> None:
        if scheduled_ms != self._wake_ms:
            # Another wake was scheduled since, for an earlier time.
            return
        self._wake_ms = None
        due_ms = self._election.due_ms
        if due_ms is not None and due_ms <= self._now_ms():
            self._carry_out(self._election.on_tick(self._now_ms()))
        else:
            self._schedule()

    def _work(self, lease: Lease) -> None:
        """One piece of work: look whether it may, take its time, write with the token."""
        random = self.process.world.random.random
        if not lease.held or (self._resigns and random() < self._resigns):
            lease.end(StopReason.ASKED)
            self.working, self.returned_ms = False, self._now_ms()
            self._observer.ended(self)
            self._carry_out(self._election.on_work_ended(self._now_ms()))
            return
        self._observer.works(self)
        low, high = self._work_ms
        takes_ms = low + int(random() * (high - low + 1))
        self.process.wake_after(takes_ms, lambda: self._write(lease))

    def _write(self, lease: Lease) -> None:
        self._writes += 1
        value = f"{self.process.name}.{self.process.incarnation}.{self._writes}"
        # The term stands beside the fence, so that the monitor need not believe the fence.
        assign: Item = {"value": value, "term": lease.token}
        write = self._parts.fence(lease.token).guard(
            Update(key="ledger", when=Always(), assign=assign, add={"writes": 1})
        )

        def replied(reply: Reply) -> None:
            if reply.outcome is Outcome.REFUSED:
                self._observer.refused(self, lease.token, number(reply.item, "fence"))
            self._work(lease)

        self._network.call(self.process, self._resource, write, replied)
