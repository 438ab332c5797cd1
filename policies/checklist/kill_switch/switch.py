"""Checklist item: every jurisdiction has a kill switch that works when things are on fire.

Present: the flag's item lies in a strongly consistent table, and a role and alarms go with it.
Reachable from outside: the role can be assumed by somebody, and by no role of the platform.
Harmless: the role can read and change the flag, and nothing else.
Final: nobody else can change the flag, so no agent arms again what somebody tripped, and neither
does the next deployment.

What it takes to be heard stands in :mod:`policies.checklist.kill_switch.alarms`.

Does not guarantee:
    Anything about policies that AWS or another stack wrote, other than that a role of the stack
    has none which is not known to leave tables alone; nor about what people's own IAM users may do.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from policies.checklist.kill_switch.flag import (
    FLAG,
    FRAMEWORKS,
    attributes,
    flag_tables,
    is_flag,
    responders,
)
from policies.checklist.state_safety import not_strong
from policies.core.kinds import DATA, TABLE_ITEM
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    whole_rule,
)
from policies.core.subjects import Resource, Stack


@whole_rule(
    id="kill-switch-present",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def every_jurisdiction_has_a_kill_switch(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every jurisdiction that holds data has a flag in a strong table, and a role to trip it.

    Why: without a flag and a role that may trip it, nobody can stop the agents.
    Good: one KillSwitch for each jurisdiction that holds data
    Bad: a jurisdiction whose flag lies in an eventual table, or nowhere
    Fix: add the jurisdiction to ``jurisdictions``, and keep its KillSwitch.
    """
    tables = tuple(flag_tables(stack))
    for _, table in tables:
        for violation in not_strong(table):
            yield table.urn, violation
    for jurisdiction, urn in _jurisdictions(stack).items():
        if jurisdiction not in dict(tables):
            yield urn, _missing(f"no item {FLAG!r} in a table of {jurisdiction}")
        roles = [role for role in responders(stack) if role.jurisdiction == jurisdiction]
        if not roles:
            yield urn, _missing(f"no role that may trip the switch of {jurisdiction}")


@resource_rule(
    id="kill-switch-final",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(TABLE_ITEM,),
)
def no_deployment_changes_the_flag(item: Resource) -> Iterator[Violation]:
    """No deployment says what the flag says: not a later one, nor the one that makes it anew.

    Why: a deployment that writes the flag again takes back what somebody tripped in need.
    Good: ``ignore_changes=["item"]`` on the flag's TableItem
    Bad: the flag's TableItem without it
    Fix: pass the option.
    """
    if not is_flag(item):
        return
    said = sorted(set(attributes(item)) - {item.properties.text("hashKey")})
    if said:
        yield Violation(
            found=f"the deployment writes {', '.join(said)} of the flag",
            rule="a flag that somebody deleted is made again without a word, and counts as tripped",
            fix="write the key alone; people arm the switch with `holdfast kill arm`",
            at="item",
        )
    if "item" not in item.ignored:
        yield Violation(
            found="the engine would write the flag again",
            rule="whoever tripped the switch has the last word, not the next deployment",
            fix='pass ignore_changes=["item"] in its resource options',
            at="item",
        )


def _jurisdictions(stack: Stack) -> Mapping[str, str]:
    """Jurisdictions that hold data, each with the URN of one resource that says so."""
    found: dict[str, str] = {}
    for resource in stack.of_type(*DATA):
        jurisdiction = resource.jurisdiction
        if jurisdiction is not None:
            found.setdefault(jurisdiction, resource.urn)
    return found


def _missing(found: str) -> Violation:
    return Violation(
        found=found,
        rule="every jurisdiction can be stopped on its own",
        fix="add a KillSwitch for the jurisdiction",
    )


RULES: Final[tuple[Rule, ...]] = (
    every_jurisdiction_has_a_kill_switch,
    no_deployment_changes_the_flag,
)
