"""Judges a history of appends to, and reads of, one list. Knows nothing of consensus.

Every append adds a token of its own, and every operation reports the list as it saw it, so one
pass decides what in general takes a search: the lists seen must be prefixes of one another,
and their lengths must agree with real time.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a client was told."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass
class Entry:
    """One operation.

    Attributes:
        token: What it appends, or its name when it reads.
        appends: Whether it appends.
        invoked: When it began.
        returned: When it ended; None if nobody heard of its end.
        outcome: What its client was told.
        seen: The list after an append, or as read; of an ``OK`` one alone.
    """

    token: str
    appends: bool
    invoked: float = 0.0
    returned: float | None = None
    outcome: Outcome = Outcome.UNKNOWN
    seen: tuple[str, ...] = ()


def violations(history: list[Entry]) -> list[str]:
    """Everything that no single list, changed one operation at a time, could have shown."""
    done = [entry for entry in history if entry.outcome is Outcome.OK]
    found = [*_not_prefixes(done), *_wrong_tokens(history, done), *_against_time(done)]
    for entry in done:
        if len(set(entry.seen)) != len(entry.seen):
            found.append(f"{entry.token} saw a token twice: {entry.seen}")
        if entry.appends and entry.seen[-1:] != (entry.token,):
            found.append(f"{entry.token} was acknowledged and is not in {entry.seen}")
    return found


def _not_prefixes(done: list[Entry]) -> list[str]:
    longest = max((entry.seen for entry in done), key=len, default=())
    return [
        f"{entry.token} saw {entry.seen}, no prefix of {longest}"
        for entry in done
        if entry.seen != longest[: len(entry.seen)]
    ]


def _wrong_tokens(history: list[Entry], done: list[Entry]) -> list[str]:
    appends = {entry.token: entry for entry in history if entry.appends}
    found: list[str] = []
    for entry in done:
        for token in entry.seen:
            origin = appends[token]
            if origin.outcome is Outcome.FAILED:
                found.append(f"{token} failed, and {entry.token} saw it")
            if entry.returned is not None and entry.returned < origin.invoked:
                found.append(f"{entry.token} saw {token} before it was asked for")
    return found


def _against_time(done: list[Entry]) -> list[str]:
    found: list[str] = []
    for first in done:
        for second in done:
            if first.returned is None or first.returned >= second.invoked:
                continue
            needed = len(first.seen) + (1 if second.appends else 0)
            if len(second.seen) < needed:
                found.append(
                    f"{second.token} began after {first.token} ended and saw {second.seen}, "
                    f"older than {first.seen}"
                )
    return found
