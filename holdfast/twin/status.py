"""What a running twin says about itself, typed.

All models are frozen. Memory is the proportional set size (PSS) where the system tells it
(Linux), so that pages shared between processes count once, and 0 where it does not.
"""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Reported(BaseModel):
    """Base of everything a twin reports: immutable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RegionState(StrEnum):
    """What has become of a region's servers.

    ``DOWN`` is a killed or crashed region: its agents are frozen when it was killed, and its
    durable state waits for ``restore``. ``PAUSED`` is a region whose processes are all stopped
    but alive: connections to it hang.
    """

    STARTING = "starting"
    UP = "up"
    PAUSED = "paused"
    DOWN = "down"
    RESTORING = "restoring"


class AgentState(StrEnum):
    """What has become of a process that was spawned in a region."""

    RUNNING = "running"
    FROZEN = "frozen"
    EXITED = "exited"


class TwinEvent(Reported):
    """One thing that happened, on the two clocks that a drill needs.

    Attributes:
        kind: What happened, such as ``region-killed`` or ``health-check-unhealthy``.
        region: The region concerned, or "" where it concerns none.
        detail: The rest, for people.
        wall_s: Seconds since the epoch.
        monotonic_s: ``time.monotonic()``; one clock for all processes of this machine.
    """

    kind: str
    region: str
    detail: str
    wall_s: float
    monotonic_s: float


class FaultReport(Reported):
    """What a fault, or its end, did.

    Attributes:
        changed: False when there was nothing to do, as when a dead region is killed again.
        events: Its steps, in order. The first is written before anything is touched.
    """

    changed: bool
    events: tuple[TwinEvent, ...]

    @property
    def started_s(self) -> float:
        """``time.monotonic()`` at which it began; objectives are counted from here."""
        return self.events[0].monotonic_s

    @property
    def ended_s(self) -> float:
        """``time.monotonic()`` at which its last step was done."""
        return self.events[-1].monotonic_s


class Sent(Reported):
    """Bytes of a table's or bucket's data that a region has sent to a peer, since it started.

    Attributes:
        resource: Table or bucket name.
        peer: Region that received them.
        sent_bytes: Payload bytes, without framing.
    """

    resource: str
    peer: str
    sent_bytes: int


class Pending(Reported):
    """Replication that a region still owes a peer.

    Attributes:
        resource: Table or bucket name.
        peer: Region that has not confirmed them.
        items: Items or objects that wait.
        oldest_ms: How long the oldest of them has waited.
    """

    resource: str
    peer: str
    items: int
    oldest_ms: float = 0.0


class RegionStatus(Reported):
    """One region.

    Attributes:
        name: AWS name.
        state: What has become of its servers.
        reason: Why it is down, when nobody killed it on purpose.
        address: Its loopback address.
        api_port: TCP port of its AWS API.
        valkey_port: TCP port of its Valkey.
        server_pid: Process of the region server, None while it is down.
        valkey_pid: Process of its Valkey, None while it is down.
        memory_bytes: Both processes.
        cut_from: Peers whose link is cut.
        answers: Whether the region server answered this status request.
        catching_up: Whether it still asks its peers for what it missed.
        pending: Replication it owes; empty while it does not answer.
        sent: What it has sent; empty while it does not answer.
    """

    name: str
    state: RegionState
    reason: str
    address: str
    api_port: int
    valkey_port: int
    server_pid: int | None
    valkey_pid: int | None
    memory_bytes: int
    cut_from: tuple[str, ...]
    answers: bool
    catching_up: bool
    pending: tuple[Pending, ...]
    sent: tuple[Sent, ...]


class AgentStatus(Reported):
    """One process that was spawned in a region.

    Attributes:
        name: Its name, unique in the twin.
        region: Where it runs.
        state: What has become of it.
        pid: Its process, None once it has exited.
        exit_code: Exit status; negative for the signal that ended it; None while it runs.
        memory_bytes: The process itself, without processes it started.
        log: File with its output.
    """

    name: str
    region: str
    state: AgentState
    pid: int | None
    exit_code: int | None
    memory_bytes: int
    log: Path


class HealthCheckStatus(Reported):
    """One Route 53 health check, as the twin's checkers see it.

    Attributes:
        id: Route 53 id.
        target: What is probed, for people.
        healthy: The aggregate that DNS acts on.
        healthy_checkers: Checkers that consider it healthy.
        checkers: All of its checkers.
        last_problem: Why the latest failed probe failed, "" when none has.
        changed_s: ``time.monotonic()`` of the latest change of ``healthy``; None before one.
    """

    id: str
    target: str
    healthy: bool
    healthy_checkers: int
    checkers: int
    last_problem: str
    changed_s: float | None


class DnsStatus(Reported):
    """What the resolver serves.

    Attributes:
        serial: Grows by one whenever other zone data is taken over.
        digest: Of the zone data; equal digests answer equally.
        zones: Names of the hosted zones, without the final dot.
        age_s: Seconds since the control plane was last read; None before the first time.
        problems: Records and health checks that the twin refuses to evaluate, with the reason.
            A query that would need one is answered with SERVFAIL.
    """

    serial: int
    digest: str
    zones: tuple[str, ...]
    age_s: float | None
    problems: tuple[str, ...]


class TwinStatus(Reported):
    """Everything about a running twin.

    Attributes:
        supervisor_pid: Process that owns all others.
        uptime_s: Seconds since it was ready.
        ingress_port: TCP port of every region's load balancers.
        dns_host: Address of the resolver.
        dns_port: UDP and TCP port of the resolver.
        regions: By name, sorted.
        agents: In the order of their start.
        health_checks: Sorted by id.
        dns: What the resolver serves.
        memory_bytes: All processes together: supervisor, regions, agents.
        memory_peak_bytes: Highest value of ``memory_bytes`` that was sampled; about one
            sample a second.
    """

    supervisor_pid: int
    uptime_s: float
    ingress_port: int
    dns_host: str
    dns_port: int
    regions: tuple[RegionStatus, ...]
    agents: tuple[AgentStatus, ...]
    health_checks: tuple[HealthCheckStatus, ...]
    dns: DnsStatus
    memory_bytes: int
    memory_peak_bytes: int

    def region(self, name: str) -> RegionStatus:
        """The status of one region.

        Raises:
            KeyError: If the twin has no such region.
        """
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)
