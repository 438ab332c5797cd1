"""The commands, and how each ends.

Nothing heavy is imported here, nor by the modules that declare commands: each imports what it
needs when it runs. Help, completion and errors of the command line cost no more than that.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from holdfast.cli import COULD_NOT, check, drill, kill, rules, twin
from holdfast.cli.options import help_when_alone
from holdfast.cli.plain import plain
from holdfast.errors import ConfigurationError, HoldfastError

app = typer.Typer(
    name="holdfast",
    help="The home that LLM agents need to survive losing a region.",
    epilog="Exit codes: 0 all is well; 1 a check found something, or a drill missed an "
    "objective; 2 it could not be carried out; 130 interrupted; 143 terminated.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    # Rich would take `[default: ...]` for markup and leave it out, and costs half the time.
    rich_markup_mode=None,
)
app.command("check")(check.check)
app.command("rules")(rules.rules)
app.command("explain")(rules.explain)
app.add_typer(twin.app, name="twin")
app.add_typer(drill.app, name="drill")
app.add_typer(kill.app, name="kill")


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - what typer calls
    if wanted:
        from importlib.metadata import version

        from holdfast.namesake import DISTRIBUTION

        typer.echo(f"{DISTRIBUTION} {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def entry(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which it is."),
    ] = False,
) -> None:
    """The home that LLM agents need to survive losing a region."""
    del version
    help_when_alone(context)


def run(arguments: list[str] | None = None) -> int:
    """Runs a command line and returns its exit code.

    Args:
        arguments: What stands behind the command's name; by default the process's own.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _expect_working_directory()
        ended: object = app(given, prog_name="holdfast", standalone_mode=False)
    except TyperException as error:
        typer.echo(f"holdfast: {plain(_usage(error))}", err=True)
        return COULD_NOT
    except (HoldfastError, OSError) as error:
        # What the system refuses (a full disk, a directory of somebody else's) names the file.
        typer.echo(f"holdfast: {plain(_sentence(error))}", err=True)
        return COULD_NOT
    except typer.Abort:
        return COULD_NOT
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            # Whoever read has gone. Libraries end with 1 then, which here means a finding.
            return COULD_NOT
        return end.code if isinstance(end.code, int) else 0
    return ended if isinstance(ended, int) else 0


def _expect_working_directory() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise ConfigurationError(
            "the working directory has been removed. Change to one that exists."
        ) from error


def _usage(error: TyperException) -> str:
    """What is wrong with the command line, in one sentence."""
    told = " ".join(error.format_message().split()).rstrip(".")
    command: object = getattr(getattr(error, "ctx", None), "command_path", "holdfast")
    return f"{told}; see `{command} --help`."


def _sentence(error: Exception) -> str:
    """An error of ours as it is, one of the system's with its file first."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    # What we write to names itself; what is left is where all is said.
    place = "standard output" if error.filename is None else error.filename
    return f"{place}: {error.strerror}."
