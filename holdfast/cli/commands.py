"""The commands, and how each ends."""

import typer

from holdfast.cli import check, drill, twin
from holdfast.errors import HoldfastError

COULD_NOT = 2

app = typer.Typer(
    name="holdfast",
    help="The home that LLM agents need to survive losing a region.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("check")(check.check)
app.add_typer(twin.app, name="twin")
app.add_typer(drill.app, name="drill")


def run(arguments: list[str] | None = None) -> int:
    """Runs a command line and returns its exit code.

    Args:
        arguments: What stands behind the command's name; by default the process's own.
    """
    try:
        app(arguments)
    except (HoldfastError, OSError) as error:
        # What the system refuses (a full disk, a directory of somebody else's) names the file.
        typer.echo(f"holdfast: {error}", err=True)
        return COULD_NOT
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
