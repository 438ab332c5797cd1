"""Edits that let the agents do what they must not."""

from typing import Final

from tests.policies.edits.documents import Statement, allow, saying
from tests.policies.edits.iam_names import (
    ABROAD,
    ACCOUNT,
    AGENTS,
    ALARMS,
    BEDROCK,
    BUCKET,
    CLOUDWATCH,
    CONTROL,
    GUARDED,
    KEYS,
    KMS,
    RESPONDER,
    SECRETS,
    SNS,
    SSM,
    STATE,
    STORES,
    STRANGER,
    TABLE,
)
from tests.policies.shipped import Harm


def agents(name: str, rule: str, *statements: Statement) -> Harm:
    """Something that the agents of the EU may do besides."""
    return Harm(name=f"agents: {name}", edit=saying(AGENTS, *statements), rule=rule, at="eu-agents")


PERMISSION_EDITS: Final[tuple[Harm, ...]] = (
    agents("give themselves policies", "identity-escalation", allow("iam:PutRolePolicy")),
    agents("attach policies", "identity-escalation", allow("IAM:attachrolepolicy")),
    agents("pass any role", "identity-escalation", allow("iam:PassRole")),
    agents("make access keys", "identity-escalation", allow("iam:Create*Key")),
    agents("take boundaries away", "identity-escalation", allow("iam:DeleteRolePermissions*")),
    agents("rewrite trust", "identity-escalation", allow("iam:UpdateAssumeRolePolicy")),
    agents("everything but iam", GUARDED, allow("", NotAction="iam:*")),
    agents("delete the flag's table", GUARDED, allow("dynamodb:DeleteTable", TABLE)),
    agents("delete whatever tables hold", GUARDED, allow("dynamodb:Delete*", "*")),
    agents("restore over the flag", GUARDED, allow("dynamodb:RestoreTable*", TABLE + "*")),
    agents("hand out the flag's table", GUARDED, allow("dynamodb:PutResourcePolicy", TABLE)),
    agents("take the witness away", GUARDED, allow("dynamodb:UpdateTable", TABLE)),
    agents(
        "change the flag's table by a pattern",
        GUARDED,
        allow("dynamodb:Update*e", TABLE.replace("eu-west-1", "eu-*")),
    ),
    agents("everything", GUARDED, allow("*")),
    agents("everything that begins with d", GUARDED, allow("d*:*")),
    agents("everything, spelt with a service", GUARDED, allow("*:*")),
    agents("all but a bucket", GUARDED, allow("*", NotResource="arn:aws:s3:::b")),
    agents(
        "everything with a second factor",
        GUARDED,
        allow(
            "dynamodb:*", TABLE, Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}
        ),
    ),
    agents(
        "change tables by a variable",
        GUARDED,
        allow("dynamodb:UpdateTable", "arn:aws:dynamodb:${aws:RequestedRegion}:*:table/*coord*"),
    ),
    agents("delete stores", STORES, allow("dynamodb:DeleteTable", STATE)),
    agents(
        "forget versions",
        STORES,
        allow("s3:PutLifecycleConfiguration", "arn:aws:s3:::holdfast-prod-eu-*"),
    ),
    agents("delete versions", STORES, allow("s3:DeleteObjectVersion", f"{BUCKET}/*")),
    agents("open the bucket", STORES, allow("s3:PutBucketPolicy", BUCKET)),
    agents(
        "rewrite the contract", STORES, allow("ssm:PutParameter", f"{SSM}:parameter/holdfast/*")
    ),
    agents(
        "change the limiter's password",
        STORES,
        allow("secretsmanager:PutSecretValue", f"{SECRETS}:secret:holdfast/*"),
    ),
    agents(
        "send the secret abroad",
        STORES,
        allow(
            "secretsmanager:ReplicateSecretToRegions",
            f"{SECRETS}:secret:holdfast/prod/eu-west-1/limiter-*",
        ),
    ),
    agents("end the limiter", STORES, allow("elasticache:DeleteReplicationGroup", "*")),
    agents("delete keys", KEYS, allow("kms:ScheduleKeyDeletion", f"{KMS}:key/*")),
    agents("hand out keys", KEYS, allow("kms:CreateGrant", "*")),
    agents(
        "all of kms by a service",
        KEYS,
        allow(
            "kms:*",
            "*",
            Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
        ),
    ),
    agents("move the alias", KEYS, allow("kms:UpdateAlias", f"arn:aws:kms:*:{ACCOUNT}:*")),
    agents(
        "silence alarms",
        ALARMS,
        allow(["cloudwatch:DisableAlarmActions", "cloudwatch:DeleteAlarms"]),
    ),
    agents(
        "say that all is well", ALARMS, allow("cloudwatch:SetAlarmState", f"{CLOUDWATCH}:alarm:*")
    ),
    agents("redirect topics", ALARMS, allow("sns:SetTopicAttributes", f"{SNS}:*")),
    agents("stop the trail", "audit-log-guarded", allow("cloudtrail:StopLogging")),
    agents("delete logs", "audit-log-guarded", allow("logs:Delete*")),
    agents(
        "answer for the domain",
        CONTROL,
        allow("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/*"),
    ),
    agents("open ports", CONTROL, allow("ec2:AuthorizeSecurityGroupIngress")),
    agents("take the network apart", CONTROL, allow(["ec2:DeleteRoute", "ec2:DeleteVpcEndpoints"])),
    agents("raise the budget", CONTROL, allow("budgets:ModifyBudget")),
    agents("run code", CONTROL, allow("lambda:UpdateFunctionCode")),
    agents(
        "do what no action is called", "identity-actions-known", allow("dynamodb:GetItems", TABLE)
    ),
    agents("take the switch's role", "identity-become", allow("sts:AssumeRole", RESPONDER)),
    agents("take any role", "identity-become", allow("sts:AssumeRole", "*")),
    agents(
        "take a role of the US",
        "identity-become",
        allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/*us-agents"),
    ),
    agents(
        "take a stranger's role",
        "identity-become",
        allow("sts:*Role", f"arn:aws:iam::{STRANGER}:role/x"),
    ),
    agents("read every bucket", ABROAD, allow("s3:GetObject", "arn:aws:s3:::*")),
    agents(
        "read buckets of the US", ABROAD, allow("s3:GetObject", "arn:aws:s3:::holdfast-prod-us-*/*")
    ),
    agents("write a bucket of nobody", ABROAD, allow("s3:PutObject", "arn:aws:s3:::somewhere/*")),
    agents(
        "read all but one bucket", ABROAD, allow("s3:GetObject", NotResource="arn:aws:s3:::x/*")
    ),
    agents(
        "read tables anywhere",
        ABROAD,
        allow("dynamodb:GetItem", f"arn:aws:dynamodb:*:{ACCOUNT}:table/holdfast-prod-eu-state"),
    ),
    agents(
        "read tables of the US",
        ABROAD,
        allow("dynamodb:Query", STATE.replace("eu-west-1", "us-east-1")),
    ),
    agents(
        "read secrets of other regions",
        ABROAD,
        allow(
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:?s-*:{ACCOUNT}:secret:holdfast/*",
        ),
    ),
    agents(
        "call models anywhere",
        "residency-inference-permission",
        allow("bedrock:InvokeModel", "arn:aws:bedrock:*::foundation-model/*"),
    ),
    agents(
        "call global profiles",
        "residency-inference-permission",
        allow("bedrock:InvokeModel*", f"{BEDROCK}:inference-profile/global.*"),
    ),
    agents(
        "read every secret of the region",
        "identity-scope",
        allow("secretsmanager:GetSecretValue", f"{SECRETS}:secret:*"),
    ),
    agents("open whatever keys encrypt", "identity-scope", allow("kms:Decrypt", f"{KMS}:key/*")),
    agents(
        "read a stranger's table",
        "identity-scope",
        allow("dynamodb:GetItem", STATE.replace(ACCOUNT, STRANGER)),
    ),
    agents("report what they like", "identity-scope", allow("cloudwatch:PutMetricData")),
    agents(
        "speak in an alarm's name",
        ALARMS,
        allow("sns:Publish", f"{SNS}:holdfast-prod-*"),
    ),
)
