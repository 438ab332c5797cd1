"""Checklist item: a stack holds nothing that is judged by being overlooked.

Every resource type has a table of its properties (:mod:`policies.world`): judged by a rule, or
known to need no judging, or refused. What stands in no table fails, in every environment alike: a
property shows up in a development stack first, and there an answer costs least.

Does not guarantee:
    That an answer of a table is right, which is reviewed like code; only that there is one.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.properties import Properties
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    whole_rule,
)
from policies.core.subjects import Resource, Stack
from policies.world.index import KINDS
from policies.world.kind import Kind, generic
from policies.world.refused import REFUSED

_FRAMEWORKS: Final = ("SOC 2 CC8.1", "ISO 27001:2022 A.8.9")
_BRIDGE: Final = ("__", "tagsAll")
"""What the AWS provider adds to the inputs of a program: its notes, and the tags once more."""


@whole_rule(
    id="environment-type-known",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def every_type_has_a_table(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every resource is of a type of which the checklist knows each property.

    Why: a type that no rule knows can hold, copy or open what all others protect.
    Good: ``aws.s3.Bucket(...)``
    Bad: ``aws.rds.Instance(...)``
    Fix: use a type that has a table, or write one in policies/world with the rules it needs.
    """
    for resource in stack.resources:
        managed = resource.type.startswith("aws:") or resource.provider is not None
        ours = resource.type.startswith("pulumi:") or resource.type in KINDS
        if managed and not ours:
            yield (
                resource.urn,
                Violation(
                    found=f"no table knows {resource.type}",
                    rule="what may hold, copy or open anything is judged property by property",
                    fix=REFUSED.get(
                        resource.type,
                        "use a type that has a table in policies/world, or write one there with "
                        "the rules that it needs",
                    ),
                ),
            )


@resource_rule(
    id="environment-property-known",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=tuple(sorted(KINDS)),
)
def every_property_has_an_answer(resource: Resource) -> Iterator[Violation]:
    """Every property that a program gives is judged by a rule, or known to need no judging.

    Why: a property that no rule reads can undo what all of them check.
    Good: ``bucket="name", force_destroy=False``
    Bad: ``acl="public-read"``
    Fix: say it in the way that the message names, or give the property an answer in its table.
    """
    kind = KINDS[resource.type]
    yield from _unanswered(resource.properties, kind)
    for path in resource.ignored:
        if generic(path) not in kind.ignorable:
            yield Violation(
                found=f"the engine leaves {path} as it is",
                rule="what rules see is what is deployed",
                fix=f"take {path} out of `ignore_changes`",
                at=path,
            )


def _unanswered(properties: Properties, kind: Kind) -> Iterator[Violation]:
    defaults = _defaults(properties)
    for name in properties.given():
        at = properties.at(name)
        path = generic(at)
        if path in kind.open_paths or name.startswith(_BRIDGE) or properties.is_empty(name):
            continue
        refusal = kind.refusal(path)
        if refusal is not None:
            if name not in defaults:
                yield Violation(
                    found=f"{path} is given",
                    rule=f"a {_short(kind)} of this platform has none",
                    fix=refusal,
                    at=at,
                )
        elif path in kind.parents:
            for part in properties.parts(name):
                yield from _unanswered(part, kind)
        else:
            yield Violation(
                found=f"undetermined: no rule knows {path} of a {_short(kind)}",
                rule="every property is judged, or known to need no judging",
                fix="leave it out, or give it an answer in its table in policies/world",
                at=at,
            )


def _defaults(properties: Properties) -> tuple[str, ...]:
    """Properties that the provider filled in, which nobody wrote."""
    return properties.texts("__defaults")


def _short(kind: Kind) -> str:
    provider = kind.type.startswith("pulumi:providers:")
    return "Provider" if provider else kind.type.rpartition(":")[2]


RULES: Final[tuple[Rule, ...]] = (every_type_has_a_table, every_property_has_an_answer)
