"""``holdfast twin agents``: the reference agents, or a team's own, on a twin that is up."""

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.options import (
    HERE,
    AsJson,
    Project,
    Stack,
    StateDir,
    help_when_alone,
    place_of,
    same_twin,
)

app = typer.Typer(
    help="Agents on a twin that is up.",
    invoke_without_command=True,
    callback=help_when_alone,
)

Document = Annotated[
    Path | None,
    typer.Option("--agents", help="Document of your own agents: docs/drills.md."),
]


@app.command("up")
def up(
    stack: Stack,
    project: Project = HERE,
    state_dir: StateDir = None,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Start an agent in every serving region.

    Where none runs; waits until all serve.
    """
    from holdfast.cli import staffing

    staffing.up(
        place_of(stack, project, state_dir),
        document=document,
        project=project,
        same=same_twin(stack, project, state_dir),
        as_json=as_json,
    )


@app.command("down")
def down(
    stack: Stack, project: Project = HERE, state_dir: StateDir = None, as_json: AsJson = False
) -> None:
    """End every agent of the twin."""
    from holdfast.cli import staffing

    staffing.down(place_of(stack, project, state_dir), as_json=as_json)


@app.command("logs")
def logs(
    stack: Stack,
    name: Annotated[str | None, typer.Argument(help="An agent.  [default: all]")] = None,
    project: Project = HERE,
    state_dir: StateDir = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=100_000, help="How many of each, at most.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the ends of the agents' logs.

    Also after they have ended.
    """
    from holdfast.cli import staffing

    staffing.logs(place_of(stack, project, state_dir), name, lines=lines, as_json=as_json)
