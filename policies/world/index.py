"""All tables by their type."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.world import (
    bedrock,
    budgets,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    elasticache,
    iam,
    kms,
    lb,
    provider,
    route53,
    s3,
    secretsmanager,
    sns,
    sqs,
    ssm,
)
from policies.world.kind import Kind

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.type: kind
        for module in (
            bedrock,
            budgets,
            cloudwatch,
            dynamodb,
            ec2,
            ecr,
            elasticache,
            iam,
            kms,
            lb,
            provider,
            route53,
            s3,
            secretsmanager,
            sns,
            sqs,
            ssm,
        )
        for kind in module.KINDS
    }
)
"""What a stack may hold."""


def judged_by(rule: str, path: str) -> tuple[str, ...]:
    """The types of which a rule judges a property, sorted."""
    return tuple(sorted(token for token, kind in KINDS.items() if kind.judged.get(path) == rule))
