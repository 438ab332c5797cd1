"""One region of a running twin: its two servers and what has become of them.

A region is up, paused (every process stopped), down (killed or crashed) or being restored.
Killing and pausing act within one turn of the event loop, without waiting for anything.

Does not guarantee:
    That the memory of a region's Valkey survives a kill: as with an ElastiCache node, it does
    not. Its configuration, the password included, does.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from holdfast.errors import TwinError
from holdfast.twin.credentials import Credentials
from holdfast.twin.environment import base_environment
from holdfast.twin.events import EventLog
from holdfast.twin.plan import RegionPlan, TwinPlan, write_private
from holdfast.twin.processes import described, exit_status, last_lines, signal_group
from holdfast.twin.region_config import PeerAddress, RegionConfig
from holdfast.twin.rpc import JsonObject, RpcError, acall
from holdfast.twin.status import RegionState, TwinEvent
from holdfast.twin.supervisor.children import Child, Children
from holdfast.twin.supervisor.valkey import valkey_answers, valkey_argv

SERVER_READY_TIMEOUT_S = 60.0
CATCH_UP_TIMEOUT_S = 60.0
RPC_TIMEOUT_S = 3.0
STATUS_TIMEOUT_S = 1.0
POLL_S = 0.05

SERVER_ARGV = (sys.executable, "-P", "-m", "holdfast.twin.region")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionSettings:
    """What all regions of a twin have in common.

    Attributes:
        state_dir: The twin's directory.
        plan: Where everything lives.
        token: What the supervisor and the region servers show each other.
        credentials: The key of the AWS API.
        valkey_password: Of the region servers' own user at their Valkeys.
        lag_ms: Replication lag.
        peer_delay_ms: Delay of one message between regions.
        server_argv: Program of a region server; ``--config FILE`` is added.
    """

    state_dir: Path
    plan: TwinPlan
    token: str
    credentials: Credentials
    valkey_password: str
    lag_ms: int
    peer_delay_ms: int
    server_argv: tuple[str, ...] = SERVER_ARGV


class RegionUnit:
    """Starts, breaks and mends the servers of one region."""

    def __init__(
        self,
        name: str,
        settings: RegionSettings,
        children: Children,
        events: EventLog,
    ) -> None:
        self.name = name
        self.state = RegionState.STARTING
        self.reason = ""
        self.server: Child | None = None
        self.valkey: Child | None = None
        self.cut_from: set[str] = set()
        self._settings = settings
        self._children = children
        self._events = events
        # Grows with every kill, so that a start under way notices that it is overtaken.
        self._generation = 0

    @property
    def place(self) -> RegionPlan:
        """Where the region lives."""
        return self._settings.plan.regions[self.name]

    async def start(self) -> None:
        """The first start: both servers at once.

        Raises:
            TwinError: If either does not become ready.
        """
        generation = self._generation
        self._start_server()
        self._start_valkey()
        try:
            await self._server_ready(generation)
            await self._valkey_ready(generation)
        except TwinError as error:
            self._end_servers()
            self._down(str(error))
            raise
        self.state = RegionState.UP

    async def bring_back(self, steps: list[TwinEvent]) -> None:
        """Restarts a region that is down: the server, what it missed, then Valkey.

        The region is left in state ``restoring``: the caller thaws the agents and then says
        ``back``.

        Args:
            steps: Receives an event for each step that is done.

        Raises:
            TwinError: If a server does not become ready, or the machine lacks something; the
                region is down again then.
        """
        self.state = RegionState.RESTORING
        self.reason = ""
        generation = self._generation
        known = set(self.cut_from)
        try:
            self._start_server()
            await self._server_ready(generation)
            steps.append(self._events.add("server-up", self.name))
            await self.ask("catch_up", timeout_s=CATCH_UP_TIMEOUT_S)
            self._still(generation)
            steps.append(self._events.add("caught-up", self.name))
            self._start_valkey()
            await self._valkey_ready(generation)
            steps.append(self._events.add("valkey-up", self.name))
            if known != self.cut_from:
                await self.tell_links()
                self._still(generation)
        except (TwinError, RpcError, OSError) as error:
            if generation == self._generation:
                self._end_servers()
                self._down(str(error))
            raise TwinError(
                f"region {self.name} did not come back: {error}. It is down; "
                f"look into {self.server_log} and try restore again."
            ) from error

    def back(self) -> None:
        """Declares a restored region up."""
        self.state = RegionState.UP

    def kill(self) -> None:
        """Ends both servers at once."""
        self._generation += 1
        self._end_servers()
        self._down("")

    def pause(self) -> None:
        """Stops both servers where they are."""
        self._signal(signal.SIGSTOP)
        self.state = RegionState.PAUSED

    def resume(self) -> None:
        """Lets both servers run on."""
        self._signal(signal.SIGCONT)
        self.state = RegionState.UP

    def let_go(self) -> None:
        """Takes the end of the servers for intended from now on; they still run."""
        self._generation += 1
        self.server = self.valkey = None

    async def tell_links(self) -> None:
        """Tells the server which links are cut; it starts with those it found in its file.

        Raises:
            RpcError: If the server does not answer.
        """
        told: set[str] | None = None
        while told != self.cut_from:  # A link may change while it is told of the others.
            told = set(self.cut_from)
            for peer in sorted(self._settings.plan.regions):
                if peer != self.name:
                    await self.ask("cut" if peer in told else "heal", peer=peer)

    async def ask(
        self, op: str, *, timeout_s: float = RPC_TIMEOUT_S, **arguments: JsonValue
    ) -> JsonObject:
        """One request to the region server.

        Raises:
            RpcError: If it does not answer in time or refuses.
        """
        message: JsonObject = {"op": op, "token": self._settings.token, **arguments}
        return await acall(self.place.address, self.place.peer_port, message, timeout_s=timeout_s)

    @property
    def server_log(self) -> Path:
        """Output of the region server."""
        return self._settings.state_dir / "logs" / f"{self.name}.log"

    @property
    def valkey_log(self) -> Path:
        """Output of the region's Valkey."""
        return self._settings.state_dir / "logs" / f"{self.name}-valkey.log"

    def _start_server(self) -> None:
        settings = self._settings
        home = settings.state_dir / "regions" / self.name
        # Secrets and tokens of the stack lie here as the emulator keeps them: in the clear.
        home.parent.mkdir(mode=0o700, exist_ok=True)
        home.mkdir(exist_ok=True)
        config = RegionConfig(
            region=self.name,
            host=self.place.address,
            api_port=self.place.api_port,
            peer_port=self.place.peer_port,
            ingress_port=settings.plan.ingress_port,
            valkey_port=self.place.valkey_port,
            state_dir=home,
            peers=self._peers(),
            lag_ms=settings.lag_ms,
            peer_delay_ms=settings.peer_delay_ms,
            cut=tuple(sorted(self.cut_from)),
            token=settings.token,
            credentials=settings.credentials,
            valkey_password=settings.valkey_password,
        )
        path = home / "config.json"
        write_private(path, config.model_dump_json(indent=2))
        argv = [*settings.server_argv, "--config", str(path)]
        self.server = self._start(argv, self.server_log, "region server")

    def _peers(self) -> Mapping[str, PeerAddress]:
        return {
            name: PeerAddress(host=place.address, port=place.peer_port)
            for name, place in self._settings.plan.regions.items()
            if name != self.name
        }

    def _start_valkey(self) -> None:
        home = self._settings.state_dir / "regions" / self.name / "valkey"
        argv = valkey_argv(
            home,
            self.place.address,
            self.place.valkey_port,
            self._settings.valkey_password,
        )
        self.valkey = self._start(argv, self.valkey_log, "Valkey")

    def _start(self, argv: list[str], log: Path, what: str) -> Child:
        try:
            child = self._children.start(
                argv,
                env=base_environment(),
                cwd=None,
                log=log,
                on_exit=lambda status: self._ended(child, what, status, log),
            )
        except OSError as error:
            raise TwinError(f"the {what} of {self.name} cannot start: {error}") from error
        return child

    def _ended(self, child: Child, what: str, status: int, log: Path) -> None:
        """Notices the end of a server; one that nobody ended on purpose is a crash."""
        if child not in {self.server, self.valkey}:
            return
        reason = f"its {what} ended with {described(status)}: {last_lines(log) or 'no output'}"
        if self.state in {RegionState.STARTING, RegionState.RESTORING}:
            # The start under way finds it out itself and reports it.
            self.reason = reason
            return
        self._generation += 1
        self._end_servers()
        self._down(reason)
        self._events.add("region-crashed", self.name, reason)

    async def _server_ready(self, generation: int) -> None:
        deadline_s = time.monotonic() + SERVER_READY_TIMEOUT_S
        while True:
            self._still(generation)
            try:
                await self.ask("status", timeout_s=STATUS_TIMEOUT_S)
            except RpcError as error:
                self._still_run()
                if time.monotonic() > deadline_s:
                    raise TwinError(
                        f"the region server of {self.name} was not ready within "
                        f"{SERVER_READY_TIMEOUT_S:.0f} s: {error}; its last words: "
                        f"{last_lines(self.server_log) or 'none'}"
                    ) from error
                await asyncio.sleep(POLL_S)
            else:
                self._still(generation)
                return

    async def _valkey_ready(self, generation: int) -> None:
        deadline_s = time.monotonic() + SERVER_READY_TIMEOUT_S
        while not await valkey_answers(self.place.address, self.place.valkey_port):
            self._still(generation)
            self._still_run()
            if time.monotonic() > deadline_s:
                raise TwinError(f"the Valkey of {self.name} was not ready in time")
            await asyncio.sleep(POLL_S)
        self._still(generation)
        self._still_run()

    def _still(self, generation: int) -> None:
        if generation != self._generation:
            raise TwinError("it was killed meanwhile")

    def _still_run(self) -> None:
        servers = (
            (self.server, "region server", self.server_log),
            (self.valkey, "Valkey", self.valkey_log),
        )
        for child, what, log in servers:
            status = None if child is None else exit_status(child)
            if status is not None:
                raise TwinError(
                    f"the {what} of {self.name} ended with {described(status)} before it was "
                    f"ready; its last words: {last_lines(log) or 'none'}"
                )

    def _end_servers(self) -> None:
        ending = (self.server, self.valkey)
        self.server = self.valkey = None
        for child in ending:
            if child is not None:
                signal_group(child, signal.SIGKILL)

    def _down(self, reason: str) -> None:
        self.state = RegionState.DOWN
        self.reason = reason

    def _signal(self, number: signal.Signals) -> None:
        for child in (self.server, self.valkey):
            if child is not None:
                signal_group(child, number)
