"""The handle of a running twin: start it, find it, break it, mend it, end it.

Guarantees:
    ``Twin.start`` either returns a ready twin or leaves no process and no port behind, also
    when it is interrupted (Ctrl-C) at any moment or its process is killed.
    A twin started with ``detached=False`` ends with the process that started it, however that
    ends. After ``stop`` no process and no port of the twin is left.

Does not guarantee:
    That processes which an agent puts into groups or sessions of their own end with the twin.
    That a handle notices the end of its twin before it is used again.

All methods may be called from any thread; every call uses a connection of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import JsonValue, ValidationError

from holdfast.errors import TwinError
from holdfast.twin import events
from holdfast.twin.credentials import Credentials
from holdfast.twin.environment import agent_environment
from holdfast.twin.launch import Launched, LaunchOptions, launch
from holdfast.twin.lock import Presence, Stage, look
from holdfast.twin.plan import TwinPlan, TwinRecord
from holdfast.twin.processes import ProcessIdentity
from holdfast.twin.rpc import JsonObject, RefusedError, RpcError, call
from holdfast.twin.status import FaultReport, TwinEvent, TwinStatus

if TYPE_CHECKING:
    from holdfast.twin.dns_client import Answer, DnsClient

CALL_TIMEOUT_S = 10.0
RESTORE_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 15.0


class Twin:
    """One running twin. Made by ``start`` or ``attach``."""

    def __init__(self, state_dir: Path, record: TwinRecord, launched: Launched | None) -> None:
        self._state_dir = state_dir
        self._record = record
        # Holds the pipe by which a twin that is not detached notices our end.
        self._launched = launched

    @classmethod
    def start(
        cls,
        *,
        state_dir: Path,
        regions: Sequence[str],
        dns_port: int | None = None,
        lag_ms: int = 500,
        peer_delay_ms: int = 5,
        detached: bool = True,
        on_region: Callable[[str], None] = lambda _region: None,
    ) -> "Twin":
        """Starts a twin and returns once every region takes requests.

        Args:
            state_dir: Directory of this twin alone. What lies there from an earlier twin is
                its durable state, and is taken up again, at the same addresses when they are
                still free.
            regions: AWS names of the regions, witnesses included. us-east-1 is added, because
                the global control planes live there.
            dns_port: UDP and TCP port on 127.0.0.1 for the resolver; by default a free port on
                an address of the twin's own.
            lag_ms: How long eventually consistent writes wait before they are sent to a peer.
            peer_delay_ms: Delay of one message between two regions, one way.
            detached: Whether the twin outlives this process. A drill says False; see also
                ``detach``.
            on_region: Told of each region that has come up, from another thread.

        Raises:
            PortInUseError: If ``dns_port`` is taken.
            TwinError: If there is no room for it, a twin already runs there, or this one does
                not become ready.
        """
        options = LaunchOptions(
            state_dir=state_dir.absolute(),
            regions=tuple(regions),
            dns_port=dns_port,
            lag_ms=lag_ms,
            peer_delay_ms=peer_delay_ms,
            detached=detached,
        )
        launched = launch(options, on_region)
        return cls(options.state_dir, launched.record, launched)

    @classmethod
    def attach(cls, state_dir: Path) -> "Twin":
        """The twin that runs in a directory.

        Raises:
            TwinError: If none does.
        """
        twin = cls(state_dir.absolute(), _record_of(state_dir), None)
        told = twin._call("hello")
        if told.get("state_dir") != str(state_dir.resolve()):
            # A copy of a living twin's directory speaks of that one.
            raise TwinError(
                f"no twin runs in {state_dir}: its twin.json is that of the twin in "
                f"{told.get('state_dir')}. Name that --state-dir, or start one here."
            )
        return twin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def state_dir(self) -> Path:
        """The directory that holds the twin's state, logs and events."""
        return self._state_dir

    @property
    def plan(self) -> TwinPlan:
        """Every address and port of the twin."""
        return self._record.plan

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions, sorted."""
        return tuple(sorted(self.plan.regions))

    @property
    def ingress_port(self) -> int:
        """TCP port of every region's load balancers; stands for 443."""
        return self.plan.ingress_port

    @property
    def dns(self) -> tuple[str, int]:
        """Address and port (UDP and TCP) of the resolver."""
        return self.plan.dns_host, self.plan.dns_port

    @property
    def is_ours(self) -> bool:
        """Whether the twin ends with this process: it was started here, and is not detached."""
        return self._launched is not None and self._launched.pipe is not None

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        return self._record.pid

    def endpoint(self, region: str) -> str:
        """The ``AWS_ENDPOINT_URL`` of a region.

        Raises:
            TwinError: If the twin has no such region.
        """
        place = self.plan.region(region)
        return f"http://{place.address}:{place.api_port}"

    @property
    def credentials(self) -> Credentials:
        """The key that requests to every region are signed with."""
        return self._record.credentials

    def address(self, region: str) -> str:
        """The loopback address of a region.

        Raises:
            TwinError: If the twin has no such region.
        """
        return self.plan.region(region).address

    def environment(self, region: str) -> dict[str, str]:
        """The variables that a process in a region needs to find its AWS and its place.

        Raises:
            TwinError: If the twin has no such region.
        """
        return agent_environment(self.plan, self.credentials, region)

    def dns_client(self, *, cached: bool = True) -> "DnsClient":
        """A client of the twin's resolver, with a cache of its own that respects TTLs."""
        # Imported here: most of those who speak to a twin resolve nothing.
        from holdfast.twin.dns_client import DnsClient  # noqa: PLC0415

        return DnsClient(self.dns, cached=cached)

    def resolve(self, name: str, location: str) -> "Answer":
        """What a user at a location is answered now, past all caches.

        Args:
            name: Hostname.
            location: A name from ``holdfast.twin.locations``: an AWS region or a city.

        Raises:
            TwinError: If the location is unknown or there is no answer.
        """
        with self.dns_client(cached=False) as client:
            return client.resolve(name, location)

    def status(self) -> TwinStatus:
        """Everything about the twin as it is now. Takes at most about a second.

        Raises:
            TwinError: If the twin no longer runs.
        """
        reply = self._call("status")
        try:
            return TwinStatus.model_validate(reply["status"])
        except (KeyError, ValidationError) as error:
            raise TwinError(
                f"the twin in {self._state_dir} speaks another version of the status: {error}. "
                "Stop it and start it with this version of Holdfast."
            ) from error

    def events(self) -> tuple[TwinEvent, ...]:
        """Everything that has happened since the twin began to start, oldest first."""
        return events.of_this_run(events.read(self._state_dir))

    def spawn(self, region: str, name: str, argv: Sequence[str], env: Mapping[str, str]) -> int:
        """Starts an agent process in a region and returns its pid.

        It runs in the caller's working directory, with a minimal environment (no credentials
        of the caller's), that of ``environment(region)`` and ``env``, in this order. Its
        output goes to ``logs/agents/NAME.log``. It ends with the twin, and is not restarted.

        Args:
            region: Where it runs; the region must be up.
            name: Unique among the agents that run.
            argv: Program and arguments.
            env: Further variables.

        Raises:
            TwinError: If the region is not up, the name is taken or the program cannot start.
        """
        reply = self._call(
            "spawn",
            region=region,
            name=name,
            argv=list(argv),
            env=dict(env),
            cwd=str(Path.cwd()),
        )
        pid = reply.get("pid")
        if not isinstance(pid, int):
            raise TwinError(f"the twin's answer to spawn of {name} holds no pid: {reply}")
        return pid

    def end_agent(self, name: str) -> None:
        """Ends an agent: it is asked to, and killed when it has not ended two seconds later.

        Raises:
            TwinError: If no agent of that name runs.
        """
        self._call("end", name=name)

    def kill(self, region: str) -> FaultReport:
        """Loses a region: its servers die at once, its agents freeze and answer nothing.

        What its servers had made durable survives; the memory of its Valkey does not. A region
        that is already down is left as it is.

        Raises:
            TwinError: If the twin has no such region.
        """
        return self._fault("kill", region=region)

    def pause(self, region: str) -> FaultReport:
        """Stops every process of a region without ending any: connections to it hang.

        Raises:
            TwinError: If the twin has no such region, or it is down.
        """
        return self._fault("pause", region=region)

    def resume(self, region: str) -> FaultReport:
        """Lets a paused region run on, servers first.

        Raises:
            TwinError: If the twin has no such region, or it is down.
        """
        return self._fault("resume", region=region)

    def restore(self, region: str) -> FaultReport:
        """Brings a region back that was killed: servers, what it missed, Valkey, its agents.

        Returns once the region has caught up with its peers and its agents run again.

        Raises:
            TwinError: If the twin has no such region, it is paused, or it does not come back;
                it is down then, and restore may be tried again.
        """
        return self._fault("restore", region=region, timeout_s=RESTORE_TIMEOUT_S)

    def cut(self, a: str, b: str) -> FaultReport:
        """Cuts the link between two regions in both directions.

        Raises:
            TwinError: If the twin has no such regions, or they are one and the same.
        """
        return self._fault("cut", a=a, b=b)

    def heal(self, a: str, b: str) -> FaultReport:
        """Mends the link between two regions.

        Raises:
            TwinError: If the twin has no such regions, or they are one and the same.
        """
        return self._fault("heal", a=a, b=b)

    def detach(self) -> None:
        """Lets a twin that was started with ``detached=False`` outlive this process.

        Start it so, deploy, then detach: an interruption before that leaves nothing behind.
        A twin that is detached already, or was attached to, is left as it is.
        """
        if self._launched is not None:
            self._launched.keep()

    def stop(self) -> None:
        """Ends the twin: afterwards no process and no port of it is left. Its state is kept.

        Region servers that run are asked to write their state first. A twin that has already
        ended is no error.

        Raises:
            TwinError: If the supervisor cannot even be killed.
        """
        identity = ProcessIdentity(self._record.pid, self._record.started)
        if identity.is_alive():
            try:
                self._call("stop")
            except TwinError:
                identity.terminate()
        if not identity.wait_ended(STOP_TIMEOUT_S):
            # Its children die with it: each asked the kernel for that when it was started.
            identity.kill()
            if not identity.wait_ended(STOP_TIMEOUT_S):
                raise TwinError(
                    f"the supervisor of the twin in {self._state_dir} (process {identity.pid}) "
                    "does not end, not even when killed. Look at it with `ps`."
                )
        if self._launched is not None:
            self._launched.release()

    def _fault(
        self, op: str, *, timeout_s: float = CALL_TIMEOUT_S, **arguments: JsonValue
    ) -> FaultReport:
        reply = self._call(op, timeout_s=timeout_s, **arguments)
        return FaultReport.model_validate(reply["report"])

    def _call(
        self, op: str, *, timeout_s: float = CALL_TIMEOUT_S, **arguments: JsonValue
    ) -> JsonObject:
        plan = self.plan
        message: JsonObject = {"op": op, "token": self._record.token, **arguments}
        try:
            return call(plan.control_host, plan.control_port, message, timeout_s=timeout_s)
        except RefusedError as error:
            raise TwinError(str(error)) from error
        except RpcError as error:
            raise TwinError(self._silent(op, error)) from error

    def _silent(self, op: str, error: RpcError) -> str:
        """Why the twin does not answer: whoever ends it meanwhile takes away its logs as well."""
        twin = f"the twin in {self._state_dir} (process {self._record.pid})"
        seen = look(self._state_dir)
        if not seen.alive or seen.stage in {Stage.STOPPING, Stage.REMOVING}:
            return (
                f"{twin} was ended before it answered {op}. If that was not you, "
                "`holdfast twin events` shows what has happened; start it again with "
                "`holdfast twin up`."
            )
        return (
            f"{twin} does not answer {op}: {error}. Look into "
            f"{self._state_dir / 'logs' / 'supervisor.log'}, or end it with `holdfast twin down`."
        )


def _record_of(state_dir: Path) -> TwinRecord:
    """How to reach the twin that lives in a directory.

    Raises:
        TwinError: If none lives there, or it cannot be reached; which of both, and why.
    """
    seen = look(state_dir)
    try:
        record = TwinRecord.read(state_dir)
    except TwinError as problem:
        raise TwinError(_unreachable(state_dir, seen, str(problem))) from problem
    identity = ProcessIdentity(record.pid, record.started)
    if seen.supervisor not in {None, identity}:
        other = f"its twin.json is of another process ({record.pid})"
        raise TwinError(_unreachable(state_dir, seen, other))
    if seen.alive and not identity.is_alive():
        raise TwinError(
            f"the supervisor of the twin in {state_dir} has ended (process {record.pid}), and "
            "something that it started still runs. End that with `holdfast twin stop`, which "
            "keeps the state, or `holdfast twin down`."
        )
    if (seen.known and not seen.alive) or not identity.is_alive():
        raise TwinError(
            f"no twin runs in {state_dir}: nothing holds its lock, and process {record.pid} of "
            "its twin.json ended without cleaning up, or is another twin's. "
            "Start it again with `holdfast twin up`; its state is kept."
        )
    return record


def _unreachable(state_dir: Path, seen: Presence, problem: str) -> str:
    if not seen.alive:
        absent = f"no twin runs in {state_dir}: {problem}."
        return f"{absent} Start one with `holdfast twin up`, or name its --state-dir."
    who = f"process {seen.supervisor.pid}" if seen.supervisor else "its supervisor has ended"
    if seen.stage in {None, Stage.RUNNING}:
        return (
            f"a twin lives in {state_dir} ({who}), but {problem}, so it cannot be spoken to. "
            "`holdfast twin stop` ends it and keeps its state, `holdfast twin down` removes it."
        )
    return (
        f"the twin in {state_dir} ({who}) is {seen.stage}. "
        "Try again in a moment, or end it with `holdfast twin down`."
    )
