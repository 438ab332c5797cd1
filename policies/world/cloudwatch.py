"""Alarms, logs, dashboards and the region's bus of events."""

from typing import Final

from policies.world.kind import FIXED, LABEL, PRICE, TAGS, Kind, alike

_OTHER_KIND: Final = "rules compute what one metric would do: use `metricName` and `statistic`"

METRIC_ALARM: Final = Kind(
    type="aws:cloudwatch/metricAlarm:MetricAlarm",
    judged=alike(
        "kill-switch-alarm",
        "actionsEnabled",
        "alarmActions",
        "comparisonOperator",
        "datapointsToAlarm",
        "dimensions",
        "evaluateLowSampleCountPercentiles",
        "evaluationPeriods",
        "extendedStatistic",
        "insufficientDataActions",
        "metricName",
        "namespace",
        "okActions",
        "period",
        "region",
        "statistic",
        "threshold",
        "treatMissingData",
        "unit",
    )
    | {"name": "observability-alarm-apart"},
    neutral={
        "tags": TAGS,
        "alarmDescription": LABEL,
    },
    refused=alike(
        _OTHER_KIND,
        "evaluationCriteria",
        "evaluationInterval",
        "evaluationWindow",
        "metricQueries",
        "thresholdMetricId",
        "warmUpConfiguration",
    ),
)

LOG_GROUP: Final = Kind(
    type="aws:cloudwatch/logGroup:LogGroup",
    judged={
        "kmsKeyId": "log-encrypted",
        "region": "residency-region",
        "retentionInDays": "log-kept",
    },
    neutral={
        "tags": TAGS,
        **alike(LABEL, "name", "namePrefix"),
        **alike("it can only keep more", "deletionProtectionEnabled", "skipDestroy"),
    },
    refused={"logGroupClass": "logs of other classes raise no alarm or are gone in two days"},
)

DASHBOARD: Final = Kind(
    type="aws:cloudwatch/dashboard:Dashboard",
    neutral={
        "region": PRICE,
        **alike("it shows metrics, which hold no tenant's data", "dashboardBody", "dashboardName"),
    },
)

EVENT_RULE: Final = Kind(
    type="aws:cloudwatch/eventRule:EventRule",
    judged={"region": "residency-region"},
    neutral={
        "tags": TAGS,
        **alike(LABEL, "description", "name", "namePrefix"),
        **alike(
            "when it acts; on whom is its targets' to say",
            "eventPattern",
            "forceDestroy",
            "isEnabled",
            "scheduleExpression",
            "state",
        ),
        "eventBusName": FIXED,
    },
    refused={"roleArn": "a target names the role that it is called with: leave it out"},
)

EVENT_TARGET: Final = Kind(
    type="aws:cloudwatch/eventTarget:EventTarget",
    judged=alike("residency-flow", "arn", "deadLetterConfig.arn", "rule"),
    neutral={
        "region": "AWS refuses a target in another region than its rule's",
        **alike(LABEL, "targetId"),
        "eventBusName": FIXED,
        **alike(
            "what it is told, and how often it is tried",
            "forceDestroy",
            "input",
            "inputPath",
            "inputTransformer.inputPaths",
            "inputTransformer.inputTemplate",
            "retryPolicy.maximumEventAgeInSeconds",
            "retryPolicy.maximumRetryAttempts",
            "sqsTarget.messageGroupId",
        ),
        "roleArn": "its policies stand in the stack, where rules judge them",
    },
    refused=alike(
        "rules follow events to queues, topics and logs: send them there",
        "appsyncTarget",
        "batchTarget",
        "ecsTarget",
        "httpTarget",
        "kinesisTarget",
        "redshiftTarget",
        "runCommandTargets",
        "sagemakerPipelineTarget",
    ),
)

KINDS: Final = (METRIC_ALARM, LOG_GROUP, DASHBOARD, EVENT_RULE, EVENT_TARGET)
