"""The options that several commands take, worded once."""

from pathlib import Path
from typing import Annotated

import typer

Stack = Annotated[
    str, typer.Option("--stack", "-s", help="Name of the stack: Pulumi.STACK.yaml must exist.")
]
Project = Annotated[
    Path, typer.Option("--project", "-C", help="Directory of the project's Pulumi.yaml.")
]
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", help="The twin's directory.  [default: .holdfast/twin/STACK]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Say the same to a machine.")]

HERE = Path()
