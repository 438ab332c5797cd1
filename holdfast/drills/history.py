"""What happened in a drill, in the order it was seen: the only thing that checks look at.

A history is a plan (what was intended and promised) and events (what was observed). Every time
is in seconds on one monotonic clock, that of the drill process, and 0 is the first arrival of the
workload. A history goes to a file of JSON lines and comes back equal, so a verdict can be
reached again from the file alone.

Guarantees:
    Nothing in a history is computed from anything but what the drill itself saw from outside.

Does not guarantee:
    Completeness between two samples: leadership and health are sampled, requests are not.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from holdfast.contract import Objectives


class Outcome(StrEnum):
    """How a request ended, seen from its user.

    ``REFUSED`` is the deliberate no that a region is right to give to another jurisdiction's
    tenant. The user who was led there has not been served, so it is no success either.
    """

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


class Store(StrEnum):
    """The two kinds of table that a task leaves its marks in."""

    COORDINATION = "coordination"
    STATE = "state"


class Evidence(StrEnum):
    """What a platform and its agents let a drill see; a check is asked where all it needs is seen.

    ``OTHERS``: another jurisdiction, that loses nothing. ``LEADER``: who leads, in the coordination
    table. ``COORDINATION`` and ``STATE``: the marks of accepted tasks in those tables. ``EFFECTS``:
    what agents have done, on ledgers. ``STALE_WRITES``: what fences refused, in the agents' logs.
    """

    OTHERS = "others"
    LEADER = "leader"
    COORDINATION = "coordination"
    STATE = "state"
    EFFECTS = "effects"
    STALE_WRITES = "stale-writes"


class Event(BaseModel):
    """Base of everything in a history: immutable, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Territory(Event):
    """Where a jurisdiction's data may be.

    Attributes:
        hostname: The name that its users resolve.
        serving: Regions that take requests.
        witness: Region that only votes, if there is one. Inside the jurisdiction as well.
        resources: Physical names of its tables and buckets.
    """

    hostname: str
    serving: tuple[str, ...]
    witness: str | None
    resources: tuple[str, ...]

    @property
    def regions(self) -> frozenset[str]:
        """Every region that may hold a byte of it."""
        return frozenset((*self.serving, *filter(None, (self.witness,))))


class Plan(Event):
    """What the drill was going to do, and what the platform promised.

    Attributes:
        drill: Name of the drill.
        stack: Stack that was rehearsed.
        mutant: Deliberate mistake that was built in, or None for the platform as it is.
        seed: Seed of the workload. The same seed gives the same arrivals.
        rate_per_s: Arrivals a second over all users.
        requests: How many arrivals that makes.
        timeout_s: How long a user waits for an answer.
        affected: The jurisdiction that loses a region.
        lost_region: Region that the drill takes away.
        audited: By jurisdiction, a region that stays, where its tables are read.
        lost_at_s: When the region is taken.
        back_at_s: When it is brought back.
        duration_s: Length of the workload.
        dns_ttl_s: How long users may keep an address.
        objectives: What the platform promises.
        territories: By jurisdiction.
        evidence: What there is to be seen.
    """

    kind: Literal["plan"] = "plan"
    drill: str
    stack: str
    mutant: str | None
    seed: int
    rate_per_s: float
    requests: int
    timeout_s: float
    affected: str
    lost_region: str
    audited: Mapping[str, str]
    lost_at_s: float
    back_at_s: float
    duration_s: float
    dns_ttl_s: int
    objectives: Objectives
    territories: Mapping[str, Territory]
    evidence: tuple[Evidence, ...]


class Request(Event):
    """One request of one user.

    Attributes:
        user: Who asked.
        tenant: On whose behalf.
        jurisdiction: Home of the tenant.
        location: Where the user is.
        task: Id of the task that the request submits.
        due_s: When the schedule wanted it sent. Latencies and the user's patience count from
            here, so that a slow client cannot hide a slow platform (coordinated omission).
        sent_s: When the client took it up.
        end_s: When the answer, or the last hope of one, had come.
        region: Region that the bytes went to, or None when no connection was made.
        outcome: How it ended.
        reason: Short cause of an outcome that is not ok: ``timeout``, ``http-503``, ...
        bytes_sent: Bytes of the request that left the client.
    """

    kind: Literal["request"] = "request"
    user: str
    tenant: str
    jurisdiction: str
    location: str
    task: str
    due_s: float
    sent_s: float
    end_s: float
    region: str | None
    outcome: Outcome
    reason: str | None = None
    bytes_sent: int = 0


class Fault(Event):
    """Something the drill did to the platform.

    Attributes:
        action: What was done to the region.
        region: To which region.
        start_s: When the injection began. Every measure counts from here.
        done_s: When it was complete.
    """

    kind: Literal["fault"] = "fault"
    action: Literal["kill", "restore"]
    region: str
    start_s: float
    done_s: float


class Leader(Event):
    """The leader of a jurisdiction, as read strongly from the coordination store.

    Attributes:
        at_s: When the read returned.
        jurisdiction: Whose leader.
        region: Region of the holder, or None while nobody holds the lease.
        token: Fencing token on record.
    """

    kind: Literal["leader"] = "leader"
    at_s: float
    jurisdiction: str
    region: str | None
    token: int


class Health(Event):
    """What the health check of a region's ingress says at one moment."""

    kind: Literal["health"] = "health"
    at_s: float
    region: str
    healthy: bool


class Effect(Event):
    """One entry of a ledger: something that an agent has done and cannot undo.

    Attributes:
        jurisdiction: Whose ledger.
        page: Key of the ledger's page.
        index: Position on the page; the page only grows at its end.
        task: Task that it was done for.
        region: Region of the agent that did it.
        token: Fencing token that the agent wrote with.
    """

    kind: Literal["effect"] = "effect"
    jurisdiction: str
    page: str
    index: int
    task: str
    region: str
    token: int


class Readback(Event):
    """Whether an acknowledged write could be read in a survivor.

    Attributes:
        at_s: When it was looked for.
        store: In which kind of table.
        jurisdiction: Whose table.
        task: Task whose write it was.
        region: Region that was asked.
        visible: Whether it was there.
    """

    kind: Literal["readback"] = "readback"
    at_s: float
    store: Store
    jurisdiction: str
    task: str
    region: str
    visible: bool


class StaleWrite(Event):
    """A write with an outdated fencing token that the store refused, from the agents' logs."""

    kind: Literal["stale-write"] = "stale-write"
    region: str
    task: str
    token: int


class Transfer(Event):
    """Bytes of one table or bucket that one region sent to another.

    Counted from the start of the sender's server; of the region that is lost there are two counts
    of the same kind, up to the loss and from its return.
    """

    kind: Literal["transfer"] = "transfer"
    resource: str
    source: str
    target: str
    bytes_sent: int


class Memory(Event):
    """Memory of the target and the agents at one moment: proportional set size, in bytes."""

    kind: Literal["memory"] = "memory"
    at_s: float
    pss_bytes: int


AnyEvent = Annotated[
    Plan | Request | Fault | Leader | Health | Effect | Readback | StaleWrite | Transfer | Memory,
    Field(discriminator="kind"),
]
_EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
_E = TypeVar("_E", bound=Event)


@dataclass(frozen=True)
class History:
    """A plan and everything that was observed while it was carried out."""

    plan: Plan
    events: tuple[AnyEvent, ...]

    def of(self, kind: type[_E]) -> list[_E]:
        """The events of one type, in the order they were recorded."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def requests(self) -> list[Request]:
        """All requests, by the time they were due."""
        return sorted(self.of(Request), key=lambda request: (request.due_s, request.task))

    def fault(self, action: Literal["kill", "restore"]) -> Fault | None:
        """The first fault of that action, or None when it was not carried out."""
        return next((fault for fault in self.of(Fault) if fault.action == action), None)

    def counts(self) -> Counter[str]:
        """Number of events by kind."""
        return Counter(event.kind for event in self.events)

    def with_events(self, events: Iterable[AnyEvent]) -> "History":
        """The same plan with these events instead: how tests make a history lie."""
        return History(self.plan, tuple(events))


def write(history: History, path: Path) -> str:
    """Writes a history as JSON lines, the plan first.

    Returns:
        The SHA-256 of the file, by which a result says what it was judged from.
    """
    lines = [event.model_dump_json() for event in (history.plan, *history.events)]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def read(path: Path) -> History:
    """Reads a history back.

    Raises:
        ValueError: If a line does not fit, or the first one is no plan.
    """
    events: Sequence[AnyEvent] = [
        _EVENT.validate_json(line)
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    if not events or not isinstance(events[0], Plan):
        raise ValueError(f"{path} does not begin with a plan; a history's first line is its plan.")
    return History(events[0], tuple(events[1:]))
