"""Patterns with ``*`` and ``?`` as the sets of texts that they stand for.

Questions about patterns are questions about those sets, and are decided exactly: whether two of
them share a text, and whether some together hold every text of another. Spelling decides nothing:
``arn:aws:s3:::b*`` and ``*:s3:::*-objects`` share texts although neither matches the other.

How: a pattern is an automaton whose states are the places in it, kept as the bits of a number.
Two patterns share a text if their automata can be led to their ends together; some hold all of
another if no way through the other one ends where none of theirs does.

Does not guarantee:
    Speed on patterns that are made to be slow: inclusion can take exponential time in the number
    of stars. The patterns of real policies have two or three; longer ones than AWS takes are cut
    off by the length of its documents.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_OTHER: Final = "\0"
"""Stands for every character that no pattern at hand names."""

_ARN_PARTS: Final = 6


@lru_cache(maxsize=65_536)
def overlap(one: str, other: str) -> bool:
    """Whether some text is matched by both patterns."""
    if not _is_pattern(one) and not _is_pattern(other):
        return one == other
    states, seen = [(0, 0)], {(0, 0)}
    while states:
        left, right = states.pop()
        if left == len(one) and right == len(other):
            return True
        for state in _steps(one, left, other, right):
            if state not in seen:
                seen.add(state)
                states.append(state)
    return False


def covers(patterns: Iterable[str], other: str) -> bool:
    """Whether every text of a pattern is matched by at least one of some others."""
    return _covers(tuple(patterns), other)


@lru_cache(maxsize=65_536)
def _covers(patterns: tuple[str, ...], other: str) -> bool:
    if "*" in patterns or other in patterns:
        return True
    if not _is_pattern(other):
        return any(overlap(pattern, other) for pattern in patterns)
    machines = tuple(_machine(pattern) for pattern in patterns)
    alphabet = sorted({_OTHER, *other, *(letter for p in patterns for letter in p)} - {"*", "?"})
    theirs = _machine(other)
    first = (theirs.start, tuple(machine.start for machine in machines))
    states, seen = [first], {first}
    while states:
        place, places = states.pop()
        if theirs.ends(place) and not any(
            machine.ends(at) for machine, at in zip(machines, places, strict=True)
        ):
            return False
        for letter in alphabet:
            step = theirs.step(place, letter)
            if not step:
                continue
            state = (
                step,
                tuple(m.step(at, letter) for m, at in zip(machines, places, strict=True)),
            )
            if state not in seen:
                seen.add(state)
                states.append(state)
    return True


def arn_covers(patterns: Iterable[str], other: str) -> bool:
    """Like :func:`covers` for ARNs of which each part matches its own part only.

    AWS splits an ARN at its first five colons before it matches a resource. Whether a star may
    stand for a colon decides only in documents that nobody should write, so this is the reading
    that makes a denial narrow; :func:`overlap` is the one that makes an allowance wide.
    """
    wanted = other.split(":", _ARN_PARTS - 1)
    for pattern in patterns:
        if pattern in {"*", other}:
            return True
        parts = pattern.split(":", _ARN_PARTS - 1)
        if len(parts) == len(wanted) == _ARN_PARTS and all(
            covers((mine,), theirs) for mine, theirs in zip(parts, wanted, strict=True)
        ):
            return True
    return False


def whole(pattern: str) -> str:
    """A pattern of ARNs with the parts that it leaves out: AWS takes those for anything."""
    missing = _ARN_PARTS - 1 - pattern.count(":")
    return pattern if pattern == "*" or missing <= 0 else pattern + ":*" * missing


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a text in which ``*`` and ``?`` are nothing but characters."""
    if not _is_pattern(pattern):
        return pattern == text
    machine = _machine(pattern)
    place = machine.start
    for letter in text:
        place = machine.step(place, letter)
        if not place:
            return False
    return machine.ends(place)


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _steps(one: str, left: int, other: str, right: int) -> Iterable[tuple[int, int]]:
    """Where two patterns can be led from a pair of places, by one character or by none."""
    a = one[left] if left < len(one) else ""
    b = other[right] if right < len(other) else ""
    if a == "*":
        yield left + 1, right
        if b and b != "*":
            yield left, right + 1
    if b == "*":
        yield left, right + 1
        if a and a != "*":
            yield left + 1, right
    if a and b and "*" not in {a, b} and (a == b or "?" in {a, b}):
        yield left + 1, right + 1


class _Machine:
    """A pattern as an automaton. A set of places in it is the bits of a number."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._stars = sum(1 << at for at, letter in enumerate(pattern) if letter == "*")
        self._any = sum(1 << at for at, letter in enumerate(pattern) if letter == "?")
        self._on: dict[str, int] = {}
        for at, letter in enumerate(pattern):
            self._on[letter] = self._on.get(letter, 0) | 1 << at
        self.start = self._free(1)

    def step(self, places: int, letter: str) -> int:
        """The places after a character; 0 where there are none."""
        named = 0 if letter in {"*", "?"} else self._on.get(letter, 0)
        moving = places & (named | self._any)
        return self._free(moving << 1 | places & self._stars)

    def ends(self, places: int) -> bool:
        """Whether a text may end here."""
        return bool(places >> len(self._pattern) & 1)

    def _free(self, places: int) -> int:
        """The places with those that stars lead to without a character."""
        while places | (places & self._stars) << 1 != places:
            places |= (places & self._stars) << 1
        return places


@lru_cache(maxsize=16_384)
def _machine(pattern: str) -> _Machine:
    return _Machine(pattern)
