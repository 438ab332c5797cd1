"""Edits after which something goes wrong and nobody is told."""

import json
from collections.abc import Callable, Mapping
from typing import Final, cast

from holdfast.graph import Value
from policies.core.kinds import ALARM, KEY, TABLE, TOPIC, TOPIC_SUBSCRIPTION
from tests.policies.shipped import Edit, Harm, adding, removing, rewriting, setting, without

TRIPPED: Final = "eu-kill-switch-eu-west-1-tripped"
UNREAD: Final = "us-kill-switch-us-west-2-unread"
LATE: Final = "eu-replication-eu-central-1-records-to-eu-west-1"
LOST: Final = "us-replication-us-east-1-objects-to-us-west-2"
LEFT: Final = "eu-routing-eu-west-1"
THROTTLED: Final = "eu-throttling-eu-west-1-coordination-writes"
SWITCH_TOPIC: Final = "eu-kill-switch-eu-west-1"
COPIES_TOPIC: Final = "us-replication-us-east-1"
ONCALL: Final = "oncall@holdfast.example"


def _alarm(name: str, path: str, value: Value) -> Edit:
    return setting(f"{ALARM}::{name}", path, value)


Change = Callable[[Value], Value]


def _statement(sid: str, **changes: object) -> Change:
    """Changes one statement of a document."""

    def change(value: Value) -> Value:
        document = cast("dict[str, list[dict[str, object]]]", json.loads(str(value)))
        for statement in document["Statement"]:
            if statement["Sid"] == sid:
                statement.update(changes)
        return json.dumps(document)

    return change


def _without_statement(sid: str) -> Change:
    def change(value: Value) -> Value:
        document = cast("dict[str, list[dict[str, object]]]", json.loads(str(value)))
        document["Statement"] = [one for one in document["Statement"] if one["Sid"] != sid]
        return json.dumps(document)

    return change


def _with_statement(**statement: object) -> Change:
    def change(value: Value) -> Value:
        document = cast("dict[str, list[Mapping[str, object]]]", json.loads(str(value)))
        document["Statement"].append(statement)
        return json.dumps(document)

    return change


_RUN: Final[tuple[tuple[str, str, str, str, Value], ...]] = (
    # What happens, the rule, the alarm, the property, its value.
    ("a unit that no sample has", "kill-switch-alarm", TRIPPED, "unit", "Percent"),
    ("a unit that is published nowhere", "kill-switch-alarm", UNREAD, "unit", "Count"),
    ("the least instead of the most", "kill-switch-alarm", TRIPPED, "statistic", "Minimum"),
    ("the average of those that see it", "kill-switch-alarm", TRIPPED, "statistic", "Average"),
    ("the number of samples", "kill-switch-alarm", TRIPPED, "statistic", "SampleCount"),
    ("a period of a day", "kill-switch-alarm", UNREAD, "period", 86_400),
    ("a period of an hour", "disaster-recovery-records-late", LATE, "period", 3600),
    ("more data points than there are", "kill-switch-alarm", UNREAD, "datapointsToAlarm", 9),
    ("half an hour of evaluation", "kill-switch-alarm", UNREAD, "evaluationPeriods", 30),
    ("two that a flag never says", "kill-switch-alarm", TRIPPED, "threshold", 2),
    ("a threshold that is always passed", "kill-switch-alarm", TRIPPED, "threshold", 0),
    ("the other way around", "kill-switch-alarm", TRIPPED, "comparisonOperator",
     "LessThanThreshold"),
    ("silence taken for life", "kill-switch-alarm", UNREAD, "treatMissingData", "notBreaching"),
    ("silence that keeps the state", "kill-switch-alarm", UNREAD, "treatMissingData", "ignore"),
    ("silence that is no data", "kill-switch-alarm", UNREAD, "treatMissingData", "missing"),
    ("no actions", "kill-switch-alarm", TRIPPED, "actionsEnabled", False),
    ("no topic", "kill-switch-alarm", TRIPPED, "alarmActions", []),
    ("a topic of nobody", "kill-switch-alarm", UNREAD, "alarmActions",
     ["arn:aws:sns:us-west-2:999999999999:elsewhere"]),
    ("another region's dimension", "kill-switch-alarm", TRIPPED, "dimensions.Region", "eu-west-3"),
    ("another platform's dimension", "kill-switch-alarm", TRIPPED, "dimensions.Platform", "x-prod"),
    ("a dimension that nothing has", "kill-switch-alarm", TRIPPED, "dimensions.Process", "1"),
    ("another metric", "kill-switch-alarm", TRIPPED, "metricName", "KillSwitchTrip"),
    ("another namespace", "kill-switch-alarm", UNREAD, "namespace", "Holdfast/Agents"),
    ("another region", "kill-switch-alarm", TRIPPED, "region", "eu-west-3"),
    ("a percentile beside the statistic", "kill-switch-alarm", TRIPPED, "extendedStatistic", "p99"),
    ("ten minutes of lateness", "disaster-recovery-records-late", LATE, "threshold", 600_000),
    ("the least late record", "disaster-recovery-records-late", LATE, "statistic", "Minimum"),
    ("the sum of all lateness", "disaster-recovery-records-late", LATE, "statistic", "Sum"),
    ("seconds for milliseconds", "disaster-recovery-records-late", LATE, "threshold", 5),
    ("a unit of seconds", "disaster-recovery-records-late", LATE, "unit", "Seconds"),
    ("a table of no replica", "disaster-recovery-records-late", LATE, "dimensions.TableName", "t"),
    ("a region that receives nothing", "disaster-recovery-records-late", LATE,
     "dimensions.ReceivingRegion", "eu-central-1"),
    ("five minutes for one failure", "disaster-recovery-objects-lost", LOST,
     "evaluationPeriods", 5),
    ("an average of failures", "disaster-recovery-objects-lost", LOST, "threshold", 10),
    ("another rule's copies", "disaster-recovery-objects-lost", LOST, "dimensions.RuleId", "to-x"),
    ("failures that do not act", "disaster-recovery-objects-lost", LOST, "actionsEnabled", False),
    ("a check that is never below nothing", "disaster-recovery-region-left", LEFT, "threshold", 0),
    ("a check's best probe", "disaster-recovery-region-left", LEFT, "comparisonOperator",
     "GreaterThanThreshold"),
    ("a region without Route 53's metrics", "disaster-recovery-region-left", LEFT, "region",
     "eu-west-1"),
    ("a hundred thousand refusals", "observability-throttled", THROTTLED, "threshold", 100_000),
    ("a table of another name", "observability-throttled", THROTTLED, "dimensions.TableName", "t"),
)  # fmt: skip

_REACH: Final = (
    Harm(
        name="the topic of the switch takes messages of another service only",
        edit=rewriting(
            f"{TOPIC}::{SWITCH_TOPIC}",
            "policy",
            _statement("AlarmsPublish", Principal={"Service": ["events.amazonaws.com"]}),
        ),
        rule="kill-switch-announced",
        at=SWITCH_TOPIC,
    ),
    Harm(
        name="the topic of the switch takes alarms of another account only",
        edit=rewriting(
            f"{TOPIC}::{SWITCH_TOPIC}",
            "policy",
            _statement(
                "AlarmsPublish",
                Condition={"StringEquals": {"aws:SourceAccount": ["999999999999"]}},
            ),
        ),
        rule="kill-switch-announced",
        at=SWITCH_TOPIC,
    ),
    Harm(
        name="the topic of the switch takes alarms of another region only",
        edit=rewriting(
            f"{TOPIC}::{SWITCH_TOPIC}",
            "policy",
            _statement(
                "AlarmsPublish",
                Condition={
                    "ArnLike": {"aws:SourceArn": ["arn:aws:cloudwatch:us-east-1:*:alarm:*"]}
                },
            ),
        ),
        rule="kill-switch-announced",
        at=SWITCH_TOPIC,
    ),
    Harm(
        name="the policy of a topic speaks of another topic",
        edit=rewriting(
            f"{TOPIC}::{COPIES_TOPIC}",
            "policy",
            _statement("AlarmsPublish", Resource=["arn:aws:sns:us-east-1:123456789012:another"]),
        ),
        rule="observability-announced",
        at=COPIES_TOPIC,
    ),
    Harm(
        name="the topic denies everybody to publish",
        edit=rewriting(
            f"{TOPIC}::{SWITCH_TOPIC}",
            "policy",
            _with_statement(Effect="Deny", Principal="*", Action="sns:Publish", Resource="*"),
        ),
        rule="kill-switch-announced",
        at=SWITCH_TOPIC,
    ),
    Harm(
        name="the topic denies everything over TLS",
        edit=rewriting(
            f"{TOPIC}::{COPIES_TOPIC}",
            "policy",
            _statement("NothingInTheClear", Condition={"Bool": {"aws:SecureTransport": ["true"]}}),
        ),
        rule="observability-announced",
        at=COPIES_TOPIC,
    ),
    Harm(
        name="the policy of the topic is empty",
        edit=setting(
            f"{TOPIC}::global-alerts", "policy", '{"Version": "2012-10-17", "Statement": []}'
        ),
        rule="observability-announced",
        at="global-alerts",
    ),
    Harm(
        name="the key of the topics no longer lets alarms in",
        edit=rewriting(
            f"{KEY}::eu-keys-eu-west-1", "policy", _without_statement("LetAlarmsPublish")
        ),
        rule="kill-switch-announced",
        at="eu-keys-eu-west-1",
    ),
    Harm(
        name="the key of the topics lets alarms decrypt and no more",
        edit=rewriting(
            f"{KEY}::us-keys-us-east-1",
            "policy",
            _statement("LetAlarmsPublish", Action=["kms:Decrypt"]),
        ),
        rule="kill-switch-announced",
        at="us-keys-us-east-1",
    ),
    Harm(
        name="the key of the topics lets alarms of another account in",
        edit=rewriting(
            f"{KEY}::global-keys-us-east-1",
            "policy",
            _statement(
                "LetAlarmsPublish",
                Condition={"StringEquals": {"aws:SourceAccount": ["999999999999"]}},
            ),
        ),
        rule="observability-announced",
        at="global-keys-us-east-1",
    ),
    Harm(
        name="the topic is encrypted with the key that AWS manages",
        edit=setting(f"{TOPIC}::{SWITCH_TOPIC}", "kmsMasterKeyId", "alias/aws/sns"),
        rule="kill-switch-announced",
        at=SWITCH_TOPIC,
    ),
    Harm(
        name="nobody subscribes to the switch",
        edit=without(f"{TOPIC_SUBSCRIPTION}::{SWITCH_TOPIC}-{ONCALL}"),
        rule="kill-switch-subscribed",
        at=SWITCH_TOPIC,
    ),
    Harm(
        name="nobody subscribes to late copies",
        edit=without(f"{TOPIC_SUBSCRIPTION}::{COPIES_TOPIC}-{ONCALL}"),
        rule="observability-subscribed",
        at=COPIES_TOPIC,
    ),
    Harm(
        name="nobody subscribes to a region that is left",
        edit=without(f"{TOPIC_SUBSCRIPTION}::global-alerts-{ONCALL}"),
        rule="observability-subscribed",
        at="global-alerts",
    ),
    Harm(
        name="nobody subscribes in staging",
        edit=without(f"{TOPIC_SUBSCRIPTION}::*kill-switch*"),
        rule="kill-switch-subscribed",
        at="*kill-switch*",
        stack="staging",
    ),
    *(
        Harm(
            name=f"the subscription to the switch has {what}",
            edit=setting(f"{TOPIC_SUBSCRIPTION}::{SWITCH_TOPIC}-{ONCALL}", path, value),
            rule="kill-switch-subscribed",
            at=f"{SWITCH_TOPIC}-{ONCALL}",
        )
        for what, path, value in (
            (
                "a filter on attributes that alarms do not have",
                "filterPolicy",
                '{"level": ["high"]}',
            ),
            ("no address", "endpoint", "nobody"),
            ("a protocol in the clear", "protocol", "http"),
            ("a queue that nobody reads", "protocol", "sqs"),
            ("another region", "region", "us-east-1"),
        )
    ),
    Harm(
        name="the subscription waits at a topic of another account",
        edit=setting(
            f"{TOPIC_SUBSCRIPTION}::{SWITCH_TOPIC}-{ONCALL}",
            "topic",
            "arn:aws:sns:eu-west-1:999999999999:elsewhere",
        ),
        rule="kill-switch-subscribed",
        at=SWITCH_TOPIC,
    ),
)

_GONE: Final = (
    Harm(
        name="a region has no alarm on the switch",
        edit=without(f"{ALARM}::{TRIPPED}"),
        rule="kill-switch-alarm",
        at="eu-coordination",
    ),
    Harm(
        name="no alarm tells that nobody reads the switch",
        edit=without(f"{ALARM}::*-unread"),
        rule="kill-switch-alarm",
        at="us-coordination",
    ),
    Harm(
        name="a table of two regions has no alarm on late records",
        edit=without(f"{ALARM}::{LATE}"),
        rule="disaster-recovery-records-late",
        at="eu-store",
    ),
    Harm(
        name="a bucket has no alarm on lost objects",
        edit=without(f"{ALARM}::{LOST}"),
        rule="disaster-recovery-objects-lost",
        at="us-store-us-east-1",
    ),
    Harm(
        name="a health check has no alarm",
        edit=without(f"{ALARM}::{LEFT}"),
        rule="disaster-recovery-region-left",
        at=LEFT,
    ),
    Harm(
        name="a table has no alarm on throttling",
        edit=without(f"{ALARM}::{THROTTLED}"),
        rule="observability-throttled",
        at="eu-coordination",
    ),
    Harm(
        name="the alarm is on an expression",
        edit=setting(f"{ALARM}::{TRIPPED}", "metricQueries", [{"id": "e", "expression": "m*0"}]),
        rule="kill-switch-alarm",
        at=TRIPPED,
    ),
    Harm(
        name="copies of objects are no longer measured",
        edit=removing(
            "aws:s3/bucketReplicationConfig:BucketReplicationConfig::eu-store-eu-west-1",
            "rules.0.destination.metrics",
        ),
        rule="disaster-recovery-copies-measured",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="an alarm has another's name, and takes its place",
        edit=setting(
            f"{ALARM}::eu-kill-switch-eu-west-1-unread",
            "name",
            "holdfast-prod-eu-west-1-kill-switch-tripped",
        ),
        rule="observability-alarm-apart",
        at="eu-kill-switch-eu-west-1-unread",
    ),
    Harm(
        name="a new alarm does nothing",
        edit=adding(
            ALARM,
            "ours",
            {
                "region": "eu-west-1",
                "namespace": "Ours",
                "metricName": "Errors",
                "statistic": "Sum",
                "period": 60,
                "evaluationPeriods": 1,
                "threshold": 1,
                "comparisonOperator": "GreaterThanThreshold",
            },
        ),
        rule="observability-alarm-acts",
        at="ours",
    ),
    Harm(
        name="a new table is watched by nobody",
        edit=adding(TABLE, "more", {"name": "more", "region": "eu-west-1"}),
        rule="observability-throttled",
        at="more",
    ),
)

ALARM_EDITS: Final[tuple[Harm, ...]] = (
    *(
        Harm(name=f"{name}: {what}", edit=_alarm(name, path, value), rule=rule, at=name)
        for what, rule, name, path, value in _RUN
    ),
    *_REACH,
    *_GONE,
)
"""Harmful edits of the shipped stacks, by what they touch; ``test_edits.py`` tries each of them."""
