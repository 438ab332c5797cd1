"""Which actions are work, and which change the platform itself.

A closed world: an action that changes something and is not named here as work changes the
platform. So an action that AWS adds tomorrow is refused to everybody until somebody has said what
it is.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from policies.iam.actions import CHANGING, Action

WORK: Final[Mapping[str, tuple[str, ...]]] = {
    "aoss": ("APIAccessAll",),
    "bedrock": (
        "CreateInvocation",
        "CreateSession",
        "EndSession",
        "InvokeDataAutomation",
        "InvokeDataAutomationAsync",
        "PutInvocationStep",
        "Rerank",
        "RetrieveAndGenerate",
        "UpdateSession",
    ),
    "bedrock-agentcore": (
        "BatchCreateMemoryRecords",
        "BatchUpdateMemoryRecords",
        "CreateEvent",
        "InvokeAgentRuntime",
        "InvokeAgentRuntimeForUser",
        "InvokeCodeInterpreter",
        "InvokeGateway",
    ),
    "cloudwatch": ("PutMetricData",),
    "dsql": ("DbConnect",),
    "dynamodb": (
        "BatchWriteItem",
        "DeleteItem",
        "PartiQLDelete",
        "PartiQLInsert",
        "PartiQLUpdate",
        "PutItem",
        "UpdateItem",
    ),
    "elasticache": ("Connect",),
    "elasticfilesystem": ("ClientWrite",),
    "events": ("PutEvents",),
    "execute-api": ("Invoke",),
    "firehose": ("PutRecord", "PutRecordBatch"),
    "kafka-cluster": ("Connect", "WriteData", "AlterGroup", "WriteDataIdempotently"),
    "kinesis": ("PutRecord", "PutRecords"),
    "kms": (
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GenerateRandom",
        "ReEncryptFrom",
        "ReEncryptTo",
        "Sign",
        "Verify",
        "VerifyMac",
    ),
    "lambda": ("InvokeAsync", "InvokeFunction", "InvokeFunctionUrl"),
    "logs": ("CreateLogStream", "PutLogEvents"),
    "rds-data": ("BatchExecuteStatement", "BeginTransaction", "CommitTransaction",
                 "ExecuteStatement", "RollbackTransaction"),
    "rds-db": ("connect",),
    "s3": (
        "AbortMultipartUpload",
        "DeleteObject",
        "PutObject",
        "PutObjectTagging",
        "ReplicateDelete",
        "ReplicateObject",
        "ReplicateTags",
    ),
    "sns": ("Publish",),
    "sqs": (
        "ChangeMessageVisibility",
        "DeleteMessage",
        "SendMessage",
    ),
    "ssmmessages": (
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    ),
    "states": ("SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess", "StartExecution",
               "StartSyncExecution"),
    # Whom somebody may become is asked apart.
    "sts": ("AssumeRole", "DecodeAuthorizationMessage", "SetSourceIdentity", "TagSession"),
    "xray": ("PutSpans", "PutTelemetryRecords", "PutTraceSegments"),
}  # fmt: skip
"""What changes something and is what agents are for, by service."""

ITEM_WRITES: Final = tuple(f"dynamodb:{name}" for name in WORK["dynamodb"])
"""What changes an item of a table."""


@cache
def is_work(action: Action) -> bool:
    """Whether an action only reads, or is what agents are for."""
    service, _, name = action.name.partition(":")
    return action.level not in CHANGING or name in WORK.get(service, ())


def changes(*services: str, besides: tuple[str, ...] = ()) -> Callable[[Action], bool]:
    """Whether an action changes the platform itself.

    Args:
        services: Only in these services; in all of them, where none is named.
        besides: Names of actions that count as well, although they only read.
    """

    def does(action: Action) -> bool:
        here = not services or action.service in services
        return (here and not is_work(action)) or action.name in besides

    return does
