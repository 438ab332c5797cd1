"""Violations that somebody accepted for a while, with a reason, an owner and an end.

Waivers are reviewed like code: they stand here, not in a stack's settings. One that is not in
order accepts nothing, and is itself a violation: one without a reason or an owner, for longer than
a quarter, for more than one resource, expired, or no longer needed. What is accepted is listed in
every output.

Does not guarantee:
    That the owner knows of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from holdfast.contract import Environment
from policies.core.contract import environment_of
from policies.core.rule import ChecklistItem, Rule, Violation
from policies.core.subjects import Stack

NEVER_IN_PROD: Final = frozenset({ChecklistItem.RESIDENCY, ChecklistItem.KILL_SWITCH})
"""Items whose violations production never accepts, whoever signs."""

LONGEST: Final = timedelta(days=90)
_FEWEST_WORDS: Final = 8
_FILLERS: Final = frozenset({"asdf", "foo", "lorem", "ipsum", "n/a", "tbd", "todo", "xxx"})
_OWNER: Final = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+|@[\w.-]+/[\w.-]+")
"""An address, or a team's handle such as ``@acme/platform``."""

_NO_PATTERN: Final = re.compile(r"[^*?\[\]]+")
_TYPE: Final = re.compile(r"[\w-]+:[\w./-]+:\w+")
_PARTS: Final = 4
"""``urn:pulumi:stack::project::type::name``, split at its double colons."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One accepted violation.

    Attributes:
        rule: Id of the rule.
        urn: URN of the resource. ``*`` may stand in the project and in the types of its parents,
            and nowhere else: a stack, a type and a name are one resource.
        reason: Why it is acceptable; eight different words or more.
        owner: Who decided so, and is asked: an address, or a team such as ``@acme/platform``.
        granted: The day on which it was decided (UTC).
        expires: First day on which it no longer counts (UTC); 90 days later at most.
    """

    rule: str
    urn: str
    reason: str
    owner: str
    granted: date
    expires: date

    def __str__(self) -> str:
        return f"{self.rule} is waived until {self.expires} by {self.owner}: {self.reason}"

    def covers(self, rule: Rule, urn: str, environment: str | None, today: date) -> bool:
        """Whether it accepts a violation.

        Args:
            rule: The rule that was violated.
            urn: The resource.
            environment: The one that it is of; None where nothing says it, which counts as prod.
            today: The day in UTC.
        """
        return (
            rule.id == self.rule
            and fnmatchcase(urn, self.urn)
            and not any(_faults(self, rule, today))
            and not _is_prod_of(rule, environment)
        )


WAIVERS: Final[tuple[Waiver, ...]] = ()
"""What is accepted at the moment."""


def wrong_waivers(
    waivers: tuple[Waiver, ...], rules: tuple[Rule, ...], stack: Stack, today: date
) -> Iterator[Violation]:
    """What is wrong with the waivers themselves, of all stacks, and of this one."""
    by_id = {rule.id: rule for rule in rules}
    environment = environment_of(stack)
    for waiver in waivers:
        what = f"the waiver of {waiver.rule} for {waiver.urn}"
        rule = by_id.get(waiver.rule)
        if rule is None:
            yield _wrong(f"{what} names no rule", f"rules are {', '.join(sorted(by_id))}")
            continue
        faults = tuple(_faults(waiver, rule, today))
        yield from (_wrong(f"{what} {found}", asked) for found, asked in faults)
        if faults or not _is_of(waiver, stack):
            continue
        if _is_prod_of(rule, environment):
            yield _wrong(f"{what} is of prod", f"prod waives nothing of {rule.item}")
        elif not any(waived(waiver, rule, stack, today)):
            yield _wrong(f"{what} accepts nothing", "a waiver that is not needed is removed")


def waived(
    waiver: Waiver, rule: Rule, stack: Stack, today: date
) -> Iterator[tuple[str, Violation]]:
    """The violations of a stack that a waiver accepts, by URN."""
    environment = environment_of(stack)
    for urn, violation in violations(rule, stack):
        if waiver.covers(rule, urn, environment, today):
            yield urn, violation


def violations(rule: Rule, stack: Stack) -> Iterator[tuple[str, Violation]]:
    """All that a rule says of a stack, by URN."""
    if rule.on_resource is None:
        yield from rule.judge_stack(stack)
        return
    for resource in stack.of_type(*rule.types):
        yield from ((resource.urn, one) for one in rule.judge(resource))


def today() -> date:
    """The day in UTC."""
    return datetime.now(tz=UTC).date()


def _is_prod_of(rule: Rule, environment: str | None) -> bool:
    """Whether production never accepts violations of a rule, and this may be production."""
    others = set(Environment) - {Environment.PROD}
    return rule.item in NEVER_IN_PROD and environment not in others


def _is_of(waiver: Waiver, stack: Stack) -> bool:
    """Whether the stack is the one that a waiver names."""
    named = waiver.urn.split("::")[0]
    return any(resource.urn.split("::")[0] == named for resource in stack.resources)


def _faults(waiver: Waiver, rule: Rule, today: date) -> Iterator[tuple[str, str]]:
    """What keeps a waiver from accepting anything, and what is asked instead."""
    if rule.item is ChecklistItem.WAIVERS:
        yield "undoes the rules on waivers", "these are never waived"
    if not _is_one_resource(waiver.urn):
        yield "names no one resource", "stack, type and name are written out, without wildcards"
    words = {word.lower().strip(".,;:!?") for word in waiver.reason.split()}
    if len({word for word in words - _FILLERS if len(word) > 1}) < _FEWEST_WORDS:
        yield "gives no reason", f"{_FEWEST_WORDS} different words or more say why"
    if not _OWNER.fullmatch(waiver.owner):
        yield "has no owner", "an address, or a team such as @acme/platform"
    if not waiver.granted <= today:
        yield f"is granted on {waiver.granted} only", "it is granted before it is used"
    if not timedelta() < waiver.expires - waiver.granted <= LONGEST:
        yield (
            f"lasts from {waiver.granted} to {waiver.expires}",
            f"it lasts {LONGEST.days} days at most",
        )
    if waiver.expires <= today:
        yield f"expired on {waiver.expires}", "it ends on a later day"


def _is_one_resource(urn: str) -> bool:
    parts = urn.split("::")
    if len(parts) != _PARTS or not parts[0].startswith("urn:pulumi:"):
        return False
    stack, _, types, name = parts
    own_type = types.rpartition("$")[2].removeprefix("*")
    is_typed = bool(_TYPE.fullmatch(own_type))
    return is_typed and all(_NO_PATTERN.fullmatch(part) for part in (stack, name))


def _wrong(found: str, rule: str) -> Violation:
    return Violation(
        found=found, rule=rule, fix="correct or remove the waiver in policies/waivers.py"
    )
