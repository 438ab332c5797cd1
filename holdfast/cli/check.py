"""``holdfast check``: the policy pack over a stack's graph, with no CLI and no credentials."""

import contextlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.options import HERE, AsJson, Project, Stack
from holdfast.errors import GraphError, HoldfastError


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

    Exits with 1 when a mandatory one is violated, and with 2 when it could not be carried out,
    which every format but text says in its own form too.
    """
    from holdfast import check as checks

    chosen = Format.JSON if as_json else output
    try:
        # What the program prints must not stand in the middle of what a machine reads.
        with contextlib.redirect_stdout(sys.stderr):
            report = checks.run_stack(project, stack, pack or project / "policies")
    except HoldfastError as error:
        file, line = (error.file, error.line) if isinstance(error, GraphError) else (None, None)
        typer.echo(checks.FAILURES[chosen](str(error), file, line), nl=False)
        raise
    typer.echo(checks.FORMATS[chosen](report), nl=False)
    raise typer.Exit(report.exit_code)
