"""``holdfast rules`` and ``holdfast explain``: what a policy pack asks for, and why."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.options import HERE, AsJson, Project

Pack = Annotated[
    Path | None, typer.Option("--pack", help="The policy pack.  [default: PROJECT/policies]")
]


def rules(project: Project = HERE, pack: Pack = None, as_json: AsJson = False) -> None:
    """List the rules of the policies, by what they belong to."""
    from holdfast import check

    found = check.policies_of(pack or project / "policies")
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(policy) for policy in found], indent=2))
    else:
        typer.echo(check.listing(found), nl=False)


def explain(
    rule: Annotated[str, typer.Argument(help="Id of a rule, as findings name it.")],
    project: Project = HERE,
    pack: Pack = None,
) -> None:
    """Explain a rule: what is asked and why, good, bad, the fix, and how to waive it."""
    from holdfast import check

    found = check.policies_of(pack or project / "policies")
    typer.echo(check.explanation(found, rule), nl=False)
