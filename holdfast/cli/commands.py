"""The commands, and how each ends."""

import sys

import typer

from holdfast.cli import COULD_NOT, check
from holdfast.errors import HoldfastError


def application(arguments: list[str]) -> typer.Typer:
    """The commands that a command line may name.

    Args:
        arguments: The command line. When it is a check, the other commands are left out: a fifth
            of a check's time was importing them.
    """
    app = typer.Typer(
        name="holdfast",
        help="The home that LLM agents need to survive losing a region.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    # With a single command, the application would otherwise be that command.
    app.callback()(lambda: None)
    app.command("check")(check.check)
    if arguments[:1] != ["check"]:
        from holdfast.cli import drill, twin  # noqa: PLC0415

        app.add_typer(twin.app, name="twin")
        app.add_typer(drill.app, name="drill")
    return app


def run(arguments: list[str] | None = None) -> int:
    """Runs a command line and returns its exit code.

    Args:
        arguments: What stands behind the command's name; by default the process's own.
    """
    try:
        given = sys.argv[1:] if arguments is None else arguments
        application(given)(given)
    except (HoldfastError, OSError) as error:
        # What the system refuses (a full disk, a directory of somebody else's) names the file.
        typer.echo(f"holdfast: {error}", err=True)
        return COULD_NOT
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            # Whoever read has gone. Libraries end with 1 then, which here means a finding.
            return COULD_NOT
        return end.code if isinstance(end.code, int) else 0
    return 0
