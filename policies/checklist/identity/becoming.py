"""Who can become whom.

A role may take another role of its own jurisdiction, other than a switch's. Since every single
step is held to that, no way over several roles leads out either: the step that leaves is refused,
wherever on the way it is. What else makes somebody another (keys, passwords, policies, trust, a
role that is passed to a service) changes permissions, and nobody of a stack may do it.

A permission to take a role counts although the role's own trust may refuse it: of two locks that
both have to hold, neither is left open.
"""

from collections.abc import Iterator
from typing import Final

from policies.checklist.identity.beyond import Beyond
from policies.checklist.kill_switch.flag import COMPONENT
from policies.core.kinds import ROLE
from policies.core.subjects import Resource
from policies.iam.account import USER
from policies.iam.asking import Asked
from policies.iam.evaluate import Request
from policies.iam.patterns import covers, overlap
from policies.iam.resources import arns_of

ASSUME: Final = "sts:AssumeRole"


def others_to_become(asked: Asked) -> Iterator[Beyond]:
    """The roles that a statement lets somebody take and should not."""
    if all(action.name != ASSUME for action in asked.actions):
        return
    roles = asked.account.stack.of_type(ROLE)
    allowed: list[str] = []
    for role in roles:
        if _may_be_taken(role, asked):
            allowed += arns_of(role, asked.account.id)
    for part in asked.permits(Request(action=ASSUME, resource="*")):
        for role in roles:
            arns = arns_of(role, asked.account.id)
            if any(overlap(part.resource, arn) for arn in arns) and not _may_be_taken(role, asked):
                yield _other(f"may become {role.name} of {role.jurisdiction or 'no jurisdiction'}")
        if not covers(tuple(allowed), part.resource):
            yield _other(f"may become {part.resource}, of whom this stack knows nothing")


def _may_be_taken(role: Resource, asked: Asked) -> bool:
    if role.component == COMPONENT:
        # People come to a switch as the users that they are, and its trust says which.
        return bool(asked.holders) and all(holder.kind == USER for holder in asked.holders)
    return {role.jurisdiction} == {holder.jurisdiction for holder in asked.holders}


def _other(found: str) -> Beyond:
    return Beyond(
        rule="identity-become",
        found=found,
        because="nobody takes a role of another jurisdiction, of a switch, or of another stack",
        fix="name roles of the same jurisdiction of this stack, or give the permissions directly",
    )
