"""What ``holdfast drill`` does."""

import json
from pathlib import Path

import typer
from rich.console import Console

from holdfast.cli.voice import Voice
from holdfast.drills import DRILLS, run
from holdfast.drills.loading import drill_at
from holdfast.drills.progress import LiveView, summary
from holdfast.errors import DrillError
from holdfast.twin.ending import remove
from holdfast.twin.lock import look


def list_drills(*, as_json: bool) -> None:
    """Says which drills there are."""
    found = {
        name: {
            "hypothesis": drill.hypothesis(),
            "mutants": sorted(mutant.name for mutant in drill.mutants),
        }
        for name, drill in sorted(DRILLS.items())
    }
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for name, drill in found.items():
        mutants = ", ".join(drill["mutants"])
        typer.echo(f"{name}: {drill['hypothesis']} Mutants: {mutants}.")


def run_drill(
    name: str | None,
    *,
    own: str | None,
    stack: str,
    project: Path,
    mutant: str | None,
    state_dir: Path | None,
    report_dir: Path | None,
    agents_file: Path | None,
    anyway: bool,
    as_json: bool,
) -> None:
    """Carries a drill out, and shows how it goes."""
    if (name is None) == (own is None):
        raise DrillError(
            "Name one drill: one of Holdfast's, such as region-loss, or your own by --drill."
        )
    home = project.resolve() / ".holdfast"
    reports = report_dir or home / "drills"
    # With --json the result has standard output to itself.
    console = Console(stderr=as_json)
    with LiveView(console) as view:
        result = run(
            drill_at(own, project) if own is not None else name or "",
            project=project,
            stack=stack,
            mutant=mutant,
            state_dir=state_dir or home / "rehearsals",
            report_dir=reports,
            agents_file=agents_file,
            anyway=anyway,
            progress=view,
        )
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        console.print(summary(result))
        typer.echo(f"Report: {reports / result.report_file}")
    raise typer.Exit(result.exit_code)


def clean(*, project: Path, state_dir: Path | None, as_json: bool) -> None:
    """Removes what failed drills kept."""
    home = state_dir or project.resolve() / ".holdfast" / "rehearsals"
    voice = Voice(as_json=as_json)
    removed: list[str] = []
    left: list[str] = []
    for place in sorted(home.iterdir()) if home.is_dir() else []:
        seen = None if place.is_symlink() else look(place)
        if seen is None or not seen.known:
            continue  # No twin's.
        if seen.alive:
            left.append(str(place))
            voice.say(f"{place} is left: its drill still runs.")
            continue
        remove(place)
        removed.append(str(place))
        voice.say(f"{place} is gone.")
    if not removed and not left:
        voice.say(f"No drill has kept anything in {home}.")
    voice.result({"removed": [*removed], "left": [*left]})
