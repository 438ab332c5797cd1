"""Stacks for rules to judge: a compliant one, and small changes that break it.

A spec is written as a Pulumi program would give it: inputs by name, ``UNKNOWN`` for what only
the cloud knows, and references for where such a value comes from.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from holdfast.contract import Environment
from holdfast.contract.metrics import METRIC_NAMESPACE, Metric, dimensions
from holdfast.graph import UNKNOWN, Value, struct_of
from infra.environments import PROFILES
from policies.checklist.cost_limits import BUDGET
from policies.core.contract import STACK
from policies.core.kinds import (
    ALARM,
    BUCKET,
    BUCKET_ENCRYPTION,
    BUCKET_LIFECYCLE,
    BUCKET_REPLICATION,
    BUCKET_VERSIONING,
    KEY,
    LOAD_BALANCER,
    RECORD,
    REPLICA_KEY,
    ROLE,
    ROLE_POLICY,
    SECRET,
    TABLE,
    TABLE_ITEM,
    TOPIC,
    TOPIC_SUBSCRIPTION,
)
from policies.core.properties import Properties
from policies.core.rule import Rule, Violation
from policies.core.subjects import Resource, Stack

ACCOUNT = "123456789012"
REGIONS = ("eu-west-1", "eu-central-1")
SERVICES = ("dynamodb", "s3")
TABLE_NAME = "p-eu-coordination"


@dataclass
class Spec:
    """One resource before it is frozen."""

    type: str
    inputs: dict[str, Any]
    references: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    protect: bool = False
    managed: bool = True
    ignored: tuple[str, ...] = ()


def tags(
    component: str, jurisdiction: str | None = "eu", environment: str = "prod"
) -> dict[str, Value]:
    found: dict[str, Value] = {
        "holdfast:component": component,
        "holdfast:environment": environment,
    }
    return found if jurisdiction is None else {**found, "holdfast:jurisdiction": jurisdiction}


def document(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trip_statement() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"],
        "Resource": [f"arn:aws:dynamodb:{r}:{ACCOUNT}:table/{TABLE_NAME}" for r in REGIONS],
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["kill"]},
            "Null": {"dynamodb:LeadingKeys": ["false"]},
        },
    }


def decrypt_statement() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": [f"arn:aws:kms:{region}:{ACCOUNT}:key/*" for region in REGIONS],
        "Condition": {
            "StringEquals": {
                "kms:ViaService": [f"dynamodb.{region}.amazonaws.com" for region in REGIONS]
            }
        },
    }


def alarms_may(*actions: str) -> str:
    service = {"Service": ["cloudwatch.amazonaws.com"]}
    return document(
        {
            "Effect": "Allow",
            "Principal": service,
            "Action": list(actions),
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": [ACCOUNT]}},
        }
    )


def copy_statement() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]},
        "Action": "kms:ReplicateKey",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ReplicaRegion": [REGIONS[1]]}},
    }


def key_policy(*used: str, copying: Mapping[str, object] | None = None) -> str:
    """What lets alarms use a key, and the account copy it."""
    using = json.loads(alarms_may(*(used or ("kms:Decrypt", "kms:GenerateDataKey"))))["Statement"]
    return document(*using, use_by_account(), copying or copy_statement())


def use_by_account() -> dict[str, Any]:
    """What lets the account's own permissions decide who uses a key, through services."""
    through = [f"{service}.{region}.amazonaws.com" for region in REGIONS for service in SERVICES]
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": through}},
    }


def use_statement() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
        "Resource": [f"arn:aws:dynamodb:{r}:{ACCOUNT}:table/{TABLE_NAME}" for r in REGIONS],
    }


def guard_statement() -> dict[str, Any]:
    return {
        **use_statement(),
        "Effect": "Deny",
        "Condition": {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}},
    }


def trust_statement() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/oncall"]}},
    }


def compliant() -> dict[str, Spec]:
    """One jurisdiction with all that the checklist asks for."""
    home, other = REGIONS
    specs = {
        "key-home": Spec(
            KEY,
            {
                "region": home,
                "multiRegion": True,
                "policy": key_policy(),
                "tags": tags("keys"),
            },
            protect=True,
        ),
        "key-other": Spec(
            REPLICA_KEY,
            {
                "region": other,
                "policy": key_policy(),
                "primaryKeyArn": UNKNOWN,
                "tags": tags("keys"),
            },
            {"primaryKeyArn": ["key-home"]},
            protect=True,
        ),
        "coordination": Spec(
            TABLE,
            {
                "name": TABLE_NAME,
                "region": home,
                "tags": tags("coordination-store"),
                "deletionProtectionEnabled": True,
                "pointInTimeRecovery": {"enabled": True},
                "serverSideEncryption": {"enabled": True, "kmsKeyArn": UNKNOWN},
                "globalTableWitness": {"regionName": "eu-west-3"},
                "replicas": [
                    {
                        "regionName": other,
                        "consistencyMode": "STRONG",
                        "deletionProtectionEnabled": True,
                        "pointInTimeRecovery": True,
                        "kmsKeyArn": UNKNOWN,
                    }
                ],
            },
            {"serverSideEncryption": ["key-home"], "replicas": ["key-other"]},
            protect=True,
        ),
        "flag": Spec(
            TABLE_ITEM,
            {
                "region": home,
                "hashKey": "pk",
                "tableName": TABLE_NAME,
                "item": json.dumps({"pk": {"S": "kill"}}),
            },
            ignored=("item",),
        ),
        "secret": Spec(
            SECRET, {"region": home, "kmsKeyId": UNKNOWN, "tags": tags("limiter")},
            {"kmsKeyId": ["key-home"]},
        ),
    }  # fmt: skip
    specs |= _roles()
    for region, key, far, far_key in (
        (home, "key-home", other, "key-other"),
        (other, "key-other", home, "key-home"),
    ):
        specs |= _of_region(region, key, far, far_key)
    return specs


def _contract() -> Spec:
    """What the stack exports, as far as rules read it."""
    return Spec(
        STACK,
        {
            "platform": {
                "project": "p",
                "stack": "s",
                "environment": "prod",
                "objectives": {"rto_s": 60, "rpo_s": 5, "kill_s": 10, "rollback_s": 30},
                "monthly_budget_usd": 4000,
                "agents": PROFILES[Environment.PROD].agents.model_dump(mode="json"),
            }
        },
    )


def _budget() -> Spec:
    return Spec(
        BUDGET,
        {
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitUnit": "USD",
            "limitAmount": "4000",
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "notificationType": "ACTUAL",
                    "threshold": percent,
                    "thresholdType": "PERCENTAGE",
                    "subscriberEmailAddresses": ["oncall@p.example"],
                }
                for percent in (80, 100)
            ],
        },
    )


def _roles() -> dict[str, Spec]:
    return {
        "contract": _contract(),
        "budget": _budget(),
        "agents": Spec(
            ROLE,
            {"name": "p-eu-agents", "assumeRolePolicy": document(), "tags": tags("agents")},
        ),
        "agents-policy": Spec(
            ROLE_POLICY,
            {
                "role": "p-eu-agents",
                "policy": document(use_statement(), guard_statement()),
            },
        ),
        "switch": Spec(
            ROLE,
            {
                "name": "p-eu-kill-switch",
                "assumeRolePolicy": document(trust_statement()),
                "tags": tags("kill-switch"),
            },
        ),
        "switch-policy": Spec(
            ROLE_POLICY,
            {
                "role": "p-eu-kill-switch",
                "policy": document(trip_statement(), decrypt_statement()),
            },
        ),
    }


def _of_region(region: str, key: str, far: str, far_key: str) -> dict[str, Spec]:
    return {
        **_switch_in(region, key),
        **_store_alarms_in(region, far),
        f"balancer-{region}": Spec(LOAD_BALANCER, {"region": region, "tags": tags("ingress")}),
        f"record-{region}": Spec(
            RECORD,
            {"name": "eu.p.example", "records": [UNKNOWN]},
            {"records": [f"balancer-{region}"]},
        ),
        f"bucket-{region}": Spec(
            BUCKET,
            {"bucket": f"b-{region}", "region": region, "tags": tags("geo-store")},
            protect=True,
        ),
        f"versioning-{region}": Spec(
            BUCKET_VERSIONING,
            {"bucket": f"b-{region}", "versioningConfiguration": {"status": "Enabled"}},
        ),
        f"lifecycle-{region}": Spec(
            BUCKET_LIFECYCLE,
            {
                "bucket": f"b-{region}",
                "rules": [
                    {"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 90}}
                ],
            },
        ),
        f"encryption-{region}": Spec(
            BUCKET_ENCRYPTION,
            {
                "bucket": f"b-{region}",
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {
                            "sseAlgorithm": "aws:kms",
                            "kmsMasterKeyId": UNKNOWN,
                        }
                    }
                ],
            },
            {"rules": [key]},
        ),
        f"replication-{region}": Spec(
            BUCKET_REPLICATION,
            {
                "bucket": f"b-{region}",
                "rules": [
                    {
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "deleteMarkerReplication": {"status": "Enabled"},
                        "sourceSelectionCriteria": {
                            "sseKmsEncryptedObjects": {"status": "Enabled"}
                        },
                        "id": f"to-{far}",
                        "destination": {
                            "metrics": {"status": "Enabled"},
                            "bucket": UNKNOWN,
                            "encryptionConfiguration": {"replicaKmsKeyId": UNKNOWN},
                        },
                    }
                ],
            },
            {"rules": [f"bucket-{far}", far_key]},
        ),
    }


def _switch_in(region: str, key: str) -> dict[str, Spec]:
    return {
        f"topic-{region}": Spec(
            TOPIC,
            {
                "name": f"stop-{region}",
                "region": region,
                "kmsMasterKeyId": UNKNOWN,
                "policy": alarms_may("sns:Publish"),
                "tags": tags("kill-switch"),
            },
            {"kmsMasterKeyId": [key]},
        ),
        f"subscription-{region}": Spec(
            TOPIC_SUBSCRIPTION,
            {
                "topic": UNKNOWN,
                "region": region,
                "protocol": "email",
                "endpoint": "oncall@p.example",
            },
            {"topic": [f"topic-{region}"]},
        ),
        **{
            f"{what}-{region}": _alarm(
                region,
                namespace=METRIC_NAMESPACE,
                metricName=metric,
                dimensions=dimensions(project="p", stack="s", jurisdiction="eu", region=region),
                **how,
            )
            for what, metric, how in (
                ("alarm", Metric.TRIPPED, {"statistic": "Maximum"}),
                (
                    "silence",
                    Metric.READ,
                    {
                        "statistic": "SampleCount",
                        "comparisonOperator": "LessThanThreshold",
                        "evaluationPeriods": 5,
                        "treatMissingData": "breaching",
                    },
                ),
            )
        },
    }


def _store_alarms_in(region: str, far: str) -> dict[str, Spec]:
    return {
        f"lost-{region}": _alarm(
            region,
            namespace="AWS/S3",
            metricName="OperationsFailedReplication",
            dimensions={
                "SourceBucket": f"b-{region}",
                "DestinationBucket": f"b-{far}",
                "RuleId": f"to-{far}",
            },
        ),
        **{
            f"throttled-{what}-{region}": _alarm(
                region,
                namespace="AWS/DynamoDB",
                metricName=f"{what}ThrottleEvents",
                dimensions={"TableName": TABLE_NAME},
                evaluationPeriods=5,
                datapointsToAlarm=3,
            )
            for what in ("Read", "Write")
        },
    }


def _alarm(region: str, **inputs: Value) -> Spec:
    return Spec(
        ALARM,
        {
            "region": region,
            "statistic": "Sum",
            "comparisonOperator": "GreaterThanOrEqualToThreshold",
            "threshold": 1,
            "period": 60,
            "evaluationPeriods": 1,
            "treatMissingData": "notBreaching",
            "alarmActions": [UNKNOWN],
            "tags": tags("kill-switch"),
            **inputs,
        },
        {"alarmActions": [f"topic-{region}"]},
    )


def stack_of(specs: Mapping[str, Spec]) -> Stack:
    """Freezes specs, and links them as the engine does."""
    links: dict[str, dict[str, tuple[Resource, ...]]] = {name: {} for name in specs}
    found = {
        name: Resource(
            urn=f"urn:pulumi:s::p::{spec.type}::{name}",
            type=spec.type,
            name=name,
            properties=Properties(struct_of(spec.inputs)),
            protect=spec.protect,
            ignored=spec.ignored,
            provider=Properties(struct_of({})) if spec.managed else None,
            references=links[name],
        )
        for name, spec in specs.items()
    }
    for name, spec in specs.items():
        for prop, others in spec.references.items():
            links[name][prop] = tuple(found[other] for other in others)
    resources = sorted(found.values(), key=lambda resource: resource.urn)
    return Stack(resources=tuple(resources))


def violations(rule: Rule, specs: Mapping[str, Spec]) -> list[tuple[str, Violation]]:
    """What a rule says of a stack, as logical names with violations."""
    stack = stack_of(specs)
    if rule.on_resource is None:
        found = rule.judge_stack(stack)
    else:
        found = tuple((item.urn, one) for item in stack.resources for one in rule.judge(item))
    return [(urn.rpartition("::")[2], violation) for urn, violation in found]


def changed(name: str, path: str, value: Value | type[None]) -> dict[str, Spec]:
    """A compliant stack with one input changed; ``type(None)`` removes it."""
    specs = deepcopy(compliant())
    *parents, last = path.split(".")
    target: Any = specs[name].inputs
    for part in parents:
        target = target[int(part) if part.isdigit() else part]
    key: Any = int(last) if last.isdigit() else last
    if value is type(None):
        del target[key]
    else:
        target[key] = value
    return specs


def without(*names: str) -> dict[str, Spec]:
    """A compliant stack without some of its resources."""
    return {name: spec for name, spec in compliant().items() if name not in names}


def names(found: Sequence[tuple[str, Violation]]) -> list[str]:
    """The resources that violate, each once."""
    return sorted({name for name, _ in found})
