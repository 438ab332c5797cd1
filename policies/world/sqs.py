"""Queues of tasks."""

from typing import Final

from policies.world.kind import ELSEWHERE, LABEL, TAGS, Kind, alike

QUEUE: Final = Kind(
    type="aws:sqs/queue:Queue",
    judged={
        "kmsMasterKeyId": "queue-encrypted",
        "redrivePolicy": "residency-flow",
        "region": "residency-region",
    },
    neutral={
        "tags": TAGS,
        **alike(LABEL, "name", "namePrefix"),
        **alike(
            "how tasks are handed out",
            "contentBasedDeduplication",
            "deduplicationScope",
            "delaySeconds",
            "fifoQueue",
            "fifoThroughputLimit",
            "kmsDataKeyReusePeriodSeconds",
            "maxMessageSize",
            "messageRetentionSeconds",
            "receiveWaitTimeSeconds",
            "redriveAllowPolicy",
            "visibilityTimeoutSeconds",
        ),
    },
    refused={
        "policy": f"{ELSEWHERE}: use a QueuePolicy",
        "sqsManagedSseEnabled": "SQS's own key cannot be revoked: use `kmsMasterKeyId`",
    },
)

KINDS: Final = (QUEUE,)
