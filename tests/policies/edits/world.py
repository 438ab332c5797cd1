"""Edits that bring what no table knows, or what a table refuses."""

from typing import Final

from tests.policies.edits.data import EU_TAGS
from tests.policies.shipped import Harm, adding, setting

_EU_BUCKET: Final = "holdfast-prod-eu-west-1-objects-123456789012"
_US_BUCKET: Final = "holdfast-prod-us-east-1-objects-123456789012"
_TYPES: Final = (
    "aws:dynamodb/kinesisStreamingDestination:KinesisStreamingDestination",
    "aws:dynamodb/resourcePolicy:ResourcePolicy",
    "aws:dynamodb/tableReplica:TableReplica",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/instance:Instance",
    "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "aws:lambda/function:Function",
    "aws:lb/listenerRule:ListenerRule",
    "aws:rds/instance:Instance",
    "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec",
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws-native:s3:Bucket",
)

WORLD_EDITS: Final[tuple[Harm, ...]] = (
    *(
        Harm(
            name=f"a stack holds a {token}",
            edit=adding(token, "stranger", {"region": "eu-west-1"}),
            rule="environment-type-known",
            at="stranger",
        )
        for token in _TYPES
    ),
    Harm(
        name="a property of a new SDK is used",
        edit=setting("aws:dynamodb/table:Table::eu-store", "replicas.0.shinyNew", value=True),
        rule="environment-property-known",
        at="eu-store",
    ),
    Harm(
        name="uploads enter at edge locations",
        edit=setting("aws:s3/bucket:Bucket::eu-store-eu-west-1", "accelerationStatus", "Enabled"),
        rule="environment-property-known",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="a bucket tells the US who reads it",
        edit=adding(
            "aws:s3/bucketLogging:BucketLogging",
            "log",
            {
                "region": "eu-west-1",
                "bucket": _EU_BUCKET,
                "targetBucket": _US_BUCKET,
                "targetPrefix": "a/",
            },
        ),
        rule="residency-flow",
        at="log",
    ),
    Harm(
        name="a bucket tells another account who reads it",
        edit=adding(
            "aws:s3/bucketLogging:BucketLogging",
            "log",
            {"region": "eu-west-1", "bucket": _EU_BUCKET, "targetBucket": "elsewhere"},
        ),
        rule="residency-flow",
        at="log",
    ),
    Harm(
        name="a queue of the US is told what changes in the EU",
        edit=adding(
            "aws:s3/bucketNotification:BucketNotification",
            "told",
            {
                "region": "eu-west-1",
                "bucket": _EU_BUCKET,
                "queues": [{"queueArn": "arn:aws:sqs:us-east-1:1:q", "events": ["s3:*"]}],
            },
        ),
        rule="residency-flow",
        at="told",
    ),
    Harm(
        name="who speaks to whom is recorded abroad",
        edit=adding(
            "aws:ec2/flowLog:FlowLog",
            "flows",
            {
                "region": "eu-west-1",
                "logDestination": f"arn:aws:s3:::{_US_BUCKET}",
                "logDestinationType": "s3",
                "tags": EU_TAGS,
            },
        ),
        rule="residency-flow",
        at="flows",
    ),
    Harm(
        name="slow commands of the limiter are recorded elsewhere",
        edit=setting(
            "aws:elasticache/replicationGroup:ReplicationGroup::eu-west-1-limiter",
            "logDeliveryConfigurations",
            [{"destination": "elsewhere", "destinationType": "cloudwatch-logs"}],
        ),
        rule="residency-flow",
        at="eu-west-1-limiter",
    ),
)
