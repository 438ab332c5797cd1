"""Edits of documents, options and whole resources, as a pull request of an attacker brings them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from holdfast.graph import Value
from tests.policies.edits.documents import Statement, allow, restated, saying
from tests.policies.edits.settings import SETTING_EDITS
from tests.policies.shipped import (
    Edit,
    Harm,
    optioned,
    removing,
    rewriting,
    setting,
    together,
    without,
)

_AGENTS: Final = "aws:iam/rolePolicy:RolePolicy::eu-agents"
_AGENT_ROLE: Final = "aws:iam/role:Role::eu-agents"
_RESPONDER: Final = "aws:iam/rolePolicy:RolePolicy::eu-kill-switch"
_KEY: Final = "aws:kms/key:Key::eu-keys-eu-west-1"
_TOPIC: Final = "aws:sns/topic:Topic::eu-kill-switch-eu-west-1"
_BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy::eu-store-eu-west-1"
_BUCKET: Final = "holdfast-prod-eu-west-1-objects-123456789012"
_STRANGER: Final = "arn:aws:iam::999988887777:root"

_AGENTS_MAY: Final[tuple[tuple[str, str, str], ...]] = (
    ("dynamodb:Delete*", "arn:aws:dynamodb:*:123456789012:table/holdfast-*", "kill-switch-guarded"),
    ("dynamodb:UpdateTimeToLive", "arn:aws:dynamodb:eu-west-1:*:table/*", "kill-switch-guarded"),
    ("dynamodb:UpdateContinuousBackups", "*", "kill-switch-guarded"),
    ("dynamodb:ExportTableToPointInTime", "*", "kill-switch-guarded"),
    ("dynamodb:PutResourcePolicy", "*", "kill-switch-guarded"),
    ("dynamodb:GetItem", "arn:*:dynamodb:us-*:*:table/*", "residency-permission"),
    ("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/*", "identity-escalation"),
    ("iam:PassRole", "*", "identity-escalation"),
    ("kms:RevokeGrant", "*", "state-safety-keys-guarded"),
    ("kms:UpdateAlias", "*", "state-safety-keys-guarded"),
    ("cloudwatch:Disable*", "*", "observability-alarms-guarded"),
    ("cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:*:*:alarm:*", "observability-alarms-guarded"),
    ("sns:Unsubscribe", "*", "observability-alarms-guarded"),
    ("SNS:SetTopicAttributes", "arn:aws:sns:*:*:holdfast-*", "observability-alarms-guarded"),
    ("ssm:Put*", "arn:aws:ssm:*:*:parameter/holdfast/prod/*", "state-safety-stores-guarded"),
    ("s3:GetObject*", "arn:aws:s3:::*", "residency-permission"),
    ("s3:GetObject", "arn:aws:s3:::${aws:PrincipalTag/bucket}/*", "residency-permission"),
    ("s3:PutLifecycleConfiguration", f"arn:aws:s3:::{_BUCKET}", "state-safety-stores-guarded"),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:999988887777:x", "residency-permission"),
    ("secretsmanager:GetSecretValue", "*", "residency-permission"),
    ("secretsmanager:PutResourcePolicy", "*", "state-safety-stores-guarded"),
    ("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::*", "residency-inference-permission"),
    ("cloudtrail:StopLogging", "*", "audit-log-guarded"),
    ("route53:ChangeResourceRecordSets", "*", "identity-control-plane"),
    ("elasticache:ModifyReplicationGroup", "*", "state-safety-stores-guarded"),
)
"""What agents are given, on what, and which rule says so."""

_GONE: Final[tuple[tuple[str, str, str], ...]] = (
    ("aws:kms/alias:Alias::eu-keys-eu-west-1", "key-named", "eu-keys-eu-west-1"),
    ("aws:lb/listener:Listener::eu-west-1-ingress", "ingress-listens", "eu-west-1-ingress"),
    ("aws:lb/targetGroup:*::eu-west-1-ingress", "ingress-listens", "eu-west-1-ingress"),
    ("aws:s3/bucketPolicy:*::eu-store-eu-west-1", "bucket-in-transit", "eu-store-eu-west-1"),
    ("aws:s3/bucketVersioning:*::eu-store-eu-west-1", "bucket-versioned", "eu-store-eu-west-1"),
    ("aws:s3/bucketOwnership*::eu-store-eu-west-1", "bucket-owned", "eu-store-eu-west-1"),
    ("aws:s3/bucketReplication*::eu-store-eu-west-1", "bucket-replicated", "eu-store-eu-west-1"),
    ("aws:s3/bucketPublic*::eu-store-eu-west-1", "bucket-private", "eu-store-eu-west-1"),
    ("aws:s3/bucketServerSide*::eu-store-eu-west-1", "bucket-encrypted", "eu-store-eu-west-1"),
    ("aws:elasticache/param*::eu-west-1-limiter", "limiter-never-evicts", "eu-west-1-limiter"),
    ("*SecretVersion::eu-west-1-limiter", "limiter-authenticated", "eu-west-1-limiter"),
    ("*MetricAlarm::eu-kill-switch-eu-west-1-unread", "kill-switch-alarm", "eu-coordination"),
    ("*Table::eu-store", "contract-tables", "holdfast-prod"),
    ("*Table::eu-coordination", "contract-tables", "holdfast-prod"),
    ("*RolePolicy::eu-kill-switch", "kill-switch-only-trips", "eu-kill-switch"),
    ("*:Role::eu-kill-switch", "contract-kill-switch", "holdfast-prod"),
    ("*RolePolicy::eu-agents", "contract-roles", "eu-agents"),
)
"""What is gone, which rule says so and where."""

_IGNORED: Final[tuple[tuple[str, str], ...]] = (
    (_AGENTS, "policy"),
    ("aws:s3/bucketPublicAccessBlock:*::eu-store-eu-west-1", "*"),
    ("aws:budgets/budget:Budget::global-spending", "notifications"),
    ("*MetricAlarm::eu-kill-switch-eu-west-1-tripped", "threshold"),
    ("*SecurityGroupIngressRule::eu-west-1-network-agents-limiter", "cidrIpv4"),
    ("*ReplicationGroup::eu-west-1-limiter", "transitEncryptionEnabled"),
    ("*Table::eu-store", "replicas[0].kmsKeyArn"),
)
"""What the engine no longer changes."""


def _trusting(**principal: str) -> Statement:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


def _when(**operators: Mapping[str, list[str]]) -> dict[str, Value]:
    return {"Condition": operators}


def _opening(action: str, resource: str, principal: Value, **more: Value) -> Statement:
    said = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return {**said, **more}


def _narrowed(resource: str, number: int, operator: str, key: str, value: str) -> Edit:
    """Adds a key to the condition of a statement, which then holds more seldom."""

    def changed(said: dict[str, Any]) -> Statement:
        conditions = said["Condition"]
        narrower = {**conditions.get(operator, {}), key: [value]}
        return {**said, "Condition": {**conditions, operator: narrower}}

    return restated(resource, number, changed)


def _listed(value: Value) -> list[Value]:
    assert isinstance(value, list | tuple)
    return list(cast("list[Value]", value))


def _leaving(resource: str, path: str) -> Edit:
    return optioned(resource, lambda options: replace(options, ignore_changes=(path,)))


def _letting_in(peer: str, value: str) -> Edit:
    rule = (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::*west-1-network-agents-limiter"
    )
    return together(removing(rule, "referencedSecurityGroupId"), setting(rule, peer, value))


_DOCUMENT_EDITS: Final[tuple[tuple[str, Edit, str, str], ...]] = (
    (
        "agents of a team may change the flag",
        _narrowed(_AGENTS, 1, "StringEquals", "aws:PrincipalTag/team", "interns"),
        "kill-switch-guarded",
        "eu-agents",
    ),
    (
        "agents decrypt beside services",
        restated(_AGENTS, 7, lambda said: {**said, "Condition": {}}),
        "identity-scope",
        "eu-agents",
    ),
    (
        "agents may do all but IAM",
        saying(_AGENTS, allow(None, NotAction=["iam:*", "organizations:*"])),
        "kill-switch-guarded",
        "eu-agents",
    ),
    (
        "a vendor with an external id becomes an agent",
        saying(
            _AGENT_ROLE,
            {**_trusting(AWS=_STRANGER), **_when(StringEquals={"sts:ExternalId": ["x"]})},
            at="assumeRolePolicy",
        ),
        "identity-trust",
        "eu-agents",
    ),
    (
        "responders need a tag that nobody has",
        _narrowed(_RESPONDER, 1, "StringEquals", "aws:PrincipalTag/shift", "night"),
        "kill-switch-only-trips",
        "eu-kill-switch",
    ),
    (
        "responders decrypt by an alias with a letter less",
        _narrowed(
            _RESPONDER,
            2,
            "ForAnyValue:StringEquals",
            "kms:ResourceAliases",
            "alias/holdfast-prod-eu-dat",
        ),
        "kill-switch-only-trips",
        "eu-kill-switch",
    ),
    (
        "another account decrypts with the key",
        saying(_KEY, _opening("kms:Decrypt", "*", {"AWS": [_STRANGER]})),
        "identity-open",
        "eu-keys-eu-west-1",
    ),
    (
        "every account that begins with a one uses the key",
        saying(
            _KEY, _opening("kms:*", "*", "*", **_when(StringLike={"kms:CallerAccount": ["1*"]}))
        ),
        "identity-open",
        "eu-keys-eu-west-1",
    ),
    (
        "any endpoint reads the bucket",
        saying(
            _BUCKET_POLICY,
            _opening(
                "s3:GetObject",
                f"arn:aws:s3:::{_BUCKET}/*",
                "*",
                **_when(StringLike={"aws:SourceVpce": ["vpce-*"]}),
            ),
        ),
        "identity-open",
        "eu-store-eu-west-1",
    ),
    (
        "the bucket refuses TLS instead of its absence",
        _narrowed(_BUCKET_POLICY, 0, "Bool", "aws:SecureTransport", "true"),
        "bucket-in-transit",
        "eu-store-eu-west-1",
    ),
    (
        "alarms of another region may use the topic",
        _narrowed(_TOPIC, 0, "ArnLike", "aws:SourceArn", "arn:aws:cloudwatch:eu-west-2:*:alarm:*"),
        "kill-switch-announced",
        "eu-kill-switch-eu-west-1",
    ),
    (
        "alarms of an account with two digits swapped may use the topic",
        _narrowed(_TOPIC, 0, "StringEquals", "aws:SourceAccount", "123456789021"),
        "kill-switch-announced",
        "eu-kill-switch-eu-west-1",
    ),
    (
        "the limiter admits a private range",
        _letting_in("cidrIpv4", "10.0.0.0/8"),
        "network-ports",
        "*-agents-limiter",
    ),
    (
        "the limiter admits all of IPv6",
        _letting_in("cidrIpv6", "::/0"),
        "network-ports",
        "*-agents-limiter",
    ),
    (
        "an alarm stops a machine, too",
        rewriting(
            "*MetricAlarm::eu-kill-switch-eu-west-1-tripped",
            "alarmActions",
            lambda value: [*_listed(value), "arn:aws:automate:eu-west-1:ec2:terminate"],
        ),
        "kill-switch-alarm",
        "*-tripped",
    ),
    (
        "a load balancer stands in one zone",
        rewriting("*LoadBalancer::eu-west-1-ingress", "subnets", lambda value: _listed(value)[:1]),
        "subnet-zones",
        "eu-west-1-ingress",
    ),
    (
        "an endpoint stands in one zone",
        rewriting(
            "*Endpoint::eu-west-1-network-kms", "subnetIds", lambda value: _listed(value)[:1]
        ),
        "subnet-zones",
        "eu-west-1-network-kms",
    ),
    (
        "an endpoint leads to a service of another name",
        setting(
            "*Endpoint::eu-west-1-network-kms", "serviceName", "com.amazonaws.eu-west-1.kms-fips"
        ),
        "network-endpoints",
        "eu-west-1-network",
    ),
)

ADVERSARY_EDITS: Final[tuple[Harm, ...]] = (
    *SETTING_EDITS,
    *(
        Harm(
            name=f"agents may {action} on {resource}",
            edit=saying(_AGENTS, allow(action, resource)),
            rule=rule,
            at="eu-agents",
        )
        for action, resource, rule in _AGENTS_MAY
    ),
    *(
        Harm(name=f"{gone} is gone", edit=without(gone), rule=rule, at=at)
        for gone, rule, at in _GONE
    ),
    *(
        Harm(
            name=f"the engine leaves {path} of {resource} as it is",
            edit=_leaving(resource, path),
            rule="environment-property-known",
            at=resource.rpartition("::")[2],
        )
        for resource, path in _IGNORED
    ),
    *(Harm(name=name, edit=edit, rule=rule, at=at) for name, edit, rule, at in _DOCUMENT_EDITS),
)
