"""``holdfast drill``: break a platform on purpose, and measure what happens."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from holdfast.cli.options import HERE, AsJson, Project, StateDir
from holdfast.drills import DRILLS, run
from holdfast.drills.progress import LiveView, summary

app = typer.Typer(no_args_is_help=True, help="Break a platform on purpose, and measure.")


@app.command("list")
def list_drills() -> None:
    """List the drills and the mutants that each must catch."""
    for name, drill in sorted(DRILLS.items()):
        mutants = ", ".join(sorted(mutant.name for mutant in drill.mutants))
        typer.echo(f"{name}: {drill.hypothesis()} Mutants: {mutants}.")


@app.command("run")
def run_drill(
    name: Annotated[str, typer.Argument(help="Name of the drill; `list` tells them.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack to rehearse.")] = "prod",
    project: Project = HERE,
    mutant: Annotated[
        str | None, typer.Option("--mutant", help="A mistake to build in; the drill must fail.")
    ] = None,
    state_dir: StateDir = None,
    report_dir: Annotated[
        Path | None,
        typer.Option("--report-dir", help="For the reports.  [default: .holdfast/drills]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rehearse on a twin of its own; exit with 1 when an objective is missed."""
    home = project.resolve() / ".holdfast"
    reports = report_dir or home / "drills"
    # With --json the result has standard output to itself.
    console = Console(stderr=as_json)
    with LiveView(console) as view:
        result = run(
            name,
            project=project,
            stack=stack,
            mutant=mutant,
            state_dir=state_dir or home / "rehearsals",
            report_dir=reports,
            progress=view,
        )
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        console.print(summary(result))
        typer.echo(f"Report: {reports / result.report_file}")
    raise typer.Exit(result.exit_code)
