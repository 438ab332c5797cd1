"""``holdfast drill``: break a platform on purpose, and measure what happens."""

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.options import HERE, AsJson, Project, StateDir, help_when_alone

app = typer.Typer(
    help="Break a platform on purpose, and measure.",
    invoke_without_command=True,
    callback=help_when_alone,
)


@app.command("list")
def list_drills(as_json: AsJson = False) -> None:
    """List the drills.

    With the mutants that each must catch.
    """
    from holdfast.cli import rehearsing

    rehearsing.list_drills(as_json=as_json)


@app.command("run")
def run_drill(
    name: Annotated[
        str | None, typer.Argument(help="Name of the drill; `list` tells them.")
    ] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack to rehearse.")] = "prod",
    project: Project = HERE,
    own: Annotated[
        str | None,
        typer.Option("--drill", help="A drill of your own instead: module:Class.", metavar="CLASS"),
    ] = None,
    agents: Annotated[
        Path | None,
        typer.Option("--agents", help="Document of your own agents: docs/drills.md."),
    ] = None,
    mutant: Annotated[
        str | None, typer.Option("--mutant", help="A mistake to build in; the drill must fail.")
    ] = None,
    state_dir: StateDir = None,
    report_dir: Annotated[
        Path | None,
        typer.Option("--report-dir", help="For the reports.  [default: .holdfast/drills]"),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Start on a machine that is too busy, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rehearse on a twin of its own.

    Exits with 1 when an objective is missed.
    """
    from holdfast.cli import rehearsing

    rehearsing.run_drill(
        name,
        own=own,
        stack=stack,
        project=project,
        mutant=mutant,
        state_dir=state_dir,
        report_dir=report_dir,
        agents_file=agents,
        anyway=anyway,
        as_json=as_json,
    )


@app.command("clean")
def clean(
    project: Project = HERE,
    state_dir: Annotated[
        Path | None,
        typer.Option("--state-dir", help="What `run` was given.  [default: .holdfast/rehearsals]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove what failed drills have kept.

    Their twins' states and logs; one that still runs is left.
    """
    from holdfast.cli import rehearsing

    rehearsing.clean(project=project, state_dir=state_dir, as_json=as_json)
