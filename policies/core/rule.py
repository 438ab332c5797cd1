"""What a rule is: one function, three answers, and the fix.

::

    @resource_rule(
        id="residency-replica",
        item=ChecklistItem.RESIDENCY,
        severity=Severity.CRITICAL,
        frameworks=("GDPR Art. 44",),
        types=(TABLE,),
    )
    def replicas_stay(table: Resource) -> Iterator[Violation]:
        \"\"\"A table's replicas and witness lie in the jurisdiction that owns its data.\"\"\"

A function that yields nothing is compliant; what it yields are violations; and reading a value
that is unknown before deployment makes it undetermined, which fails like a violation.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from inspect import getdoc
from typing import Final, TypeAlias

from policies.core.properties import Undetermined
from policies.core.subjects import Resource, Stack


class ChecklistItem(StrEnum):
    """The items of the checklist that rules belong to."""

    IDENTITY = "identity"
    STATE_SAFETY = "state-safety"
    RATE_LIMITS = "rate-limits"
    COST_LIMITS = "cost-limits"
    KILL_SWITCH = "kill-switch"
    ROLLBACK = "rollback"
    AUDIT_LOG = "audit-log"
    OBSERVABILITY = "observability"
    DRIFT_DETECTION = "drift-detection"
    DISASTER_RECOVERY = "disaster-recovery"
    RESIDENCY = "residency"
    ENVIRONMENT = "environment"
    WAIVERS = "waivers"


class Severity(StrEnum):
    """How bad a violation is. Every one of them fails a check."""

    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What is wrong, and how to put it right.

    Attributes:
        found: What the resource says.
        rule: What it has to say.
        fix: What to change.
        at: Path of the property, or empty for the whole resource.
    """

    found: str
    rule: str
    fix: str
    at: str = ""

    def __str__(self) -> str:
        place = f"{self.at}: " if self.at else ""
        return f"{place}{self.found}. Rule: {self.rule}. Fix: {self.fix}."


_SECTION: Final = re.compile(r"(Why|Good|Bad|Fix): ")

ResourceCheck: TypeAlias = Callable[[Resource], Iterator[Violation]]
StackCheck: TypeAlias = Callable[[Resource, Stack], Iterator[Violation]]
WholeCheck: TypeAlias = Callable[[Stack], Iterator[tuple[str, Violation]]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule, ready to be served.

    Attributes:
        id: Its name in reports, in waivers and in the engine.
        item: Checklist item.
        severity: How bad a violation is.
        frameworks: Laws and standards that ask for it.
        description: One sentence, from the function's docstring.
        explanation: What follows it there: why, good, bad, and the fix, a line each.
        types: Type tokens of its subjects; empty when the stack as a whole is the subject.
        on_resource: The function, when one resource is enough to decide.
        on_stack: The function, when other resources of the stack decide too.
        on_whole: The function, when the stack itself is judged. It yields URNs with violations.
    """

    id: str
    item: ChecklistItem
    severity: Severity
    frameworks: tuple[str, ...]
    description: str
    explanation: str = ""
    types: tuple[str, ...] = ()
    on_resource: ResourceCheck | None = None
    on_stack: StackCheck | None = None
    on_whole: WholeCheck | None = None

    def judge(self, resource: Resource) -> tuple[Violation, ...]:
        """All that is wrong with one resource. Empty when it is compliant or no subject."""
        if resource.type not in self.types or self.on_resource is None:
            return ()
        return tuple(sorted(_answers(self.on_resource(resource)), key=str))

    def judge_stack(self, stack: Stack) -> tuple[tuple[str, Violation], ...]:
        """All that is wrong with a stack, as URNs with violations, sorted.

        A value that cannot be told is blamed on whoever has it, once, however many subjects need
        it to be judged.
        """
        found: set[tuple[str, Violation]] = set()
        if self.on_whole is not None:
            found.update(_owned(self.on_whole(stack), ""))
        if self.on_stack is not None:
            for resource in stack.of_type(*self.types):
                about = ((resource.urn, one) for one in self.on_stack(resource, stack))
                found.update(_owned(about, resource.urn))
        return tuple(sorted(found, key=lambda pair: (pair[0], str(pair[1]))))


def resource_rule(
    *,
    id: str,  # noqa: A002 - a rule's id is its id
    item: ChecklistItem,
    severity: Severity,
    frameworks: tuple[str, ...],
    types: tuple[str, ...],
) -> Callable[[ResourceCheck], Rule]:
    """A rule that one resource decides. The engine applies it before the resource is created."""

    def bind(check: ResourceCheck) -> Rule:
        return Rule(
            id=id,
            item=item,
            severity=severity,
            frameworks=frameworks,
            description=_sentence(check),
            explanation=_explanation(check),
            types=types,
            on_resource=check,
        )

    return bind


def stack_rule(
    *,
    id: str,  # noqa: A002 - a rule's id is its id
    item: ChecklistItem,
    severity: Severity,
    frameworks: tuple[str, ...],
    types: tuple[str, ...],
) -> Callable[[StackCheck], Rule]:
    """A rule on single resources that other resources of the stack help to decide."""

    def bind(check: StackCheck) -> Rule:
        return Rule(
            id=id,
            item=item,
            severity=severity,
            frameworks=frameworks,
            description=_sentence(check),
            explanation=_explanation(check),
            types=types,
            on_stack=check,
        )

    return bind


def whole_rule(
    *,
    id: str,  # noqa: A002 - a rule's id is its id
    item: ChecklistItem,
    severity: Severity,
    frameworks: tuple[str, ...],
) -> Callable[[WholeCheck], Rule]:
    """A rule on what a stack must have, and so may lack."""

    def bind(check: WholeCheck) -> Rule:
        return Rule(
            id=id,
            item=item,
            severity=severity,
            frameworks=frameworks,
            description=_sentence(check),
            explanation=_explanation(check),
            on_whole=check,
        )

    return bind


def undetermined(path: str) -> Violation:
    """The violation that stands for "cannot tell"."""
    return Violation(
        found="undetermined: the value is not known before deployment",
        rule="a mandatory rule must be decidable in a preview",
        fix="build the value from names that the program knows, or refer to the resource itself",
        at=path,
    )


def _answers(found: Iterator[Violation]) -> Iterator[Violation]:
    try:
        yield from found
    except Undetermined as unknown:
        yield undetermined(unknown.path)


def _owned(found: Iterator[tuple[str, Violation]], subject: str) -> Iterator[tuple[str, Violation]]:
    try:
        yield from found
    except Undetermined as unknown:
        yield unknown.owner or subject, undetermined(unknown.path)


def _explanation(check: Callable[..., object]) -> str:
    """The rest of a docstring, each of its sections joined to one line."""
    lines: list[str] = []
    for line in (getdoc(check) or "").partition("\n\n")[2].splitlines():
        if _SECTION.match(line) or not lines:
            lines.append(line.strip())
        else:
            lines[-1] = f"{lines[-1]} {line.strip()}".strip()
    return "\n".join(lines)


def _sentence(check: Callable[..., object]) -> str:
    return (getdoc(check) or "").partition("\n\n")[0].replace("\n", " ")
