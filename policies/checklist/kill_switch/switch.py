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

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from policies.checklist.state_safety import not_strong
from policies.core.arns import region_of, resource_of
from policies.core.kinds import (
    DATA,
    GROUP_POLICY,
    HARMLESS_POLICIES,
    POLICY,
    POLICY_ATTACHMENT,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_ATTACHMENTS_EXCLUSIVE,
    ROLE_POLICY,
    TABLE,
    TABLE_ITEM,
    USER_POLICY,
)
from policies.core.properties import Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
    whole_rule,
)
from policies.core.stores import replica_regions
from policies.core.subjects import Resource, Stack
from policies.iam.documents import Statement, entries, statements

FRAMEWORKS: Final = ("EU AI Act Art. 14", "NIST AI RMF MANAGE 2.4")
FLAG: Final = "kill"
"""Key of the flag's item."""

COMPONENT: Final = "kill-switch"
"""Component tag of the switch's role, topics and alarms."""

_READ: Final = "dynamodb:GetItem"
_TRIP: Final = "dynamodb:UpdateItem"
_DECRYPT: Final = "kms:Decrypt"
_WRITES: Final = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
"""What changes an item."""

_ATTACHMENTS: Final = {
    POLICY_ATTACHMENT: "roles",
    ROLE_ATTACHMENT: "role",
    ROLE_ATTACHMENTS_EXCLUSIVE: "roleName",
}
"""What attaches a policy to a role, with the property that names the role."""

_OF_THE_ITEM: Final = frozenset(
    {"dynamodb:attributes", "dynamodb:leadingkeys", "kms:resourcealiases", "kms:viaservice"}
)
"""Condition keys that tell which item and which key, whoever asks, from where and when."""

_NAMING_THE_FLAG: Final = {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": (FLAG,)}}
"""Conditions of a statement on requests that touch the flag, among other items or alone."""

_ASSUME: Final = "sts:AssumeRole"
_ACCOUNT: Final = re.compile(r"\*|[0-9]{12}|arn:[^:]*:iam::[0-9]{12}:root")
"""A principal that stands for everybody: of the world, or of an account."""


@whole_rule(
    id="kill-switch-present",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def every_jurisdiction_has_a_kill_switch(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every jurisdiction that holds data has a flag in a strong table, and a role to trip it."""
    tables = tuple(flag_tables(stack))
    for _, table in tables:
        for violation in not_strong(table):
            yield table.urn, violation
    for jurisdiction, urn in _jurisdictions(stack).items():
        if jurisdiction not in dict(tables):
            yield urn, _missing(f"no item {FLAG!r} in a table of {jurisdiction}")
        roles = [
            role
            for role in stack.of_type(ROLE)
            if role.component == COMPONENT and role.jurisdiction == jurisdiction
        ]
        if not roles:
            yield urn, _missing(f"no role that may trip the switch of {jurisdiction}")


@stack_rule(
    id="kill-switch-reachable",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def the_switch_is_reachable_from_outside(role: Resource, stack: Stack) -> Iterator[Violation]:
    """The switch's role is assumed by somebody outside, and by no role of the platform."""
    if role.component != COMPONENT:
        return
    found = statements(role.properties, "assumeRolePolicy")
    trusted = [statement for statement in found if statement.effect == "Allow"]
    if len(trusted) < len(found):
        yield _trust("a Deny may keep everybody out")
    if not any(item.principals.get("AWS") and item.covers(_ASSUME) for item in trusted):
        yield _trust("nobody outside can assume it")
    ours = [_name_of(other) for other in stack.of_type(ROLE)]
    for statement in trusted:
        yield from _wrong_trust(statement, ours)


@stack_rule(
    id="kill-switch-only-trips",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def the_switch_does_nothing_else(role: Resource, stack: Stack) -> Iterator[Violation]:
    """The switch's role can read and change the flag in every region, and nothing else."""
    if role.component != COMPONENT:
        return
    table = dict(flag_tables(stack)).get(role.jurisdiction or "")
    if table is None:
        yield _missing(f"no item {FLAG!r} in a table of {role.jurisdiction}")
        return
    yield from _other_grants(role, stack)
    granted: list[Statement] = []
    for policy in stack.of_type(ROLE_POLICY):
        if role in stack.targets(policy, "role", ROLE):
            granted.extend(statements(policy.properties, "policy"))
    name, written = _name_of(table), _written_by_tripping(stack)
    for statement in granted:
        yield from _too_much(statement, name)
        yield from _too_little(statement, written)
    reach = _regions_of(granted, _TRIP)
    regions = {table.region, *replica_regions(table)}
    for region in sorted(regions - reach):
        yield _grant(f"{_TRIP} is not allowed in {region}")
    for region in sorted((regions & _encrypted(table)) - _regions_of(granted, _DECRYPT)):
        yield _grant(f"{_DECRYPT}, which the table's key asks for, is not allowed in {region}")


@resource_rule(
    id="kill-switch-plain",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def the_switch_carries_no_policies(role: Resource) -> Iterator[Violation]:
    """The switch's role has no policies inside it, only the one beside it that is judged."""
    # Of what the cloud answers, as rules over the stack see it, both are unknown until it exists.
    if role.component == COMPONENT:
        for name in ("managedPolicyArns", "inlinePolicies", "permissionsBoundary"):
            if role.properties.is_given(name):
                yield _grant(f"the role has {name}")


@stack_rule(
    id="kill-switch-guarded",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(POLICY, ROLE_POLICY, USER_POLICY, GROUP_POLICY),
)
def nobody_else_changes_the_flag(policy: Resource, stack: Stack) -> Iterator[Violation]:
    """A policy that allows writes to the flag's table denies them for the flag."""
    if any(role.component == COMPONENT for role in stack.targets(policy, "role", ROLE)):
        return
    found = statements(policy.properties, "policy")
    for _, table in flag_tables(stack):
        name = _name_of(table)
        for region in sorted({table.region, *replica_regions(table)}):
            here = [item for item in found if _takes_in(item, region, name)]
            for action in _WRITES:
                about = [item for item in here if item.covers(action)]
                allowed = any(item.effect == "Allow" for item in about)
                if allowed and not any(_denies_the_flag(item) for item in about):
                    yield Violation(
                        found=f"{action} on {name} in {region} takes in the item {FLAG!r}",
                        rule="only the switch's own role changes the flag",
                        fix=f"deny it in the same policy where dynamodb:LeadingKeys is {FLAG!r}",
                        at="policy",
                    )


@stack_rule(
    id="kill-switch-attached",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=tuple(_ATTACHMENTS),
)
def attached_policies_are_judged_too(attachment: Resource, stack: Stack) -> Iterator[Violation]:
    """A policy that is attached to a role is written in this stack, or known to write no table."""
    listed = attachment.type == ROLE_ATTACHMENTS_EXCLUSIVE
    at = "policyArns" if listed else "policyArn"
    ours = attachment.referenced(at, (POLICY,))
    for name in attachment.properties.names(at):
        if name is None and not ours:
            raise Undetermined(at, attachment.urn)
        if name is not None and not stack.named(POLICY, name):
            yield from _unjudged(name, at)


@resource_rule(
    id="kill-switch-guarded-inside",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def policies_inside_a_role_write_no_table(role: Resource) -> Iterator[Violation]:
    """A role's permission to write tables stands beside it, where it is judged with the tables."""
    for part in role.properties.objects("inlinePolicies"):
        for statement in statements(part, "policy"):
            written = [action for action in _WRITES if statement.covers(action)]
            if statement.effect == "Allow" and written:
                yield Violation(
                    found=f"{written[0]} is allowed inside the role",
                    rule="only the switch's own role changes the flag",
                    fix="write it into a RolePolicy, and deny it there for the flag",
                    at=part.at("policy"),
                )
    for arn in role.properties.texts("managedPolicyArns"):
        yield from _unjudged(arn, "managedPolicyArns")


@resource_rule(
    id="kill-switch-final",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(TABLE_ITEM,),
)
def no_deployment_changes_the_flag(item: Resource) -> Iterator[Violation]:
    """The flag is written once: no later deployment arms again what somebody tripped."""
    if _is_flag(item) and "item" not in item.ignored:
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


def flag_tables(stack: Stack) -> Iterator[tuple[str, Resource]]:
    """The table that holds the flag, by jurisdiction."""
    for item in stack.of_type(TABLE_ITEM):
        if not _is_flag(item):
            continue
        for table in stack.targets(item, "tableName", TABLE):
            here = item.region in {table.region, *replica_regions(table)}
            if here and table.jurisdiction is not None:
                yield table.jurisdiction, table


def _is_flag(item: Resource) -> bool:
    key = item.properties.text("hashKey")
    if key is None:
        raise Undetermined("hashKey")
    return entries(_attributes(item).get(key)).get("S") == FLAG


def _attributes(item: Resource) -> Mapping[str, object]:
    try:
        return entries(json.loads(item.properties.text("item") or ""))
    except ValueError as error:
        raise Undetermined("item") from error


def _written_by_tripping(stack: Stack) -> set[str]:
    """The attributes of the flag's item, all of which are written when somebody trips it."""
    flags = (item for item in stack.of_type(TABLE_ITEM) if _is_flag(item))
    return {attribute for item in flags for attribute in _attributes(item)}


def _encrypted(table: Resource) -> set[str]:
    """Regions in which a key of ours encrypts a table, so that who writes has to use it."""
    regions: set[str] = set()
    encryption = table.properties.object("serverSideEncryption")
    if encryption is not None and encryption.is_given("kmsKeyArn"):
        regions.add(table.region)
    for replica in table.properties.objects("replicas"):
        if replica.is_given("kmsKeyArn"):
            regions.add(replica.text("regionName") or "")
    return regions


def _regions_of(granted: list[Statement], action: str) -> set[str]:
    """Regions of the resources that an action is allowed on."""
    return {
        region_of(arn)
        for statement in granted
        if action in statement.actions
        for arn in statement.resources
    }


def _unjudged(arn: str, at: str) -> Iterator[Violation]:
    if arn not in HARMLESS_POLICIES:
        yield Violation(
            found=f"nobody judges {arn}",
            rule="only the switch's own role changes the flag",
            fix="write the permissions in this stack, or add the policy to HARMLESS_POLICIES in "
            "policies/core/kinds.py if it writes no table",
            at=at,
        )


def _name_of(resource: Resource) -> str:
    name = resource.properties.text("name")
    if name is None:
        # AWS gets one from the engine, with random characters at its end.
        raise Undetermined("name", resource.urn)
    return name


def _takes_in(statement: Statement, region: str, table: str) -> bool:
    """Whether a statement speaks of a table, whatever its conditions."""
    return (statement.inverted and not statement.resources) or any(
        fnmatchcase(region, region_of(pattern) or "*")
        and fnmatchcase(f"table/{table}", resource_of(pattern))
        for pattern in statement.resources
    )


def _denies_the_flag(statement: Statement) -> bool:
    """Whether a denial holds for every request that names the flag."""
    every_request = not statement.conditions or statement.conditions == _NAMING_THE_FLAG
    return statement.effect == "Deny" and not statement.inverted and every_request


def _wrong_trust(statement: Statement, ours: list[str]) -> Iterator[Violation]:
    for kind in sorted(set(statement.principals) - {"AWS"}):
        yield _trust(f"a principal of kind {kind} can assume it")
    if statement.inverted:
        yield _trust("everybody except somebody can assume it")
    patterns = [*statement.confined_to("aws:PrincipalArn")]
    for principal in statement.principals.get("AWS", ()):
        if not _ACCOUNT.fullmatch(principal):
            patterns.append(principal)
        elif not statement.confined_to("aws:PrincipalArn"):
            yield _trust(f"everybody of {principal} can assume it")
    for name in ours:
        for pattern in patterns:
            # The account in the pattern is the platform's own, or may be.
            if fnmatchcase(f"role/{name}", resource_of(pattern)):
                yield _trust(f"the platform's own role {name} matches {pattern}")


def _other_grants(role: Resource, stack: Stack) -> Iterator[Violation]:
    """Policies that other resources attach to the role."""
    for token, at in _ATTACHMENTS.items():
        for attachment in stack.of_type(token):
            if role in stack.targets(attachment, at, ROLE):
                yield _grant(f"{attachment.name} attaches another policy")


def _too_much(statement: Statement, table: str) -> Iterator[Violation]:
    if statement.effect != "Allow":
        yield _grant("a Deny may keep the switch from being tripped")
        return
    if statement.inverted:
        yield _grant("the policy says what it does not cover")
    for action in sorted(set(statement.actions) - {_READ, _TRIP, _DECRYPT}):
        yield _grant(f"{action} is allowed")
    for key in sorted(statement.keys() - _OF_THE_ITEM):
        yield _grant(f"a condition on {key} may keep the switch from being tripped")
    if {_READ, _TRIP} & set(statement.actions):
        yield from _more_than_the_flag(statement, table)
    if _DECRYPT in statement.actions:
        services = statement.confined_to("kms:ViaService")
        if not services or not all(value.startswith("dynamodb.") for value in services):
            yield _grant(f"{_DECRYPT} is allowed outside DynamoDB")


def _too_little(statement: Statement, written: set[str]) -> Iterator[Violation]:
    if _TRIP not in statement.actions:
        return
    for operator, names in statement.condition("dynamodb:Attributes"):
        missing = written - set(names)
        if operator != "ForAllValues:StringEquals" or missing:
            attributes = ", ".join(sorted(missing)) or "what a condition says of attributes"
            yield _grant(f"the flag cannot be tripped without {attributes}")


def _more_than_the_flag(statement: Statement, table: str) -> Iterator[Violation]:
    if not _only_the_flag(statement):
        yield _grant(f"items other than {FLAG!r} are allowed")
    for arn in statement.resources:
        if "*" in arn or "?" in arn or not arn.endswith(f":table/{table}"):
            yield _grant(f"{arn} is allowed")


def _only_the_flag(statement: Statement) -> bool:
    """Whether the conditions leave no item but the flag's."""
    limits = dict(statement.condition("dynamodb:LeadingKeys"))
    # ForAllValues holds for a request without keys as well, unless Null says there must be some.
    all_keys = limits.get("ForAllValues:StringEquals") == (FLAG,)
    return all_keys and limits.get("Null") == ("false",)


def _missing(found: str) -> Violation:
    return Violation(
        found=found,
        rule="every jurisdiction can be stopped on its own",
        fix="add a KillSwitch for the jurisdiction",
    )


def _trust(found: str) -> Violation:
    return Violation(
        found=found,
        rule="people outside the platform can trip the switch, and the agents cannot",
        fix="name the on-call principals in the trust policy, and only them",
        at="assumeRolePolicy",
    )


def _grant(found: str) -> Violation:
    return Violation(
        found=found,
        rule=f"the role may read and change the item {FLAG!r} in every region, and nothing else",
        fix="grant GetItem and UpdateItem with that leading key on the table's own ARNs",
    )


RULES: Final[tuple[Rule, ...]] = (
    every_jurisdiction_has_a_kill_switch,
    the_switch_is_reachable_from_outside,
    the_switch_does_nothing_else,
    the_switch_carries_no_policies,
    nobody_else_changes_the_flag,
    attached_policies_are_judged_too,
    policies_inside_a_role_write_no_table,
    no_deployment_changes_the_flag,
)
