"""Violations that somebody accepted for a while, with a reason and an end.

A waiver that has expired, that gives no reason, or that names no rule of the pack is itself a
violation. Waivers are reviewed like code: they stand here, not in a stack's settings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Final

from policies.core.rule import Violation

_SHORTEST_REASON: Final = 20


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One accepted violation.

    Attributes:
        rule: Id of the rule.
        urn: URN of the resource, or a pattern with ``*``.
        reason: Why it is acceptable, and who decided so; at least 20 characters.
        expires: First day on which it no longer counts (UTC).
    """

    rule: str
    urn: str
    reason: str
    expires: date


WAIVERS: Final[tuple[Waiver, ...]] = ()
"""What is accepted at the moment."""


def is_waived(waivers: tuple[Waiver, ...], rule: str, urn: str, today: date) -> bool:
    """Whether a violation of a rule by a resource is accepted today."""
    return any(
        waiver.rule == rule
        and fnmatchcase(urn, waiver.urn)
        and today < waiver.expires
        and len(waiver.reason) >= _SHORTEST_REASON
        for waiver in waivers
    )


def wrong_waivers(
    waivers: tuple[Waiver, ...], rules: frozenset[str], today: date
) -> Iterator[Violation]:
    """What is wrong with the waivers themselves."""
    for waiver in waivers:
        what = f"the waiver of {waiver.rule} for {waiver.urn}"
        if waiver.rule not in rules:
            yield _wrong(f"{what} names no rule", f"rules are {', '.join(sorted(rules))}")
        if len(waiver.reason) < _SHORTEST_REASON:
            yield _wrong(f"{what} gives no reason", f"at least {_SHORTEST_REASON} characters")
        if waiver.expires <= today:
            yield _wrong(f"{what} expired on {waiver.expires}", "it ends on a later day")


def today() -> date:
    """The day in UTC."""
    return datetime.now(tz=UTC).date()


def _wrong(found: str, rule: str) -> Violation:
    return Violation(
        found=found, rule=rule, fix="correct or remove the waiver in policies/waivers.py"
    )
