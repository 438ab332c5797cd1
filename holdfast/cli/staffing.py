"""What ``holdfast twin agents`` does."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from holdfast.cli import telling
from holdfast.cli.voice import Voice
from holdfast.contract import Platform
from holdfast.errors import TwinError
from holdfast.twin.client import Twin
from holdfast.twin.deployed import load_contract, serves, start_agent, url_of
from holdfast.twin.processes import described, last_lines
from holdfast.twin.status import AgentState, AgentStatus

SERVES_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.2
_NAME = "orchestrator-"


def up(place: Path, *, command: str, project: Path, same: str, as_json: bool) -> None:
    """Starts an agent in each region that serves users, and waits until all do."""
    words = _words(command)
    twin = Twin.attach(place)
    platform = load_contract(place)
    voice = Voice(as_json=as_json)
    running = {agent.name for agent in _living(twin)}
    started: list[str] = []
    try:
        for region in sorted(platform.regions):
            if _NAME + region not in running:
                start_agent(twin, region, _NAME + region, words, project=project)
                started.append(_NAME + region)
        _wait(twin, platform, voice)
    except BaseException:
        _end(twin, started)
        raise
    for region in sorted(platform.regions):
        voice.say(f"{_NAME}{region} serves {url_of(twin, region)}")
    voice.say(
        f"Next: POST a task to one of them, `holdfast twin agents logs {same}` shows what became "
        f"of it, `holdfast twin agents down {same}` ends them."
    )
    voice.result(
        {
            "agents": [
                {"name": _NAME + region, "region": region, "url": url_of(twin, region)}
                for region in sorted(platform.regions)
            ],
            "started": [*started],
        }
    )


def _words(command: str) -> Sequence[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise TwinError(f"--command {command!r} is no command line: {error}.") from error
    if not words:
        raise TwinError("--command is empty. Give a program and its arguments.")
    return words


def _wait(twin: Twin, platform: Platform, voice: Voice) -> None:
    """Returns when every region's agent answers its health check.

    Raises:
        TwinError: If one has ended, or does not in time.
    """
    regions = sorted(platform.regions)
    until_s = time.monotonic() + SERVES_WITHIN_S
    waiting = regions
    voice.count("Agents that serve", 0, len(regions))
    while waiting := [region for region in waiting if not serves(twin, platform, region)]:
        statuses = {agent.name: agent for agent in twin.status().agents}
        for region in waiting:
            _expect_running(statuses[_NAME + region])
        if time.monotonic() > until_s:
            logs = ", ".join(str(statuses[_NAME + region].log) for region in waiting)
            raise TwinError(
                f"the agents in {', '.join(waiting)} did not answer their health check within "
                f"{SERVES_WITHIN_S:.0f} s, and were ended again; look into {logs}."
            )
        time.sleep(_LOOK_EVERY_S)
        voice.count("Agents that serve", len(regions) - len(waiting), len(regions))
    voice.count("Agents that serve", len(regions), len(regions))


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
