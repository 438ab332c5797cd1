"""What ``holdfast twin agents`` does."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from holdfast.cli import telling
from holdfast.cli.voice import Voice
from holdfast.drills.application import ORCHESTRATOR, read_agents
from holdfast.errors import TwinError
from holdfast.twin.agents import AgentProgram
from holdfast.twin.client import Twin
from holdfast.twin.deployed import CONTRACT_FILE, load_contract, serves, url_of
from holdfast.twin.processes import described, last_lines
from holdfast.twin.status import AgentState, AgentStatus

SERVES_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.2


def up(place: Path, *, document: Path | None, project: Path, same: str, as_json: bool) -> None:
    """Starts an agent in each region that serves users, and waits until all do.

    Args:
        place: The twin's directory.
        document: File that says how to start them; None for the reference agents.
        project: Directory from which their modules are imported.
        same: Options that lead another command to the same twin.
        as_json: Whether a machine reads what is said.
    """
    agents = ORCHESTRATOR if document is None else read_agents(document)
    folders = [project] if document is None else [document.parent, project]
    program = agents.program(*folders)
    twin = Twin.attach(place)
    platform = load_contract(place)
    paths = {
        region: agents.ready or one.ingress.health_path
        for region, one in sorted(platform.regions.items())
    }
    voice = Voice(as_json=as_json)
    running = {agent.name for agent in _living(twin)}
    started: list[str] = []
    try:
        for region in paths:
            if program.process(region) not in running:
                program.start(twin, region, twin.state_dir / CONTRACT_FILE)
                started.append(program.process(region))
        _wait(twin, program, paths, voice)
    except BaseException:
        _end(twin, started)
        raise
    _tell(twin, program, paths, started, same, voice)


def _tell(
    twin: Twin,
    program: AgentProgram,
    regions: Iterable[str],
    started: Sequence[str],
    same: str,
    voice: Voice,
) -> None:
    for region in regions:
        voice.say(f"{program.process(region)} serves {url_of(twin, region)}")
    voice.say(
        f"Next: POST a task to one of them; `holdfast twin agents logs {same}` shows what became "
        f"of it, `holdfast twin agents down {same}` ends them."
    )
    voice.result(
        {
            "agents": [
                {"name": program.process(region), "region": region, "url": url_of(twin, region)}
                for region in regions
            ],
            "started": [*started],
        }
    )


def _wait(twin: Twin, program: AgentProgram, paths: Mapping[str, str], voice: Voice) -> None:
    """Returns when every region's agent answers.

    Raises:
        TwinError: If one has ended, or does not in time.
    """
    until_s = time.monotonic() + SERVES_WITHIN_S
    waiting = list(paths)
    voice.count("Agents that serve", 0, len(paths))
    while waiting := [region for region in waiting if not serves(twin, region, paths[region])]:
        statuses = {agent.name: agent for agent in twin.status().agents}
        for region in waiting:
            _expect_running(statuses[program.process(region)])
        if time.monotonic() > until_s:
            logs = ", ".join(str(statuses[program.process(region)].log) for region in waiting)
            raise TwinError(
                f"the agents in {', '.join(waiting)} did not answer {paths[waiting[0]]} within "
                f"{SERVES_WITHIN_S:.0f} s, so those that were started were ended; see {logs}."
            )
        time.sleep(_LOOK_EVERY_S)
        voice.count("Agents that serve", len(paths) - len(waiting), len(paths))
    voice.count("Agents that serve", len(paths), len(paths))


def _expect_running(agent: AgentStatus) -> None:
    if agent.state is AgentState.FROZEN:
        raise TwinError(
            f"agent {agent.name} is frozen with its region. "
            f"Bring {agent.region} back, with `holdfast twin restore` or `resume`."
        )
    if agent.exit_code is not None:
        raise TwinError(
            f"agent {agent.name} ended with {described(agent.exit_code)} before it served; its "
            f"last words: {last_lines(agent.log) or 'none'} (in {agent.log})."
        )


def _living(twin: Twin) -> list[AgentStatus]:
    return [agent for agent in twin.status().agents if agent.state is not AgentState.EXITED]


def _end(twin: Twin, names: Sequence[str]) -> None:
    living = {agent.name for agent in _living(twin)}
    for name in names:
        if name in living:
            twin.end_agent(name)


def down(place: Path, *, as_json: bool) -> None:
    """Ends every agent."""
    twin = Twin.attach(place)
    names = [agent.name for agent in _living(twin)]
    _end(twin, names)
    voice = Voice(as_json=as_json)
    voice.say(f"Ended {', '.join(names)}." if names else "No agent runs.")
    voice.result({"ended": [*names]})


def logs(place: Path, name: str | None, *, lines: int, as_json: bool) -> None:
    """Shows the ends of the agents' logs."""
    files = {file.stem: file for file in sorted((place / "logs" / "agents").glob("*.log"))}
    if not files:
        raise TwinError(
            f"no agent has run in {place}. Start some with `holdfast twin agents up`, or name "
            "its --stack or --state-dir."
        )
    telling.show(files, name, lines=lines, as_json=as_json)
