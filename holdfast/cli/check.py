"""``holdfast check``: the policy pack over a stack's graph, with no CLI and no credentials."""

import contextlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.options import HERE, AsJson, Project, Stack


class Format(StrEnum):
    """What reads the findings."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


def check(
    stack: Stack,
    project: Project = HERE,
    pack: Annotated[
        Path | None, typer.Option("--pack", help="The policy pack.  [default: PROJECT/policies]")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="What reads it.")] = Format.TEXT,
    as_json: AsJson = False,
) -> None:
    """Check a stack against the policies.

    Exits with 1 when a mandatory one is violated.
    """
    from holdfast import check as checks

    # What the program prints must not stand in the middle of what a machine reads.
    with contextlib.redirect_stdout(sys.stderr):
        report = checks.run_stack(project, stack, pack or project / "policies")
    write = checks.FORMATS[Format.JSON if as_json else output]
    typer.echo(write(report), nl=False)
    raise typer.Exit(report.exit_code)
