"""AWS's own policies that a team plausibly attaches, and what they allow.

Simplified to what rules ask about: actions by patterns, on every resource, and rather too many
than too few. What stands here neither as granting nor as harmless is not known, and so not
harmless.

Does not guarantee:
    That AWS's policies are as they stand here: AWS changes them without asking. An entry that
    grants too little would be believed, so policies of one's own are better.
"""

from collections.abc import Mapping
from typing import Final

from policies.core.kinds import HARMLESS_POLICIES
from policies.iam.documents import Statement

_PREFIX: Final = "arn:aws:iam::aws:policy/"

_GRANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "AdministratorAccess": ("*",),
    "AmazonBedrockFullAccess": ("bedrock:*", "kms:DescribeKey", "iam:ListRoles", "iam:PassRole"),
    "AmazonBedrockLimitedAccess": ("bedrock:*",),
    "AmazonBedrockReadOnly": ("bedrock:Get*", "bedrock:List*"),
    "AmazonDynamoDBFullAccess": (
        "dynamodb:*",
        "dax:*",
        "cloudwatch:DeleteAlarms",
        "cloudwatch:PutMetricAlarm",
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:Subscribe",
        "sns:Unsubscribe",
        "sns:SetTopicAttributes",
        "iam:PassRole",
    ),
    "AmazonDynamoDBFullAccess_v2": ("dynamodb:*", "dax:*", "iam:PassRole"),
    "AmazonDynamoDBReadOnlyAccess": (
        "dynamodb:BatchGetItem",
        "dynamodb:Describe*",
        "dynamodb:GetItem",
        "dynamodb:List*",
        "dynamodb:PartiQLSelect",
        "dynamodb:Query",
        "dynamodb:Scan",
    ),
    "AmazonEC2FullAccess": ("ec2:*", "elasticloadbalancing:*", "cloudwatch:*", "autoscaling:*"),
    "AmazonElastiCacheFullAccess": ("elasticache:*",),
    "AmazonRoute53FullAccess": ("route53:*", "route53domains:*"),
    "AmazonS3FullAccess": ("s3:*", "s3-object-lambda:*"),
    "AmazonS3ReadOnlyAccess": ("s3:Get*", "s3:List*", "s3:Describe*"),
    "AmazonSNSFullAccess": ("sns:*",),
    "AmazonSNSReadOnlyAccess": ("sns:GetTopicAttributes", "sns:List*"),
    "AmazonSQSFullAccess": ("sqs:*",),
    "AmazonSSMFullAccess": ("ssm:*", "logs:*", "cloudwatch:PutMetricData"),
    "AmazonSSMReadOnlyAccess": ("ssm:Describe*", "ssm:Get*", "ssm:List*"),
    "AmazonVPCFullAccess": ("ec2:*",),
    "AWSKeyManagementServicePowerUser": (
        "kms:CreateAlias",
        "kms:CreateKey",
        "kms:DeleteAlias",
        "kms:Describe*",
        "kms:GenerateRandom",
        "kms:Get*",
        "kms:List*",
        "kms:TagResource",
        "kms:UntagResource",
        "iam:ListGroups",
        "iam:ListRoles",
        "iam:ListUsers",
    ),
    "AWSLambda_FullAccess": ("lambda:*", "iam:PassRole"),
    "CloudWatchFullAccess": ("cloudwatch:*", "logs:*", "sns:*"),
    "CloudWatchFullAccessV2": ("cloudwatch:*", "logs:*", "sns:CreateTopic", "sns:Subscribe"),
    "CloudWatchLogsFullAccess": ("logs:*",),
    "IAMFullAccess": ("iam:*",),
    "ReadOnlyAccess": (
        "dynamodb:BatchGet*",
        "dynamodb:Describe*",
        "dynamodb:Get*",
        "dynamodb:List*",
        "dynamodb:Query",
        "dynamodb:Scan",
        "s3:Get*",
        "s3:List*",
        "ssm:Get*",
        "sqs:Get*",
        "sqs:Receive*",
    ),
    "SecretsManagerReadWrite": ("secretsmanager:*", "lambda:*", "serverlessrepo:*"),
    "job-function/DatabaseAdministrator": ("dynamodb:*", "elasticache:*", "sns:*", "iam:PassRole"),
    "job-function/SystemAdministrator": ("iam:PassRole", "dynamodb:*", "ec2:*", "s3:*", "sns:*"),
    "service-role/AmazonEC2RoleforSSM": ("s3:GetObject", "s3:PutObject", "ssm:*", "logs:*"),
    "service-role/AWSLambdaBasicExecutionRole": (
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
}

_ALL_BUT: Final[Mapping[str, tuple[str, ...]]] = {
    "PowerUserAccess": ("iam:*", "organizations:*", "account:*"),
}


def statements_of(arn: str) -> tuple[Statement, ...] | None:
    """What one of AWS's own policies says; None where nobody here knows it."""
    if arn in HARMLESS_POLICIES:
        return ()
    name = arn.removeprefix(_PREFIX)
    if name in _ALL_BUT:
        return (Statement(effect="Allow", not_actions=_ALL_BUT[name], resources=("*",), at=""),)
    if name not in _GRANTS or name == arn:
        return None
    return (Statement(effect="Allow", actions=_GRANTS[name], resources=("*",), at=""),)
