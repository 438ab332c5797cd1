"""What nobody may do, as a table of questions that every statement of every document is asked.

The order counts: a statement that is wrong for several reasons is reported for the first of them,
which is the most specific.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from policies.checklist.identity.planes import ITEM_WRITES, changes
from policies.checklist.kill_switch.flag import FLAG, flag_tables
from policies.core.arns import region_of
from policies.core.kinds import ALARM, BUCKET, KEYS, SECRET, TABLE, TOPIC
from policies.core.properties import Undetermined
from policies.core.subjects import Resource, Stack
from policies.iam.account import Account
from policies.iam.actions import Action
from policies.iam.conditions import Context, Fact
from policies.iam.resources import LIMITER, PARAMETER, QUEUE, aliases_of, arns_of


@dataclass(frozen=True, kw_only=True)
class Target:
    """Something that is protected.

    Attributes:
        name: What to call it in messages.
        resource: ARN, or the pattern of it.
        context: What is known of every request that touches it.
    """

    name: str
    resource: str
    context: Context = field(default_factory=dict[str, Fact])


@dataclass(frozen=True, kw_only=True)
class Never:
    """What nobody of a stack may do, the switch's own role aside, which is asked on its own.

    Attributes:
        rule: Id of the rule that reports it.
        do: Whether an action is one of those meant.
        to: What they may not be done to.
        because: What a violation breaks.
        fix: How to put it right.
    """

    rule: str
    do: Callable[[Action], bool]
    to: Callable[[Account], tuple[Target, ...]]
    because: str
    fix: str


CREDENTIALS: Final = (
    "cognito-identity:GetCredentialsForIdentity",
    "cognito-identity:GetOpenIdToken",
    "license-manager:GetAccessToken",
    "sts:AssumeRoot",
    "sts:GetFederationToken",
    "sts:GetSessionToken",
    "sts:GetWebIdentityToken",
)
"""What only reads, says AWS, and gives out credentials."""

EVERYTHING: Final = (Target(name="everything", resource="*"),)


def _anything(_account: Account) -> tuple[Target, ...]:
    return EVERYTHING


@lru_cache(maxsize=2)
def _flags(account: Account) -> tuple[Target, ...]:
    """Every request that touches the flag's item, whatever else it touches."""
    asked = {"dynamodb:leadingkeys": Fact((FLAG,), open=True)}
    return tuple(
        Target(
            name=f"{arn.rpartition('/')[2]} in {region_of(arn)}, the item {FLAG!r} included",
            resource=arn,
            context=asked,
        )
        for _, table in _flag_tables(account.stack)
        for arn in arns_of(table, account.id)
        if not arn.endswith("/*")
    )


def _flag_tables(stack: Stack) -> Iterator[tuple[str, Resource]]:
    try:
        yield from flag_tables(stack)
    except Undetermined:
        # Whether there is a flag is asked by the rules on the switch itself.
        return


@lru_cache(maxsize=2)
def _tables_of_flags(account: Account) -> tuple[Target, ...]:
    return tuple(
        Target(name=f"the flag's table {table.name}", resource=arn)
        for _, table in _flag_tables(account.stack)
        for arn in arns_of(table, account.id)
    )


@lru_cache(maxsize=2)
def _announcing(account: Account) -> tuple[Target, ...]:
    """The topics that alarms announce themselves on."""
    topics = {
        topic.urn
        for alarm in account.stack.of_type(ALARM)
        for topic in alarm.referenced("alarmActions", (TOPIC,))
    }
    return tuple(
        Target(name=topic.name, resource=arn)
        for topic in account.stack.of_type(TOPIC)
        if topic.urn in topics
        for arn in arns_of(topic, account.id)
    )


def _all(*types: str) -> Callable[[Account], tuple[Target, ...]]:
    @lru_cache(maxsize=2)
    def targets(account: Account) -> tuple[Target, ...]:
        return tuple(_protected(account, *types))

    return targets


def _protected(account: Account, *types: str) -> Iterator[Target]:
    for resource in account.stack.of_type(*types):
        context: Context = {}
        if resource.type in KEYS and (aliases := aliases_of(resource, account.stack)):
            context = {"kms:resourcealiases": Fact(aliases)}
        try:
            for arn in arns_of(resource, account.id):
                yield Target(name=resource.name, resource=arn, context=context)
        except Undetermined:
            # Where it lies nobody knows yet: it may be whatever a statement names.
            yield Target(name=resource.name, resource="*", context=context)


_LESS: Final = "take the action out of the statement, or deny it in the same policy"

NEVER: Final[tuple[Never, ...]] = (
    Never(
        rule="kill-switch-guarded",
        do=lambda action: action.name in ITEM_WRITES,
        to=_flags,
        because="only the switch's own role changes the flag",
        fix=f"deny it in the same policy where dynamodb:LeadingKeys is {FLAG!r}",
    ),
    Never(
        rule="kill-switch-guarded",
        do=changes("dynamodb"),
        to=_tables_of_flags,
        because="nobody deletes, replaces or hands out the table of the flag and the leases",
        fix=_LESS,
    ),
    Never(
        rule="identity-escalation",
        do=changes(
            "iam",
            "organizations",
            "sso",
            "identitystore",
            "account",
            besides=CREDENTIALS,
        ),
        to=_anything,
        because="nobody gives themselves, or others, what they were not given here",
        fix="take the action out: permissions are changed in this program, and reviewed",
    ),
    Never(
        rule="state-safety-keys-guarded",
        do=changes("kms"),
        to=_all(*KEYS),
        because="nobody makes unreadable what the keys encrypt, nor opens it to others",
        fix="take the action out; those who use a key need Decrypt and GenerateDataKey",
    ),
    Never(
        rule="state-safety-stores-guarded",
        do=changes("dynamodb", "s3", "secretsmanager", "ssm", "sqs", "elasticache"),
        to=_all(TABLE, BUCKET, SECRET, PARAMETER, QUEUE, LIMITER),
        because="nobody deletes or replaces a store, or changes who may use it",
        fix=_LESS,
    ),
    Never(
        rule="observability-alarms-guarded",
        do=changes("cloudwatch", "sns"),
        to=_all(ALARM, TOPIC),
        because="nobody silences what tells that the platform fails, or is stopped",
        fix=_LESS,
    ),
    Never(
        rule="observability-alarms-guarded",
        do=lambda action: action.name == "sns:Publish",
        to=_announcing,
        because="what an alarm's topic says, an alarm has said",
        fix="publish to a topic that no alarm announces itself on",
    ),
    Never(
        rule="audit-log-guarded",
        do=changes("cloudtrail", "logs", "config", "guardduty", "securityhub"),
        to=_anything,
        because="nobody changes or ends the record of what was done",
        fix="take the action out; CreateLogStream and PutLogEvents are enough to write",
    ),
    Never(
        rule="identity-control-plane",
        do=changes(),
        to=_anything,
        because="agents do their work and change no resource, no policy and no key",
        fix="take the action out; if it is work, name it in WORK of "
        "policies/checklist/identity/planes.py",
    ),
)
