"""Topics on which alarms are announced, and who hears of them."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

_RECORDS: Final = "it records messages where no rule can see them: leave it out"

TOPIC: Final = Kind(
    type="aws:sns/topic:Topic",
    judged={
        "kmsMasterKeyId": "topic-encrypted",
        "policy": "kill-switch-announced",
        "region": "residency-region",
    },
    neutral={
        "tags": TAGS,
        **alike(LABEL, "displayName", "name", "signatureVersion", "tracingConfig"),
    },
    refused={
        "archivePolicy": _RECORDS,
        **alike(
            _RECORDS,
            *(
                f"{protocol}{outcome}FeedbackRoleArn"
                for protocol in ("application", "firehose", "http", "lambda", "sqs")
                for outcome in ("Failure", "Success")
            ),
            *(
                f"{protocol}SuccessFeedbackSampleRate"
                for protocol in ("application", "firehose", "http", "lambda", "sqs")
            ),
        ),
        **alike(
            "alarms cannot publish to a FIFO topic: leave it out",
            "contentBasedDeduplication",
            "fifoThroughputScope",
            "fifoTopic",
        ),
        "deliveryPolicy": "it can give up on whoever listens: leave it out",
        "maximumMessageSize": "an alarm that is too long would not be told: leave it out",
        "namePrefix": "permissions name topics, so their names must be known: use `name`",
    },
)

TOPIC_SUBSCRIPTION: Final = Kind(
    type="aws:sns/topicSubscription:TopicSubscription",
    judged={
        "endpoint": "residency-subscription",
        "filterPolicy": "observability-subscribed",
        "filterPolicyScope": "observability-subscribed",
        "protocol": "observability-subscribed",
        "topic": "residency-subscription",
    },
    neutral={
        "region": "AWS refuses a subscription in another region than its topic's",
        **alike(
            "how a web hook confirms",
            "confirmationTimeoutInMinutes",
            "endpointAutoConfirms",
            "rawMessageDelivery",
        ),
    },
    refused={
        **alike(
            "it keeps messages from whoever listens: leave it out, so that every alarm arrives",
            "deliveryPolicy",
            "replayPolicy",
        ),
        "redrivePolicy": "messages that do not arrive would lie in a queue that nobody reads",
        "subscriptionRoleArn": "a Firehose stream keeps messages where no rule follows them",
    },
)

KINDS: Final = (TOPIC, TOPIC_SUBSCRIPTION)
