"""How ``holdfast twin`` ends a twin, and removes what it kept."""

from pathlib import Path

from holdfast.cli.voice import Voice
from holdfast.errors import TwinError
from holdfast.twin.ending import end, remove


def stop(place: Path, *, as_json: bool) -> None:
    """Ends a twin and keeps its state."""
    if not end(place):
        raise TwinError(f"no twin runs in {place}. Name its --stack or --state-dir.")
    voice = Voice(as_json=as_json)
    voice.say("Stopped; its state is kept.")
    voice.result({"state_dir": str(place), "ended": True, "removed": False})


def down(place: Path, *, as_json: bool) -> None:
    """Ends a twin and removes its directory."""
    # What leads elsewhere is refused before anything there is ended.
    ended = False if place.is_symlink() else end(place)
    left = remove(place)
    voice = Voice(as_json=as_json)
    voice.say("The twin is gone.")
    if left:
        voice.say(f"{place} stays, with what no twin has put there: {', '.join(left)}.")
    voice.result({"state_dir": str(place), "ended": ended, "removed": True, "left": [*left]})
