"""Checklist item: somebody is told when the kill switch is tripped, or no longer read.

Watched: in every region of the flag an alarm on each of the switch's metrics goes off in time.
Announced: the alarm's topic lies in its region, and the alarm may publish there.
Heard: in production somebody subscribes to the topic.

Does not guarantee:
    That the agents publish the metrics, nor that whoever subscribes reads what comes.
"""

from collections.abc import Iterator
from typing import Final

from holdfast.contract.metrics import METRIC_NAMESPACE, Metric, dimensions
from policies.checklist.kill_switch.flag import COMPONENT, FRAMEWORKS, flag_tables
from policies.core.kinds import ALARM, KEYS, TOPIC, TOPIC_SUBSCRIPTION
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    stack_rule,
    whole_rule,
)
from policies.core.stores import replica_regions
from policies.core.subjects import Resource, Stack
from policies.iam.documents import statements

_ALARMS: Final = "cloudwatch.amazonaws.com"
_PUBLISH: Final = "sns:Publish"
_KEY_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""What a service needs of the key of a topic that it publishes to."""

_LONGEST_S: Final = 900
"""Seconds after which an alarm would come too late to be called one."""


@whole_rule(
    id="kill-switch-alarm",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def somebody_hears_of_the_switch(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """In every region of the flag alarms watch its state and its readers, wired to a topic."""
    for jurisdiction, table in flag_tables(stack):
        for region in sorted({table.region, *replica_regions(table)}):
            alarms = [
                alarm
                for alarm in stack.of_type(ALARM)
                if alarm.component == COMPONENT
                and alarm.jurisdiction == jurisdiction
                and alarm.region == region
            ]
            watched = {
                alarm.properties.text("metricName")
                for alarm in alarms
                if alarm.properties.text("namespace") == METRIC_NAMESPACE
            }
            for metric in sorted(set(Metric) - watched):
                yield table.urn, _unheard(f"no alarm on {metric} of {jurisdiction} in {region}")
            for alarm in alarms:
                for violation in (*_unwired(alarm, stack), *_deaf(alarm, jurisdiction, region)):
                    yield alarm.urn, violation


@stack_rule(
    id="kill-switch-announced",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=(TOPIC,),
)
def alarms_may_publish_to_the_topic(topic: Resource, stack: Stack) -> Iterator[Violation]:
    """The policy and the key of a topic of the switch let CloudWatch's alarms publish there."""
    del stack  # only the links of the topic are needed
    if topic.component != COMPONENT:
        return
    # Without a policy of ours, SNS lets the account's own alarms publish.
    if topic.properties.is_given("policy") and not _lets_alarms(topic, (_PUBLISH,)):
        yield _unheard("the topic's policy does not let alarms publish")
    keys = topic.referenced("kmsMasterKeyId", KEYS)
    if not (keys and topic.properties.is_unknown("kmsMasterKeyId")):
        if "alias/aws/" in (topic.properties.text("kmsMasterKeyId") or ""):
            yield _unheard("alarms cannot use the key that AWS manages for SNS")
        return
    for key in keys:
        if not _lets_alarms(key, _KEY_USE):
            yield _unheard(f"the policy of {key.name} does not let alarms use the topic's key")


@stack_rule(
    id="kill-switch-subscribed",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
    types=(TOPIC,),
)
def somebody_listens_to_the_switch(topic: Resource, stack: Stack) -> Iterator[Violation]:
    """In production somebody subscribes to the switch's topics."""
    if topic.component != COMPONENT or topic.environment != "prod":
        return
    for subscription in stack.of_type(TOPIC_SUBSCRIPTION):
        if topic in stack.targets(subscription, "topic", TOPIC):
            return
    yield _unheard("nobody subscribes to the topic")


def _lets_alarms(resource: Resource, actions: tuple[str, ...]) -> bool:
    """Whether a resource's own policy allows actions to CloudWatch's alarms."""
    allowed = [
        statement
        for statement in statements(resource.properties, "policy")
        if statement.effect == "Allow" and _ALARMS in statement.principals.get("Service", ())
    ]
    return all(any(statement.covers(action) for statement in allowed) for action in actions)


def _unwired(alarm: Resource, stack: Stack) -> Iterator[Violation]:
    properties = alarm.properties
    if properties.flag("actionsEnabled") is False:
        yield _unheard("the alarm's actions are off")
    topics = stack.targets(alarm, "alarmActions", TOPIC)
    if not any(topic.region == alarm.region for topic in topics):
        yield _unheard("the alarm notifies no topic of its region")


def _deaf(alarm: Resource, jurisdiction: str, region: str) -> Iterator[Violation]:
    """What keeps an alarm silent although there is something to say."""
    properties = alarm.properties
    watched = properties.object("dimensions")
    ours = dimensions(project="", stack="", jurisdiction=jurisdiction, region=region)
    for name, value in ours.items():
        found = None if watched is None else watched.text(name)
        # Which platform it is, the rule cannot know.
        if found is None or (found != value and name != "Platform"):
            yield _unheard(f"the alarm watches {name} {found}, not {value or 'the platform'}")
    if properties.text("metricName") == Metric.TRIPPED and not _fires_at_one(alarm):
        yield _unheard("the alarm does not go off at 1, which is a tripped switch")
    if (
        properties.text("metricName") == Metric.READ
        and properties.text("treatMissingData") != "breaching"
    ):
        yield _unheard("the alarm takes silence for a sign of life")
    periods = (properties.number("period"), properties.number("evaluationPeriods"))
    if (periods[0] or 0) * (periods[1] or 0) > _LONGEST_S:
        yield _unheard(f"the alarm waits longer than {_LONGEST_S} s")


def _fires_at_one(alarm: Resource) -> bool:
    threshold = alarm.properties.number("threshold")
    if threshold is None:
        return False
    operator = alarm.properties.text("comparisonOperator")
    return (operator == "GreaterThanOrEqualToThreshold" and threshold <= 1) or (
        operator == "GreaterThanThreshold" and threshold < 1
    )


def _unheard(found: str) -> Violation:
    return Violation(
        found=found,
        rule="somebody is told when the switch is tripped or no longer read",
        fix="give every region the alarms and the topic of a KillSwitch, and a subscriber",
    )


RULES: Final[tuple[Rule, ...]] = (
    somebody_hears_of_the_switch,
    alarms_may_publish_to_the_topic,
    somebody_listens_to_the_switch,
)
