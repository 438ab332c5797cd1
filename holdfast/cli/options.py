"""The options that several commands take, worded once."""

import shlex
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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Region = Annotated[str, typer.Argument(help="AWS name of a region of the twin.")]

HERE = Path()


def place_of(stack: str, project: Path, state_dir: Path | None) -> Path:
    """The directory of a stack's twin. As ``holdfast.twin.stack``'s, which takes long to import."""
    if state_dir is not None:
        return state_dir
    if not stack or "/" in stack or "\0" in stack or stack.startswith("."):
        raise typer.BadParameter(f"{stack!r} is no stack's name; Pulumi.STACK.yaml must exist")
    return project.resolve() / ".holdfast" / "twin" / stack


def same_twin(stack: str, project: Path, state_dir: Path | None) -> str:
    """The options that lead another command to the same twin."""
    words = ["-s", stack]
    if state_dir is not None:
        words += ["--state-dir", str(state_dir)]
    elif project != HERE:
        words += ["-C", str(project)]
    return shlex.join(words)


def help_when_alone(context: typer.Context) -> None:
    """Answers a command line that names no command with what there is."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
