"""Checklist item: a stack is of one environment, and shows what that environment asks for."""

from collections.abc import Iterator
from typing import Final

from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    whole_rule,
)
from policies.core.subjects import ENVIRONMENT_TAG, Stack

_FRAMEWORKS: Final = ("SOC 2 CC8.1", "ISO 27001 A.8.31")


@whole_rule(
    id="environment-named",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def a_stack_is_of_one_environment(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every resource names the same environment, by which other rules judge it."""
    named: dict[str, list[str]] = {}
    for resource in stack.resources:
        if "tags" in resource.properties and (environment := resource.environment):
            named.setdefault(environment, []).append(resource.urn)
    usual = max(named, key=lambda environment: len(named[environment]), default="")
    for environment in sorted(set(named) - {usual}):
        for urn in named[environment]:
            yield (
                urn,
                Violation(
                    found=f"its environment is {environment}, and that of the others {usual}",
                    rule="no resource escapes the rules of production by calling itself another's",
                    fix=f"set the tag {ENVIRONMENT_TAG} to {usual}",
                    at="tags",
                ),
            )


RULES: Final[tuple[Rule, ...]] = (a_stack_is_of_one_environment,)
