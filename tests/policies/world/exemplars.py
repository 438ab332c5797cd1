"""Resources of types that no shipped stack has, right in every respect."""

from typing import Final

from holdfast.graph import Value
from tests.policies.shipped import Edit, adding

_TAGS: Final[dict[str, Value]] = {
    "holdfast:jurisdiction": "eu",
    "holdfast:environment": "prod",
    "holdfast:component": "tasks",
}
_KEY: Final = "arn:aws:kms:eu-west-1:123456789012:key/mrk-1"
_BUCKET: Final = "holdfast-prod-eu-west-1-objects-123456789012"
_QUEUE: Final = "arn:aws:sqs:eu-west-1:123456789012:holdfast-prod-tasks"
_HERE: Final[dict[str, Value]] = {"region": "eu-west-1", "tags": _TAGS}
_OWNED: Final = "aws:s3/bucket:Bucket::eu-store-eu-west-1"

_ADDED: Final[tuple[tuple[str, str, dict[str, Value]], ...]] = (
    (
        "aws:sqs/queue:Queue",
        "tasks",
        {**_HERE, "name": "holdfast-prod-tasks", "kmsMasterKeyId": _KEY},
    ),
    (
        "aws:cloudwatch/logGroup:LogGroup",
        "logs",
        {**_HERE, "name": "holdfast-prod-logs", "kmsKeyId": _KEY, "retentionInDays": 90},
    ),
    (
        "aws:ecr/repository:Repository",
        "images",
        {**_HERE, "name": "holdfast-prod-agents", "imageTagMutability": "IMMUTABLE"},
    ),
    (
        "aws:cloudwatch/eventRule:EventRule",
        "nightly",
        {**_HERE, "name": "holdfast-prod-nightly", "scheduleExpression": "rate(1 day)"},
    ),
    (
        "aws:cloudwatch/eventTarget:EventTarget",
        "nightly",
        {
            "region": "eu-west-1",
            "rule": "holdfast-prod-nightly",
            "arn": _QUEUE,
            "deadLetterConfig": {"arn": _QUEUE},
        },
    ),
    (
        "aws:s3/bucketLogging:BucketLogging",
        "log",
        {"region": "eu-west-1", "bucket": _BUCKET, "targetBucket": _BUCKET},
    ),
    (
        "aws:s3/bucketNotification:BucketNotification",
        "told",
        {
            "region": "eu-west-1",
            "bucket": _BUCKET,
            "queues": [{"queueArn": _QUEUE, "events": ["s3:ObjectCreated:*"]}],
        },
    ),
    (
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "object",
        {"region": "eu-west-1", "bucket": _BUCKET, "key": "k"},
    ),
    (
        "aws:ec2/flowLog:FlowLog",
        "flows",
        {**_HERE, "logDestination": f"arn:aws:s3:::{_BUCKET}", "logDestinationType": "s3"},
    ),
    ("aws:ec2/eip:Eip", "address", {**_HERE, "domain": "vpc"}),
    ("aws:ec2/natGateway:NatGateway", "nat", {**_HERE, "connectivityType": "public"}),
    (
        "aws:bedrock/inferenceProfile:InferenceProfile",
        "profile",
        {
            **_HERE,
            "name": "p",
            "modelSource": {
                "copyFrom": "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0"
            },
        },
    ),
    (
        "aws:cloudwatch/dashboard:Dashboard",
        "board",
        {"region": "eu-west-1", "dashboardName": "b", "dashboardBody": "{}"},
    ),
)

EXEMPLARS: Final[dict[str, Edit]] = {
    token: adding(token, name, inputs) for token, name, inputs in _ADDED
}
"""By type, what adds one to a stack of production."""
