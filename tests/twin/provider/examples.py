"""Examples of every realised type: one that says everything, and an edit of it."""

from collections.abc import Mapping

from holdfast.twin.provider.values import Json
from tests.twin.provider import examples_data, examples_network
from tests.twin.provider.world import ALLOW, ALLOW_LESS, OTHER_TAGS, TAGS, TRUST, Example, World


def _alarm(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "actionsEnabled": True,
        "alarmActions": [world["topic"]],
        "alarmDescription": "an example",
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "datapointsToAlarm": 1,
        "dimensions": {"Region": "us-east-1"},
        "evaluationPeriods": 2,
        "insufficientDataActions": [world["topic"]],
        "metricName": "Tripped",
        "namespace": "Holdfast",
        "okActions": [world["topic"]],
        "period": 60,
        "statistic": "Maximum",
        "threshold": 1.5,
        "treatMissingData": "breaching",
        "unit": "Count",
        "tags": TAGS,
    }


def _percentile_alarm(_world: World) -> dict[str, Json]:
    return {
        "comparisonOperator": "LessThanThreshold",
        "evaluationPeriods": 1,
        "extendedStatistic": "p99",
        "metricName": "Latency",
        "namespace": "Holdfast",
        "period": 60,
        "threshold": 3,
    }


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    **examples_data.EXAMPLES,
    **examples_network.EXAMPLES,
    "aws:budgets/budget:Budget": (
        Example(
            lambda world: {
                "name": "examples",
                "accountId": "000000000000",
                "budgetType": "COST",
                "timeUnit": "MONTHLY",
                "limitAmount": "100",
                "limitUnit": "USD",
                "notifications": [
                    {
                        "comparisonOperator": "GREATER_THAN",
                        "notificationType": "ACTUAL",
                        "threshold": 80,
                        "thresholdType": "PERCENTAGE",
                        "subscriberEmailAddresses": ["a@example.test"],
                        "subscriberSnsTopicArns": [world["topic"]],
                    }
                ],
                "tags": TAGS,
            },
            edit={"limitAmount": "200", "notifications": [], "tags": OTHER_TAGS},
        ),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        Example(_alarm, edit={"threshold": 2, "okActions": [], "tags": OTHER_TAGS}),
        Example(_percentile_alarm, edit={"extendedStatistic": "p95"}),
    ),
    "aws:iam/policy:Policy": (
        Example(
            lambda _: {
                "name": "examples",
                "description": "an example",
                "path": "/holdfast/",
                "policy": ALLOW,
                "delayAfterPolicyCreationInMs": 5,
                "tags": TAGS,
            },
            edit={"policy": ALLOW_LESS, "tags": OTHER_TAGS},
        ),
    ),
    "aws:iam/role:Role": (
        Example(
            lambda world: {
                "name": "examples",
                "assumeRolePolicy": TRUST,
                "description": "an example",
                "forceDetachPolicies": True,
                "maxSessionDuration": 7200,
                "path": "/holdfast/",
                "permissionsBoundary": world["policy"],
                "tags": TAGS,
            },
            edit={
                "assumeRolePolicy": TRUST.replace("s3.", "ec2."),
                "description": "",
                "maxSessionDuration": 3600,
                "permissionsBoundary": "",
                "tags": OTHER_TAGS,
            },
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Example(
            lambda world: {"name": "examples", "role": world["role"], "policy": ALLOW},
            edit={"policy": ALLOW_LESS},
        ),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        Example(lambda world: {"role": world["role"], "policyArn": world["policy"]}),
    ),
    "aws:kms/alias:Alias": (
        Example(lambda world: {"name": "alias/examples", "targetKeyId": world["key"]}),
    ),
    "aws:kms/key:Key": (
        Example(
            lambda _: {
                "description": "an example",
                "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "keyUsage": "ENCRYPT_DECRYPT",
                "deletionWindowInDays": 7,
                "enableKeyRotation": True,
                "rotationPeriodInDays": 100,
                "isEnabled": True,
                "multiRegion": True,
                "policy": ALLOW.replace("s3:*", "kms:*"),
                "bypassPolicyLockoutSafetyCheck": True,
                "tags": TAGS,
            },
            edit={
                "description": "edited",
                "isEnabled": False,
                "rotationPeriodInDays": 200,
                "policy": ALLOW.replace("s3:*", "kms:Decrypt"),
                "tags": OTHER_TAGS,
            },
        ),
    ),
    "aws:secretsmanager/secret:Secret": (
        Example(
            lambda world: {
                "name": "examples",
                "description": "an example",
                "kmsKeyId": world["key"],
                "recoveryWindowInDays": 0,
                "tags": TAGS,
            },
            edit={"description": "edited", "tags": OTHER_TAGS},
        ),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        Example(
            lambda world: {
                "secretId": world["secret"],
                "secretString": "hidden",
                "versionStages": ["AWSCURRENT"],
            },
        ),
        Example(lambda world: {"secretId": world["secret"], "secretBinary": "aGlkZGVu"}),
    ),
    "aws:sns/topic:Topic": (
        Example(
            lambda world: {
                "name": "examples",
                "displayName": "an example",
                "deliveryPolicy": '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 4}}}',
                "kmsMasterKeyId": world["key"],
                "policy": ALLOW.replace("s3:*", "sns:Publish"),
                "tags": TAGS,
            },
            edit={"displayName": "", "tags": OTHER_TAGS},
        ),
        Example(
            lambda _: {"fifoTopic": True, "name": "f.fifo", "contentBasedDeduplication": True},
            edit={"contentBasedDeduplication": False},
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        Example(
            lambda world: {"arn": world["topic"], "policy": ALLOW}, edit={"policy": ALLOW_LESS}
        ),
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        Example(
            lambda world: {
                "topic": world["topic"],
                "protocol": "sqs",
                "endpoint": "arn:aws:sqs:us-east-1:000000000000:queue",
                "confirmationTimeoutInMinutes": 1,
                "deliveryPolicy": '{"healthyRetryPolicy": {"numRetries": 4}}',
                "endpointAutoConfirms": True,
                "filterPolicy": '{"kind": ["trip"]}',
                "filterPolicyScope": "MessageBody",
                "rawMessageDelivery": True,
                "redrivePolicy": (
                    '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}'
                ),
                "subscriptionRoleArn": world["role-arn"],
            },
            edit={"filterPolicy": '{"kind": ["arm"]}', "rawMessageDelivery": False},
        ),
    ),
    "aws:ssm/parameter:Parameter": (
        Example(
            lambda world: {
                "name": "/examples/one",
                "type": "SecureString",
                "value": "one",
                "description": "an example",
                "keyId": world["key"],
                "tier": "Advanced",
                "dataType": "text",
                "allowedPattern": "[a-z]+",
                "tags": TAGS,
            },
            edit={"value": "two", "description": "edited", "tags": OTHER_TAGS},
        ),
        Example(
            lambda _: {"type": "String", "insecureValue": "plain", "overwrite": True},
            edit={"insecureValue": "plainer"},
        ),
    ),
}
"""By type. ``aws:kms/replicaKey:ReplicaKey`` needs two regions that speak: see the twin's tests."""
