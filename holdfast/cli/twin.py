"""``holdfast twin``: a stack on a cloud of processes on this machine."""

import shlex
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.options import HERE, AsJson, Project, StateDir
from holdfast.cli.options import Stack as StackName
from holdfast.errors import TwinError
from holdfast.twin.client import Twin
from holdfast.twin.events import EVENTS_FILE
from holdfast.twin.fronts.engine import find_pulumi
from holdfast.twin.launch import SUPERVISOR_LOG
from holdfast.twin.plan import LOCK_FILE, TwinPlan, TwinRecord
from holdfast.twin.stack import (
    Front,
    FrontName,
    forget_front,
    front_in_use,
    front_of,
    platform_of,
    regions_of,
    state_dir_of,
)
from holdfast.twin.status import TwinStatus

_MEGABYTE = 1_000_000

app = typer.Typer(no_args_is_help=True, help="A stack on a cloud of processes on this machine.")


class EngineName(StrEnum):
    """What runs the program."""

    INPROCESS = "inprocess"
    PULUMI = "pulumi"


Engine = Annotated[
    EngineName, typer.Option("--engine", help="`pulumi` runs the real CLI, which must be on PATH.")
]
DnsPort = Annotated[
    int | None,
    typer.Option("--dns-port", min=1, max=65_535, help="Port of the resolver on 127.0.0.1."),
]


@app.command("up")
def up(
    stack: StackName,
    project: Project = HERE,
    engine: Engine = EngineName.INPROCESS,
    state_dir: StateDir = None,
    dns_port: DnsPort = None,
) -> None:
    """Start the twin if it does not run, and deploy the stack to it."""
    place = state_dir or state_dir_of(project, stack)
    _expect_room(place)
    if engine is EngineName.PULUMI:
        find_pulumi()  # Missing, it would be missed only when the twin runs.
    before = TwinPlan.load(place)
    with _running(project, stack, place, dns_port) as twin:
        front = front_of(
            FrontName(engine), project=project, stack=stack, twin=twin, on_line=typer.echo
        )
        if before is not None and twin.plan.moved_from(before):
            typer.echo("Some of its addresses are taken by now: it moves to others.")
            front.refresh()
        changes = front.up()
        platform = platform_of(changes)
        typer.echo(f"{changes}.")
        for name, jurisdiction in sorted(platform.jurisdictions.items()):
            regions = ", ".join(sorted(jurisdiction.regions))
            typer.echo(f"{name}: {jurisdiction.hostname} on {regions}")
        same = same_twin(stack, project, state_dir)
        typer.echo(f"Next: `holdfast twin status {same}`; `holdfast twin down {same}` ends it.")


def _expect_room(place: Path) -> None:
    """Refuses a directory that holds other things than a twin: ``down`` would remove them."""
    if not place.is_dir() or (place / LOCK_FILE).exists():
        return
    # A supervisor that did not come so far has left its log and no more.
    others = sorted(path.name for path in place.iterdir() if path.name != SUPERVISOR_LOG.parts[0])
    if others:
        raise TwinError(
            f"{place} holds {others[0]}, which no twin has put there and `twin down` would "
            "remove. Name a --state-dir that is empty or does not exist."
        )


def same_twin(stack: str, project: Path, state_dir: Path | None) -> str:
    """The options that lead another command to the same twin."""
    words = ["-s", stack]
    if state_dir is not None:
        words += ["--state-dir", str(state_dir)]
    elif project != HERE:
        words += ["-C", str(project)]
    return shlex.join(words)


@contextmanager
def _running(project: Path, stack: str, state_dir: Path, dns_port: int | None) -> Generator[Twin]:
    """The stack's twin; one that was started here does not outlive a failure."""
    regions = regions_of(project, stack)
    if TwinRecord.load(state_dir) is not None and _is_running(state_dir):
        twin = Twin.attach(state_dir)
        missing = sorted(set(regions) - set(twin.regions))
        if missing:
            raise TwinError(
                f"the twin in {state_dir} runs without {', '.join(missing)}, which the stack now "
                f"names. Restart it: `holdfast twin stop -s {stack}`, then `up` again."
            )
        yield twin
        return
    typer.echo(f"Starting {len(regions)} regions: {', '.join(regions)}.")
    # Detached only once the stack is on it: until then the twin ends with this process, so that
    # an interruption between any two lines leaves nothing behind.
    twin = Twin.start(state_dir=state_dir, regions=regions, dns_port=dns_port, detached=False)
    try:
        yield twin
    except BaseException:
        twin.stop()
        raise
    twin.detach()


def _is_running(state_dir: Path) -> bool:
    try:
        Twin.attach(state_dir)
    except TwinError:
        return False
    return True


def _front(stack: str, project: Path, state_dir: Path | None) -> tuple[Twin, Front]:
    twin = Twin.attach(state_dir or state_dir_of(project, stack))
    name = front_in_use(twin)
    return twin, front_of(name, project=project, stack=stack, twin=twin, on_line=typer.echo)


@app.command("preview")
def preview(stack: StackName, project: Project = HERE, state_dir: StateDir = None) -> None:
    """Say what `up` would do."""
    _, front = _front(stack, project, state_dir)
    typer.echo(f"{front.preview()}.")


@app.command("refresh")
def refresh(stack: StackName, project: Project = HERE, state_dir: StateDir = None) -> None:
    """Read every resource again and tell the drift; exit with 1 when there is some."""
    _, front = _front(stack, project, state_dir)
    changes = front.refresh()
    typer.echo(f"{changes}.")
    for urn, properties in sorted(changes.drifted.items()):
        typer.echo(f"{urn}: {', '.join(properties) or 'gone'}")
    raise typer.Exit(1 if changes.drifted else 0)


@app.command("destroy")
def destroy(
    stack: StackName,
    project: Project = HERE,
    state_dir: StateDir = None,
    force: Annotated[
        bool, typer.Option("--force", help="Lift protection, and empty buckets.")
    ] = False,
) -> None:
    """Remove every resource of the stack, and keep the twin running."""
    twin, front = _front(stack, project, state_dir)
    typer.echo(f"{front.destroy(forced=force)}.")
    forget_front(twin)


@app.command("status")
def status(
    stack: StackName,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Show regions, endpoints, health checks, agents and what replication owes."""
    twin = Twin.attach(state_dir or state_dir_of(project, stack))
    found = twin.status()
    typer.echo(found.model_dump_json(indent=2) if as_json else _described(twin, found))


def _described(twin: Twin, found: TwinStatus) -> str:
    lines = [
        f"{region.name:16}{region.state:10}{twin.endpoint(region.name):32}"
        f"{region.memory_bytes / _MEGABYTE:6.0f} MB"
        + (f"  cut from {', '.join(region.cut_from)}" if region.cut_from else "")
        + (f"  owes {sum(owed.items for owed in region.pending)}" if region.pending else "")
        for region in found.regions
    ]
    host, port = twin.dns
    lines.append(f"resolver {host}:{port}, users' port {twin.ingress_port}")
    return "\n".join(lines)


@app.command("stop")
def stop(stack: StackName, project: Project = HERE, state_dir: StateDir = None) -> None:
    """End the twin's processes and keep what is deployed for the next `up`."""
    Twin.attach(state_dir or state_dir_of(project, stack)).stop()
    typer.echo("Stopped; its state is kept.")


@app.command("down")
def down(stack: StackName, project: Project = HERE, state_dir: StateDir = None) -> None:
    """End the twin's processes and forget what was deployed."""
    place = state_dir or state_dir_of(project, stack)
    if TwinRecord.load(place) is not None and _is_running(place):
        Twin.attach(place).stop()
    # Nothing is removed that a twin has not written.
    if not (place / EVENTS_FILE).exists():
        raise TwinError(f"no twin has run in {place}. Name its --stack or --state-dir.")
    shutil.rmtree(place)
    typer.echo("The twin is gone.")
