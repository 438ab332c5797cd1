"""The log of what happened in a twin: ``events.jsonl`` in its state directory.

One line per event, written before the caller is told of it, so that a drill's timeline can be
drawn from the file alone.
"""

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from holdfast.twin.processes import open_private
from holdfast.twin.status import TwinEvent

EVENTS_FILE = "events.jsonl"

BEGINNING = "twin-starting"
"""Kind of the first event of every twin; the file keeps those of earlier ones."""


class EventLog:
    """Appends events to the file of one twin.

    Args:
        state_dir: The twin's directory.
        wall: Clock in seconds since the epoch.
        monotonic: Clock in seconds that never goes back.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = io.TextIOWrapper(
            open_private(state_dir / EVENTS_FILE), encoding="utf-8", line_buffering=True
        )
        self._wall = wall
        self._monotonic = monotonic

    def add(self, kind: str, region: str = "", detail: str = "") -> TwinEvent:
        """Notes that something happened now."""
        event = TwinEvent(
            kind=kind,
            region=region,
            detail=detail,
            wall_s=self._wall(),
            monotonic_s=self._monotonic(),
        )
        self._file.write(event.model_dump_json() + "\n")
        return event

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def read(state_dir: Path) -> tuple[TwinEvent, ...]:
    """Every whole event in a twin's directory, oldest first; empty where there is no log.

    A last line that was torn by the end of the process is left out.
    """
    try:
        lines = (state_dir / EVENTS_FILE).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    found: list[TwinEvent] = []
    for line in lines:
        try:
            found.append(TwinEvent.model_validate_json(line))
        except ValidationError:
            continue
    return tuple(found)


def of_this_run(events: Sequence[TwinEvent]) -> tuple[TwinEvent, ...]:
    """The events from the last beginning on. Only those share one monotonic clock for sure."""
    starts = [number for number, event in enumerate(events) if event.kind == BEGINNING]
    return tuple(events[starts[-1] :] if starts else events)
