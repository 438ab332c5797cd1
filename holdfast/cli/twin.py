"""``holdfast twin``: a stack on a cloud of processes on this machine."""

from enum import StrEnum
from typing import Annotated

import typer

from holdfast.cli import agents
from holdfast.cli.options import (
    HERE,
    AsJson,
    Project,
    Quiet,
    Region,
    StateDir,
    help_when_alone,
    place_of,
    same_twin,
)
from holdfast.cli.options import Stack as StackName

app = typer.Typer(
    help="A stack on a cloud of processes on this machine.",
    invoke_without_command=True,
    callback=help_when_alone,
)
app.add_typer(agents.app, name="agents")


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
OtherRegion = Annotated[str, typer.Argument(help="The region at the other end of the link.")]


@app.command("up")
def up(
    stack: StackName,
    project: Project = HERE,
    engine: Engine = EngineName.INPROCESS,
    state_dir: StateDir = None,
    dns_port: DnsPort = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Deploy the stack to its twin.

    Starts the twin where it does not run.
    """
    from holdfast.cli import deploying
    from holdfast.cli.voice import Voice

    deploying.up(
        deploying.Target(stack, project, place_of(stack, project, state_dir)),
        engine=engine,
        dns_port=dns_port,
        same=same_twin(stack, project, state_dir),
        voice=Voice(quiet=quiet, as_json=as_json),
    )


@app.command("preview")
def preview(
    stack: StackName, project: Project = HERE, state_dir: StateDir = None, as_json: AsJson = False
) -> None:
    """Say what `up` would do."""
    from holdfast.cli import deploying
    from holdfast.cli.voice import Voice

    target = deploying.Target(stack, project, place_of(stack, project, state_dir))
    deploying.preview(target, same_twin(stack, project, state_dir), Voice(as_json=as_json))


@app.command("refresh")
def refresh(
    stack: StackName, project: Project = HERE, state_dir: StateDir = None, as_json: AsJson = False
) -> None:
    """Read every resource again.

    Tells the drift, and exits with 1 when there is some.
    """
    from holdfast.cli import deploying
    from holdfast.cli.voice import Voice

    target = deploying.Target(stack, project, place_of(stack, project, state_dir))
    deploying.refresh(target, same_twin(stack, project, state_dir), Voice(as_json=as_json))


@app.command("destroy")
def destroy(
    stack: StackName,
    project: Project = HERE,
    state_dir: StateDir = None,
    force: Annotated[
        bool, typer.Option("--force", help="Lift protection, and empty buckets.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove every resource of the stack.

    The twin keeps running.
    """
    from holdfast.cli import deploying
    from holdfast.cli.voice import Voice

    target = deploying.Target(stack, project, place_of(stack, project, state_dir))
    deploying.destroy(
        target, same_twin(stack, project, state_dir), Voice(as_json=as_json), force=force
    )


@app.command("status")
def status(
    stack: StackName,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what runs, and what is wrong.

    Regions with their endpoints, why one is down, agents, health checks, and what replication
    owes.
    """
    from holdfast.cli import telling

    place = place_of(stack, project, state_dir)
    telling.status(place, same_twin(stack, project, state_dir), as_json=as_json)


@app.command("logs")
def logs(
    stack: StackName,
    of: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A region, a region's -valkey, an agent, or `supervisor`."
        ),
    ] = None,
    project: Project = HERE,
    state_dir: StateDir = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=100_000, help="How many of each, at most.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the ends of the twin's logs.

    Also after it has ended.
    """
    from holdfast.cli import telling

    telling.logs(place_of(stack, project, state_dir), of, lines=lines, as_json=as_json)


@app.command("events")
def events(
    stack: StackName,
    project: Project = HERE,
    state_dir: StateDir = None,
    every: Annotated[
        bool, typer.Option("--all", help="Those of earlier runs of the twin too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what has happened to the twin.

    Since it was started, also after it has ended.
    """
    from holdfast.cli import telling

    telling.events(place_of(stack, project, state_dir), every=every, as_json=as_json)


@app.command("kill")
def kill(
    stack: StackName,
    region: Region,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Lose a region.

    Its servers die at once, its agents freeze and answer nothing.
    """
    from holdfast.cli import breaking

    place = place_of(stack, project, state_dir)
    breaking.fault(place, "kill", region, as_json=as_json)


@app.command("restore")
def restore(
    stack: StackName,
    region: Region,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Bring a region back that is down.

    Killed or crashed: its servers restart and catch up, then its agents go on.
    """
    from holdfast.cli import breaking

    place = place_of(stack, project, state_dir)
    breaking.fault(place, "restore", region, as_json=as_json)


@app.command("pause")
def pause(
    stack: StackName,
    region: Region,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Stop every process of a region.

    None ends: connections to it hang until it is resumed.
    """
    from holdfast.cli import breaking

    place = place_of(stack, project, state_dir)
    breaking.fault(place, "pause", region, as_json=as_json)


@app.command("resume")
def resume(
    stack: StackName,
    region: Region,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a paused region run on."""
    from holdfast.cli import breaking

    place = place_of(stack, project, state_dir)
    breaking.fault(place, "resume", region, as_json=as_json)


@app.command("cut")
def cut(
    stack: StackName,
    region: Region,
    other: OtherRegion,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Cut the link between two regions.

    In both directions.
    """
    from holdfast.cli import breaking

    place = place_of(stack, project, state_dir)
    breaking.fault(place, "cut", region, other, as_json=as_json)


@app.command("heal")
def heal(
    stack: StackName,
    region: Region,
    other: OtherRegion,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Mend the link between two regions."""
    from holdfast.cli import breaking

    place = place_of(stack, project, state_dir)
    breaking.fault(place, "heal", region, other, as_json=as_json)


@app.command("stop")
def stop(
    stack: StackName, project: Project = HERE, state_dir: StateDir = None, as_json: AsJson = False
) -> None:
    """End the twin and keep its state.

    The next `up` goes on from there.
    """
    from holdfast.cli import clearing

    clearing.stop(place_of(stack, project, state_dir), as_json=as_json)


@app.command("down")
def down(
    stack: StackName, project: Project = HERE, state_dir: StateDir = None, as_json: AsJson = False
) -> None:
    """End the twin and remove its state.

    Nothing is removed that cannot be proved dead.
    """
    from holdfast.cli import clearing

    clearing.down(place_of(stack, project, state_dir), as_json=as_json)
