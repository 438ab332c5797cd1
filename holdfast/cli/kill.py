"""``holdfast kill``: look at a jurisdiction's kill switch, trip it, arm it."""

from typing import Annotated

import typer

from holdfast.cli.options import HERE, AsJson, Project, StateDir, help_when_alone, place_of

app = typer.Typer(
    help="The kill switch of a jurisdiction: what it says, and change it. Without --stack, of the "
    "platform that HOLDFAST_PLATFORM_FILE or HOLDFAST_PLATFORM_PARAMETER describes, by the role "
    "that the contract names.",
    invoke_without_command=True,
    callback=help_when_alone,
)

OnTwin = Annotated[
    str | None, typer.Option("--stack", "-s", help="The stack's twin on this machine instead.")
]
Jurisdiction = Annotated[str, typer.Argument(help="Whose switch, such as eu.")]
Region = Annotated[
    str | None,
    typer.Option("--region", help="Where to ask, if one region is lost.  [default: any]"),
]
By = Annotated[str, typer.Option("--by", help="Who does it; also the name of the session.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever reads it at 3 a.m.")]


@app.command("status")
def status(
    jurisdiction: Jurisdiction,
    stack: OnTwin = None,
    region: Region = None,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what the switch says; exit with 1 when it is tripped."""
    from holdfast.cli import killing

    place = None if stack is None else place_of(stack, project, state_dir)
    killing.status(killing.Whose(jurisdiction, place, region), as_json=as_json)


@app.command("trip")
def trip(
    jurisdiction: Jurisdiction,
    by: By,
    reason: Reason,
    stack: OnTwin = None,
    region: Region = None,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Stop every agent of the jurisdiction.

    Repeat it until it is acknowledged.
    """
    from holdfast.cli import killing

    place = None if stack is None else place_of(stack, project, state_dir)
    killing.trip(killing.Whose(jurisdiction, place, region), by, reason, as_json=as_json)


@app.command("arm")
def arm(
    jurisdiction: Jurisdiction,
    by: By,
    reason: Reason,
    epoch: Annotated[
        int, typer.Option("--epoch", min=0, help="What `status` showed; 0 for a new switch.")
    ],
    stack: OnTwin = None,
    region: Region = None,
    project: Project = HERE,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Let the jurisdiction's agents act: the first time, or again.

    Refused when the switch has changed since you looked at it.
    """
    from holdfast.cli import killing

    place = None if stack is None else place_of(stack, project, state_dir)
    killing.arm(killing.Whose(jurisdiction, place, region), by, reason, epoch, as_json=as_json)
