"""Checklist item: somebody outside can trip the switch, and that is all that they can.

Whether they can is evaluated: over the role's policies, the trust in it and the policies of the
keys, for every region of the flag. Only what is sure to be allowed counts as allowed.

Does not guarantee:
    That the people named exist, nor what their own accounts let them do.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies.checklist.kill_switch.duty import Duty, cannot, too_much
from policies.checklist.kill_switch.flag import (
    COMPONENT,
    FLAG,
    FRAMEWORKS,
    flag_tables,
    responders,
)
from policies.core.arns import account_of as account_in
from policies.core.arns import resource_of
from policies.core.kinds import POLICY, ROLE, ROLE_ATTACHMENTS_EXCLUSIVE
from policies.core.properties import Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
    undetermined,
    whole_rule,
)
from policies.core.subjects import Resource, Stack
from policies.iam.account import ATTACHMENTS, Identity, account_of
from policies.iam.documents import Statement, statements
from policies.iam.patterns import overlap

_ASSUME: Final = "sts:AssumeRole"
_ASKED_OF_PEOPLE: Final = frozenset(
    {"aws:principalarn", "aws:principalaccount", "aws:multifactorauthpresent"}
)
"""Condition keys of a trust that tell who comes, whenever and from wherever they do."""

_ACCOUNT: Final = re.compile(r"\*|[0-9]{12}|arn:[^:]*:iam::[0-9]{12}:root")
"""A principal that stands for everybody: of the world, or of an account."""

_EXCLUSIVE: Final = "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive"


@stack_rule(
    id="kill-switch-reachable",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def the_switch_is_reachable_from_outside(role: Resource, stack: Stack) -> Iterator[Violation]:
    """The switch's role is assumed by somebody outside, and by no role of the platform.

    Why: A switch that the agents can take trips, and arms, at their will.
    Good: The account, where ``aws:PrincipalArn`` is like ``arn:aws:iam::...:role/oncall``.
    Bad: Everybody of an account, a service, a role of this stack, or a Deny in the way.
    Fix: Name the on-call principals in the trust policy, and only them.
    """
    if role.component != COMPONENT:
        return
    said = statements(role.properties, "assumeRolePolicy")
    ours = [_name_of(other) for other in stack.of_type(ROLE)]
    reachable = False
    for statement in said:
        at = f"assumeRolePolicy.{statement.at}"
        wrong = next(_wrong_trust(statement, ours), None)
        if wrong is not None:
            yield _trust(wrong, at)
        reachable |= statement.allows and statement.covers(_ASSUME) and _is_met(statement)
    if not reachable and all(statement.allows for statement in said):
        yield _trust("nobody outside can assume it", "assumeRolePolicy")


@whole_rule(
    id="kill-switch-only-trips",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def the_switch_does_nothing_else(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The switch's role can read and change the flag in every region, and nothing else.

    Why: It is used when nothing else works, by people in a hurry, perhaps by a thief.
    Good: GetItem and UpdateItem where the leading key is ``kill``, and Decrypt by DynamoDB.
    Bad: A denial or a condition in its way, a key whose policy shuts it out, other permissions.
    Fix: Grant the two actions with that leading key on the table's own ARNs, and nothing more.
    """
    tables = dict(flag_tables(stack))
    account = account_of(stack)
    for resource, path in account.unknown:
        if resource in responders(stack) or _is_of_responder(resource, stack):
            yield resource.urn, undetermined(path)
    for identity in account.identities:
        role = identity.resource
        if role is None or role not in responders(stack):
            continue
        table = tables.get(role.jurisdiction or "")
        if table is None:
            yield role.urn, _missing(f"no item {FLAG!r} in a table of {role.jurisdiction}")
            continue
        yield from _attached(identity, role, stack)
        yield from _judged(Duty(account=account, identity=identity, role=role, table=table))


def _judged(duty: Duty) -> Iterator[tuple[str, Violation]]:
    """One finding for each place, what is too much before what is missing."""
    places: dict[tuple[str, str], Violation] = {}
    for resource, at, found in too_much(duty):
        places.setdefault((resource.urn, at), _grant(found, at))
    # What a wrong statement lacks is mended with it.
    for resource, at, found in () if places else cannot(duty):
        places.setdefault((resource.urn, at), _grant(found, at))
    for (urn, _), violation in places.items():
        yield urn, violation


@resource_rule(
    id="kill-switch-plain",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def the_switch_carries_no_policies(role: Resource) -> Iterator[Violation]:
    """The switch's role has no policies inside it, only the one beside it that is judged.

    Why: A boundary is changed elsewhere, and what AWS fills in cannot be told from what is given.
    Good: A Role with a RolePolicy beside it.
    Bad: ``permissionsBoundary``, ``inlinePolicies`` or ``managedPolicyArns`` on the role.
    Fix: Write the permissions into the RolePolicy.
    """
    # Of what the cloud answers, as rules over the stack see it, both are unknown until it exists.
    if role.component == COMPONENT:
        for name in ("managedPolicyArns", "inlinePolicies", "permissionsBoundary"):
            if role.properties.is_given(name):
                yield _grant(f"the role has {name}", name)


def _is_of_responder(resource: Resource, stack: Stack) -> bool:
    named = {"role", "roleName"} & set(resource.properties.copy())
    try:
        held = {role for name in named for role in stack.targets(resource, name, ROLE)}
    except Undetermined:
        return False
    return bool(held & set(responders(stack)))


def _attached(identity: Identity, role: Resource, stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Resources that give the role more than the policy beside it, or take that away."""
    for document in identity.documents:
        if document.resource.type in ATTACHMENTS or document.resource.type == POLICY:
            by = document.resource
            yield by.urn, _grant(f"{by.name} attaches another policy", document.at)
    for token, at in ((_EXCLUSIVE, "roleName"), (ROLE_ATTACHMENTS_EXCLUSIVE, "roleName")):
        for other in stack.of_type(token):
            if role in stack.targets(other, at, ROLE):
                yield other.urn, _grant(f"{other.name} takes away all policies but its own", at)


def _is_met(statement: Statement) -> bool:
    """Whether the conditions of a trust leave any of its principals."""
    named = statement.confined_to("aws:PrincipalArn") or ("*",)
    return any(
        overlap(pattern, _everyone(principal))
        for principal in statement.principals.get("AWS", ())
        for pattern in named
    )


def _everyone(principal: str) -> str:
    """The pattern of ARNs of those whom a principal stands for."""
    if ":" in principal and not principal.endswith(":root"):
        return principal
    return f"arn:aws:*::{account_in(principal) or principal}:*" if principal != "*" else "*"


def _wrong_trust(statement: Statement, ours: list[str]) -> Iterator[str]:
    if not statement.allows:
        yield "a Deny may keep everybody out"
        return
    for kind in sorted(set(statement.principals) - {"AWS"}):
        yield f"a principal of kind {kind} can assume it"
    if statement.inverted:
        yield "everybody except somebody can assume it"
    patterns = [*statement.confined_to("aws:PrincipalArn")]
    for principal in statement.principals.get("AWS", ()):
        if not _ACCOUNT.fullmatch(principal):
            patterns.append(principal)
        elif not statement.confined_to("aws:PrincipalArn"):
            yield f"everybody of {principal} can assume it"
    yield from _ours_among(patterns, ours)
    for key in sorted(statement.keys() - _ASKED_OF_PEOPLE):
        yield f"a condition on {key} may keep everybody out"


def _ours_among(patterns: list[str], ours: list[str]) -> Iterator[str]:
    """Roles of the platform that some patterns of principals take in."""
    for name in ours:
        for pattern in patterns:
            # The account in the pattern is the platform's own, or may be.
            arn = f"arn:aws:iam::{'?' * 12}:role/{name}"
            if overlap(arn, pattern) or overlap(f"role/{name}", resource_of(pattern)):
                yield f"the platform's own role {name} matches {pattern}"


def _name_of(resource: Resource) -> str:
    name = resource.properties.text("name")
    if name is None:
        # AWS gets one from the engine, with random characters at its end.
        raise Undetermined("name", resource.urn)
    return name


def _missing(found: str) -> Violation:
    return Violation(
        found=found,
        rule="every jurisdiction can be stopped on its own",
        fix="add a KillSwitch for the jurisdiction",
    )


def _trust(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="people outside the platform can trip the switch, and the agents cannot",
        fix="name the on-call principals in the trust policy, and only them",
        at=at,
    )


def _grant(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule=f"the role may read and change the item {FLAG!r} in every region, and nothing else",
        fix="grant GetItem and UpdateItem with that leading key on the table's own ARNs",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    the_switch_is_reachable_from_outside,
    the_switch_does_nothing_else,
    the_switch_carries_no_policies,
)
