"""The agent processes of a running twin: spawned in a region, frozen and thawed with it.

An agent that exits is noted, not restarted: what to do about it is the drill's business.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from holdfast.errors import TwinError
from holdfast.twin.credentials import Credentials
from holdfast.twin.environment import agent_environment, base_environment
from holdfast.twin.events import EventLog
from holdfast.twin.plan import TwinPlan
from holdfast.twin.processes import described, last_lines, memory_bytes, signal_group
from holdfast.twin.status import AgentState, AgentStatus
from holdfast.twin.supervisor.children import Child, Children

NAME_LONGEST = 100


@dataclass(slots=True)
class Agent:
    """One spawned process, running or not."""

    name: str
    region: str
    log: Path
    child: Child
    state: AgentState
    exit_code: int | None = None


class Agents:
    """Every process that was spawned in a region of the twin."""

    def __init__(
        self,
        state_dir: Path,
        plan: TwinPlan,
        credentials: Credentials,
        children: Children,
        events: EventLog,
    ) -> None:
        self._logs = state_dir / "logs" / "agents"
        self._plan = plan
        self._credentials = credentials
        self._children = children
        self._events = events
        self._agents: dict[str, Agent] = {}

    def spawn(
        self, region: str, name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path
    ) -> int:
        """Starts an agent and returns its pid.

        Raises:
            TwinError: If the name is taken or cannot be one, or the program cannot start.
        """
        self._check(name, argv)
        log = self._logs / f"{name}.log"
        ours = agent_environment(self._plan, self._credentials, region)
        environment = {**base_environment(), **ours, **env}
        try:
            child = self._children.start(
                argv, env=environment, cwd=cwd, log=log, on_exit=partial(self._ended, name)
            )
        except (OSError, ValueError) as error:
            raise TwinError(
                f"agent {name} cannot start: {error}. Its command was {argv[0]!r} in {cwd}."
            ) from error
        self._agents[name] = Agent(name, region, log, child, AgentState.RUNNING)
        self._events.add("agent-started", region, f"{name} is process {child.pid}")
        return child.pid

    def running(self, name: str) -> Child:
        """The process of an agent that has not ended.

        Raises:
            TwinError: If there is none of that name.
        """
        agent = self._agents.get(name)
        if agent is None or agent.state is AgentState.EXITED:
            living = [
                one.name for one in self._agents.values() if one.state is not AgentState.EXITED
            ]
            raise TwinError(
                f"no agent called {name} runs; there are {', '.join(sorted(living)) or 'none'}. "
                "Name one of those."
            )
        return agent.child

    def any_runs(self, region: str) -> bool:
        """Whether an agent of a region runs, neither frozen nor ended."""
        return any(
            agent.region == region and agent.state is AgentState.RUNNING
            for agent in self._agents.values()
        )

    def freeze(self, region: str) -> int:
        """Stops the agents of a region where they are; how many."""
        return self._switch(region, signal.SIGSTOP, AgentState.RUNNING, AgentState.FROZEN)

    def thaw(self, region: str) -> int:
        """Lets the agents of a region run on; how many."""
        return self._switch(region, signal.SIGCONT, AgentState.FROZEN, AgentState.RUNNING)

    def kill_frozen(self) -> None:
        """Ends the agents that are frozen."""
        for agent in self._agents.values():
            if agent.state is AgentState.FROZEN:
                signal_group(agent.child, signal.SIGKILL)

    def children(self) -> tuple[Child, ...]:
        """The processes that have not ended."""
        return tuple(
            agent.child for agent in self._agents.values() if agent.state is not AgentState.EXITED
        )

    def statuses(self) -> tuple[AgentStatus, ...]:
        """What has become of each, in the order of their start."""
        return tuple(
            AgentStatus(
                name=agent.name,
                region=agent.region,
                state=agent.state,
                pid=None if agent.state is AgentState.EXITED else agent.child.pid,
                exit_code=agent.exit_code,
                memory_bytes=(
                    0 if agent.state is AgentState.EXITED else memory_bytes(agent.child.pid)
                ),
                log=agent.log,
            )
            for agent in self._agents.values()
        )

    def _check(self, name: str, argv: Sequence[str]) -> None:
        plain = name.replace("-", "").replace("_", "").replace(".", "")
        if not plain.isalnum() or not plain.isascii() or len(name) > NAME_LONGEST:
            raise TwinError(
                f"an agent cannot be called {name!r}: it names its log file. Use letters, digits, "
                f"'-', '_' and '.', at most {NAME_LONGEST} of them."
            )
        known = self._agents.get(name)
        if known is not None and known.state is not AgentState.EXITED:
            raise TwinError(
                f"an agent called {name} already runs in {known.region} (process "
                f"{known.child.pid}). Give this one another name."
            )
        if not argv:
            raise TwinError(f"agent {name} has no command. Give its program and arguments.")

    def _switch(
        self, region: str, number: signal.Signals, before: AgentState, after: AgentState
    ) -> int:
        changed = 0
        for agent in self._agents.values():
            if agent.region == region and agent.state is before:
                signal_group(agent.child, number)
                agent.state = after
                changed += 1
        return changed

    def _ended(self, name: str, status: int) -> None:
        agent = self._agents.get(name)
        if agent is None:
            return
        agent.state = AgentState.EXITED
        agent.exit_code = status
        words = last_lines(agent.log, count=1) or "no output"
        self._events.add("agent-exited", agent.region, f"{name} with {described(status)}: {words}")
