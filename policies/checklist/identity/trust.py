"""Checklist item: a stack trusts nobody outside of its account, and of its own only whom it names.

Does not guarantee:
    Anything about the switch's own role, whose trust has a rule of its own: people who may trip it
    can come from an account of their own. That whoever an identity provider vouches for is who they
    say.
"""

from collections.abc import Iterator
from typing import Final

from policies.checklist.identity.outsiders import outsiders, widely
from policies.checklist.identity.permissions import FRAMEWORKS
from policies.checklist.identity.planes import is_work
from policies.checklist.kill_switch.flag import COMPONENT
from policies.core.arns import resource_of
from policies.core.kinds import ROLE
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
    whole_rule,
)
from policies.core.subjects import Resource, Stack
from policies.iam.account import Account, Document, account_of
from policies.iam.actions import taken_in
from policies.iam.documents import Statement, statements
from policies.iam.resource_policies import PLACES, resource_policies


@stack_rule(
    id="identity-trust",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
    types=(ROLE,),
)
def roles_trust_nobody_outside(role: Resource, stack: Stack) -> Iterator[Violation]:
    """A role is taken by those of this account whom its trust names.

    Why: Whoever may take a role has all that it may do, wherever they come from.
    Good: ``pods.eks.amazonaws.com`` where ``aws:SourceAccount`` is this account.
    Bad: ``*`` where ``aws:PrincipalArn`` is like ``*``, another account, OIDC without a subject.
    Fix: Name the principal, and for a service or a provider say on whose behalf it comes.
    """
    if role.component == COMPONENT:
        return
    account = account_of(stack)
    others = {
        f"role/{other.name}": other
        for other in account.identities
        if other.kind == ROLE and other.jurisdiction != role.jurisdiction and other.resource
    }
    for statement in statements(role.properties, "assumeRolePolicy"):
        found = [
            *outsiders(statement, account.id, role=True),
            *(["everybody of this account"] if widely(statement, account.id) else []),
            *_of_others(statement, set(others)),
        ]
        if found:
            yield Violation(
                found=f"{' and '.join(found)} can take the role",
                rule="a role is taken by those of its account and jurisdiction who are named",
                fix="name the principal; of a service ask for aws:SourceAccount, of an identity "
                "provider for subject and audience",
                at=f"assumeRolePolicy.{statement.at}",
            )


def _of_others(statement: Statement, others: set[str]) -> list[str]:
    """Roles of other jurisdictions that a trust names."""
    if not statement.allows:
        return []
    named = {resource_of(principal) for principal in statement.principals.get("AWS", ())}
    return sorted(f"the {one} of another jurisdiction" for one in named & others)


@whole_rule(
    id="identity-open",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def resources_are_open_to_nobody_outside(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The policy of a bucket, key, queue or topic lets nobody in from outside of the account.

    Why: A resource's own policy opens it to others without a word in their permissions.
    Good: A service, where ``aws:SourceAccount`` is this account.
    Bad: ``"Principal": "*"``, another account, or conditions that anybody meets (``...IfExists``).
    Fix: Name principals of this account, and leave the rest to their own permissions.
    """
    account = account_of(stack)
    for document in resource_policies(stack).documents:
        for statement in document.statements:
            found = list(outsiders(statement, account.id, role=False))
            found += _insiders(statement, document, account)
            if found:
                actions = ", ".join(statement.actions) or "everything but something"
                yield (
                    document.resource.urn,
                    Violation(
                        found=f"{' and '.join(found)} may do {actions}",
                        rule="nobody outside uses what belongs to the account and jurisdiction, "
                        "and a role of the stack gets no more from a resource than from itself",
                        fix="name principals of the account, of a service ask for "
                        "aws:SourceAccount, and give roles of the stack their own policies",
                        at=document.place(statement),
                    ),
                )


def _insiders(statement: Statement, document: Document, account: Account) -> list[str]:
    """Roles of the stack that a resource lets in although they are not to do it, or not there."""
    if not statement.allows:
        return []
    subject = document.subject or document.resource
    actions = taken_in(statement.actions, statement.not_actions)
    changing = any(not is_work(action) for action in actions)
    named = {resource_of(principal) for principal in statement.principals.get("AWS", ())}
    return sorted(
        f"role {role.name}"
        for role in account.identities
        if role.kind == ROLE
        and role.resource is not None
        and f"role/{role.name}" in named
        and (changing or role.jurisdiction != subject.jurisdiction)
    )


@resource_rule(
    id="identity-policies-known",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=tuple(PLACES),
)
def policies_of_resources_are_known(resource: Resource) -> Iterator[Violation]:
    """The policy of a resource is known, and can be read, before it is deployed.

    Why: Nobody can review a document that is computed afterwards.
    Good: ARNs that are built from names.
    Bad: A document that contains another resource's ``arn``.
    Fix: Build the document from names that the program knows.
    """
    if resource.properties.is_given("policy"):
        statements(resource.properties, "policy")
    yield from ()


RULES: Final[tuple[Rule, ...]] = (
    roles_trust_nobody_outside,
    resources_are_open_to_nobody_outside,
    policies_of_resources_are_known,
)
