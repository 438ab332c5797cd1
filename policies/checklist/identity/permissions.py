"""Checklist item: nobody may do more than they are for.

Effective permissions, evaluated over all documents of a stack: the table of questions is
:mod:`policies.checklist.identity.questions`, how a statement is asked them is
:mod:`policies.checklist.identity.judging`.

Does not guarantee:
    Anything about identities and policies of other stacks, other than that nothing here attaches a
    policy of theirs or lets anybody become one of them.
"""

from collections.abc import Iterator
from typing import Final

from policies.checklist.identity.judging import judged
from policies.checklist.kill_switch.flag import FRAMEWORKS as SWITCH_FRAMEWORKS
from policies.checklist.kill_switch.flag import responders
from policies.checklist.residency.stores import FRAMEWORKS as RESIDENCY_FRAMEWORKS
from policies.core.kinds import ROLE, ROLE_POLICY
from policies.core.properties import Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    undetermined,
    whole_rule,
)
from policies.core.subjects import Resource, Stack
from policies.iam.account import account_of
from policies.iam.documents import statements

FRAMEWORKS: Final = ("SOC 2 CC6.3", "ISO 27001:2022 A.8.2", "PCI DSS 4 7.2")
STATE_FRAMEWORKS: Final = ("SOC 2 A1.2", "ISO 27001:2022 A.8.24")
OBSERVED_FRAMEWORKS: Final = ("SOC 2 CC7.2", "ISO 27001:2022 A.8.16")
AUDIT_FRAMEWORKS: Final = ("SOC 2 CC7.2", "ISO 27001:2022 A.8.15", "PCI DSS 4 10.3")

Found = Iterator[tuple[str, Violation]]


@whole_rule(
    id="kill-switch-guarded",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=SWITCH_FRAMEWORKS,
)
def nobody_else_changes_the_flag(stack: Stack) -> Found:
    """Only the switch's own role changes the flag, and nobody the table that holds it.

    Why: An agent that can write the flag, or replace its table, outlives its own switch.
    Good: An allowed ``dynamodb:PutItem`` with a denial where ``dynamodb:LeadingKeys`` is ``kill``.
    Bad: ``dynamodb:*``, also in a group's policy, inside a role, or behind a condition.
    Fix: Deny the writes of items for the flag, and allow nothing that changes a table.
    """
    for resource, path in account_of(stack).unknown:
        if not _is_read_elsewhere(resource, stack):
            yield resource.urn, undetermined(path)
    yield from _of(stack, "kill-switch-guarded")


@whole_rule(
    id="kill-switch-attached",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=SWITCH_FRAMEWORKS,
)
def attached_policies_are_judged_too(stack: Stack) -> Found:
    """A policy that is attached is written in this stack, or known for what it allows.

    Why: What nobody here has read may allow anything.
    Good: ``policyArn`` of a Policy of this stack, or ``AmazonSSMManagedInstanceCore``.
    Bad: A policy of another stack.
    Fix: Write the permissions here; if AWS wrote them, say what they are in ``managed.py``.
    """
    for resource, at, arn in account_of(stack).unjudged:
        yield (
            resource.urn,
            Violation(
                found=f"nobody judges {arn}",
                rule="who has a policy has all that it says, so it is read before it is attached",
                fix="write the permissions in this stack, or say what AWS's own policy allows in "
                "policies/iam/managed.py",
                at=at,
            ),
        )


@resource_rule(
    id="kill-switch-guarded-inside",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=SWITCH_FRAMEWORKS,
    types=(ROLE,),
)
def policies_inside_a_role_are_known(role: Resource) -> Iterator[Violation]:
    """What is written inside a role is known before it is deployed.

    Why: Afterwards nobody can tell it from what AWS fills in, so it is asked of the program.
    Good: ``inlinePolicies`` whose documents are built from names.
    Bad: ``managedPolicyArns`` that another resource computes.
    Fix: Write the permissions into a RolePolicy beside the role.
    """
    for number, arn in enumerate(role.properties.names("managedPolicyArns")):
        if arn is None:
            yield undetermined(f"managedPolicyArns[{number}]")
    for part in role.properties.objects("inlinePolicies"):
        statements(part, "policy")


@whole_rule(
    id="identity-escalation",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def nobody_gives_themselves_more(stack: Stack) -> Found:
    """Nobody of the stack can change who may do what.

    Why: Who may write policies, pass roles or make keys may do everything, whatever else is
        denied.
    Good: An agent's policy without any action of ``iam``.
    Bad: ``iam:PutRolePolicy``, ``iam:PassRole`` on ``*``, or ``NotAction: s3:*``.
    Fix: Take the action out; this program changes permissions, and a review sees it.
    """
    yield from _of(stack, "identity-escalation")


@whole_rule(
    id="identity-become",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=FRAMEWORKS,
)
def nobody_becomes_another(stack: Stack) -> Found:
    """Nobody takes a role of another jurisdiction, of a kill switch, or of another stack.

    Why: What somebody can become, they are. Every step is held to this, so no way over several
        roles leads out.
    Good: ``sts:AssumeRole`` on a role of the same jurisdiction.
    Bad: ``sts:AssumeRole`` on the switch's role, or on ``*``.
    Fix: Name the role, or give the permissions directly.
    """
    yield from _of(stack, "identity-become")


@whole_rule(
    id="identity-control-plane",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def agents_change_no_resource(stack: Stack) -> Found:
    """Nobody of the stack changes the platform that they run on.

    Why: An agent that can change a route, a record or a security group can undo what every
        other rule asks for.
    Good: ``sqs:SendMessage``.
    Bad: ``route53:ChangeResourceRecordSets``, ``ec2:*``.
    Fix: Take the action out; what is work is named in ``planes.py``.
    """
    yield from _of(stack, "identity-control-plane")


@whole_rule(
    id="identity-scope",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def permissions_name_what_they_are_for(stack: Stack) -> Found:
    """Permissions name the resources of this account that they are for.

    Why: A permission on everything takes in what is added tomorrow, and what others keep in
        the account.
    Good: ``secret:holdfast/prod/eu-west-1/limiter-??????``.
    Bad: ``secret:*``, or an ARN of another account.
    Fix: Name the resources.
    """
    yield from _of(stack, "identity-scope")


@whole_rule(
    id="identity-actions-known",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def actions_exist(stack: Stack) -> Found:
    """Every action that a policy speaks of is one that AWS has.

    Why: A misspelt denial protects nobody, and nothing says so.
    Good: ``dynamodb:DeleteItem``.
    Bad: ``dynamodb:DeleteItems``.
    Fix: Spell it as AWS does.
    """
    yield from _of(stack, "identity-actions-known")


@whole_rule(
    id="state-safety-keys-guarded",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=STATE_FRAMEWORKS,
)
def nobody_makes_data_unreadable(stack: Stack) -> Found:
    """Nobody of the stack deletes, disables or hands out the keys.

    Why: With a key goes all that it encrypts, backups included; with a grant it opens to
        others.
    Good: ``kms:Decrypt``.
    Bad: ``kms:ScheduleKeyDeletion``, ``kms:CreateGrant``, ``kms:*`` under whatever condition.
    Fix: Give Decrypt and GenerateDataKey only.
    """
    yield from _of(stack, "state-safety-keys-guarded")


@whole_rule(
    id="state-safety-stores-guarded",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=STATE_FRAMEWORKS,
)
def nobody_replaces_a_store(stack: Stack) -> Found:
    """Nobody of the stack deletes or replaces its stores, or changes who may use them.

    Why: A table that is restored over another, or a bucket that forgets versions, is lost
        state.
    Good: ``s3:PutObject``.
    Bad: ``s3:PutLifecycleConfiguration``, ``dynamodb:UpdateTable``, ``ssm:PutParameter``.
    Fix: Take the action out.
    """
    yield from _of(stack, "state-safety-stores-guarded")


@whole_rule(
    id="observability-alarms-guarded",
    item=ChecklistItem.OBSERVABILITY,
    severity=Severity.HIGH,
    frameworks=OBSERVED_FRAMEWORKS,
)
def nobody_silences_an_alarm(stack: Stack) -> Found:
    """Nobody of the stack silences its alarms, or their topics.

    Why: Whoever runs away first turns off what tells of it.
    Good: ``cloudwatch:PutMetricData``.
    Bad: ``cloudwatch:DisableAlarmActions``, ``sns:SetTopicAttributes``.
    Fix: Take the action out.
    """
    yield from _of(stack, "observability-alarms-guarded")


@whole_rule(
    id="audit-log-guarded",
    item=ChecklistItem.AUDIT_LOG,
    severity=Severity.CRITICAL,
    frameworks=AUDIT_FRAMEWORKS,
)
def nobody_changes_the_record(stack: Stack) -> Found:
    """Nobody of the stack changes or ends the record of what was done.

    Why: A record that its subjects can change proves nothing.
    Good: ``logs:PutLogEvents``.
    Bad: ``cloudtrail:StopLogging``, ``logs:DeleteLogGroup``.
    Fix: Take the action out.
    """
    yield from _of(stack, "audit-log-guarded")


@whole_rule(
    id="residency-permission",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=RESIDENCY_FRAMEWORKS,
)
def roles_reach_only_their_own_jurisdiction(stack: Stack) -> Found:
    """A role of a jurisdiction is allowed nothing on resources of another one.

    Why: Data leaves by whoever can read it here and write it there, and ``*`` is everywhere.
    Good: ``arn:aws:s3:::`` and the name of the jurisdiction's own bucket.
    Bad: ``arn:aws:s3:::*``, ``arn:aws:dynamodb:*:...``, ``NotResource``.
    Fix: Name resources of the jurisdiction's own regions.
    """
    yield from _of(stack, "residency-permission")


@whole_rule(
    id="residency-inference-permission",
    item=ChecklistItem.RESIDENCY,
    severity=Severity.HIGH,
    frameworks=RESIDENCY_FRAMEWORKS,
)
def permissions_keep_models_in_the_jurisdiction(stack: Stack) -> Found:
    """No policy lets anybody call a model outside the jurisdiction.

    Why: A prompt holds tenants' data, and an inference profile hands it on to other regions.
    Good: ``inference-profile/eu.*`` of a region of the EU.
    Bad: ``inference-profile/global.*``, or models of ``*``.
    Fix: Name models of the jurisdiction's own regions.
    """
    yield from _of(stack, "residency-inference-permission")


def _of(stack: Stack, rule: str) -> Found:
    for one in judged(stack).get(rule, ()):
        yield one.resource.urn, one.violation


def _is_read_elsewhere(resource: Resource, stack: Stack) -> bool:
    """Whether another rule says that a document is not known: inside a role, or of a switch."""
    if resource.type == ROLE:
        return True
    try:
        holders = stack.targets(resource, "role", ROLE) if resource.type == ROLE_POLICY else ()
    except Undetermined:
        return False
    return any(holder in responders(stack) for holder in holders)


RULES: Final[tuple[Rule, ...]] = (
    nobody_else_changes_the_flag,
    attached_policies_are_judged_too,
    policies_inside_a_role_are_known,
    nobody_gives_themselves_more,
    nobody_becomes_another,
    agents_change_no_resource,
    permissions_name_what_they_are_for,
    actions_exist,
    nobody_makes_data_unreadable,
    nobody_replaces_a_store,
    nobody_silences_an_alarm,
    nobody_changes_the_record,
    roles_reach_only_their_own_jurisdiction,
    permissions_keep_models_in_the_jurisdiction,
)
