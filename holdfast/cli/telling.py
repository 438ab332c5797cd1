"""What ``holdfast twin`` tells: status, logs and events."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import typer

from holdfast.cli.plain import plain
from holdfast.cli.voice import Voice
from holdfast.errors import TwinError
from holdfast.twin import events as log
from holdfast.twin.client import Twin
from holdfast.twin.processes import tail
from holdfast.twin.status import AgentStatus, RegionState, RegionStatus, TwinStatus

_MEGABYTE = 1_000_000


def status(place: Path, same: str, *, as_json: bool) -> None:
    """Says how a twin is.

    Args:
        place: Its directory.
        same: Options that lead another command to it.
        as_json: Whether a machine reads it.
    """
    twin = Twin.attach(place)
    found = twin.status()
    if as_json:
        told = {**found.model_dump(mode="json"), "environment": twin.credentials.environment()}
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(plain("\n".join(_described(twin, found, same))))


def _described(twin: Twin, found: TwinStatus, same: str) -> Iterator[str]:
    for region in found.regions:
        yield (
            f"{region.name:16}{region.state:10}{twin.endpoint(region.name):32}"
            f"{region.memory_bytes / _MEGABYTE:6.0f} MB"
            + (f"  cut from {', '.join(region.cut_from)}" if region.cut_from else "")
            + (f"  owes {sum(owed.items for owed in region.pending)}" if region.pending else "")
        )
        for line in troubles(region, same):
            yield f"    {line}"
    for agent in found.agents:
        yield f"{agent.name:32}{agent.state:10}{_ended(agent)}".rstrip()
    for check in found.health_checks:
        why = f"  {check.last_problem}" if check.last_problem and not check.healthy else ""
        yield f"health check {check.target}: {'healthy' if check.healthy else 'unhealthy'}{why}"
    host, port = twin.dns
    yield f"resolver {host}:{port}, users' port {twin.ingress_port}"
    yield "key of this twin, for any AWS client of yours:"
    for name, value in twin.credentials.environment().items():
        yield f"    export {name}={value}"


def troubles(region: RegionStatus, same: str | None) -> Iterator[str]:
    """Why a region does not serve, and what to do about it; nothing where it does.

    Args:
        region: The region.
        same: Options that lead another command to its twin, or None where none is of use.
    """
    if region.state is RegionState.DOWN:
        yield region.reason or "it was killed on purpose"
        if same is not None:
            yield f"bring it back: `holdfast twin restore {region.name} {same}`"
    elif region.state is RegionState.PAUSED and same is not None:
        yield f"let it run on: `holdfast twin resume {region.name} {same}`"
    elif region.state is RegionState.UP and not region.answers:
        see = "" if same is None else f"; see `holdfast twin logs {region.name} {same}`"
        yield f"it does not answer{see}"


def _ended(agent: AgentStatus) -> str:
    return "" if agent.exit_code is None else f"with {agent.exit_code}, log {agent.log}"


def logs(place: Path, of: str | None, *, lines: int, as_json: bool) -> None:
    """Shows the ends of logs."""
    files = {file.stem: file for file in sorted((place / "logs").glob("**/*.log"))}
    if not files:
        raise TwinError(f"no twin has run in {place}. Name its --stack or --state-dir.")
    show(files, of, lines=lines, as_json=as_json)


def show(files: dict[str, Path], of: str | None, *, lines: int, as_json: bool) -> None:
    """Shows the ends of some logs, or of the one that is named.

    Raises:
        TwinError: If none has that name.
    """
    if of is not None and of not in files:
        raise TwinError(
            f"there is no log of {of!r}; there are {', '.join(files)}. Name one of those."
        )
    shown = {name: tail(file, lines) for name, file in files.items() if of in {None, name}}
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    for name, found in shown.items():
        if of is None:
            typer.echo(f"==> {name} ({files[name]})")
        for line in found:
            typer.echo(plain(line))


def events(place: Path, *, every: bool, as_json: bool) -> None:
    """Shows what has happened."""
    found = log.read(place)
    if not found:
        raise TwinError(f"no twin has run in {place}. Name its --stack or --state-dir.")
    shown = found if every else log.of_this_run(found)
    Voice(as_json=as_json).result([event.model_dump(mode="json") for event in shown])
    if not as_json:
        for event in shown:
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.wall_s))
            line = f"{at}  {event.kind:24}{event.region:16}{event.detail}"
            typer.echo(plain(line.rstrip()))
