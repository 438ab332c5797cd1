"""Checklist item: what goes wrong is seen, and whoever can help is told.

Guarantees:
    Every table that agents depend on has alarms on being throttled; every alarm of the stack
    acts; every topic that an alarm notifies takes what it says, and where state lasts somebody
    hears of it; logs are kept as long as the environment asks.

Does not guarantee:
    That traces and the agents' own metrics arrive: what publishes them brings its rules.
"""

from collections.abc import Iterator
from typing import Final

from policies.alarms.cloudwatch import Alarm, Missing, Series
from policies.alarms.reach import relied_topics, unannounced, unheard, wiring
from policies.alarms.watch import Dimension, Watch, unkept
from policies.checklist.kill_switch import alarms as kill_switch
from policies.core.kinds import ALARM, TABLE
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    whole_rule,
)
from policies.core.stores import is_lasting, replica_regions
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 CC7.2", "ISO 27001:2022 A.8.16")
_LONGEST_S: Final = 900
_MINUTES: Final = _LONGEST_S // 60

THROTTLED: Final = ("ReadThrottleEvents", "WriteThrottleEvents")
"""Metrics of a table that refuses requests for want of capacity."""

_THROTTLED: Final = Alarm(
    statistic="Sum",
    unit=None,
    period_s=60,
    evaluation_periods=5,
    datapoints=3,
    comparison="GreaterThanOrEqualToThreshold",
    threshold=1,
    missing=Missing.NOT_BREACHING,
    few_samples_count=True,
)


@whole_rule(
    id="observability-throttled",
    item=ChecklistItem.OBSERVABILITY,
    severity=Severity.MEDIUM,
    frameworks=_FRAMEWORKS,
)
def throttling_is_told(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """In every region of a table alarms go off when it refuses reads or writes for too long.

    Why: a throttled table looks like a slow agent, and a lease that cannot be renewed is lost.
    Good: ``statistic="Sum", threshold=1, period=60`` on ``AWS/DynamoDB WriteThrottleEvents``
    Bad: ``threshold=100_000``
    Fix: give the table the alarms of ``ThrottleAlarms``.
    """
    yield from unkept(tuple(_throttle_watches(stack)), stack)


@whole_rule(
    id="observability-alarm-acts",
    item=ChecklistItem.OBSERVABILITY,
    severity=Severity.MEDIUM,
    frameworks=_FRAMEWORKS,
)
def every_alarm_acts(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every alarm that no other rule relies on does something when it goes off, too.

    Why: an alarm that does nothing is taken for one that would.
    Good: ``alarm_actions=[topic.arn]``
    Bad: ``actions_enabled=False``
    Fix: name a topic of the alarm's region, or remove the alarm.
    """
    relied = {*_RELIED}
    for alarm in stack.of_type(ALARM):
        if alarm.properties.text("metricName") not in relied and not _acts_otherwise(alarm):
            yield from ((alarm.urn, found) for found in wiring(alarm, stack))


@whole_rule(
    id="observability-alarm-apart",
    item=ChecklistItem.OBSERVABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def no_alarm_takes_the_place_of_another(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """No two alarms of a region have one name, with which the second overwrites the first.

    Why: ``PutMetricAlarm`` replaces what has the name, and both resources look well.
    Good: ``name="p-prod-eu-west-1-kill-switch-tripped"``, once in its region
    Bad: the same name for the alarm on what is unread
    Fix: give each its own name, from ``infra.naming``.
    """
    taken: set[tuple[str, str]] = set()
    for alarm in stack.of_type(ALARM):
        name = alarm.properties.text("name")
        if name is None:
            continue
        if (alarm.region, name) in taken:
            yield (
                alarm.urn,
                Violation(
                    found=f"another alarm of {alarm.region} is called {name}",
                    rule="every alarm is there for itself",
                    fix="give it a name of its own",
                    at="name",
                ),
            )
        taken.add((alarm.region, name))


@whole_rule(
    id="observability-announced",
    item=ChecklistItem.OBSERVABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def alarms_may_publish(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The policy and the key of every topic that an alarm notifies let CloudWatch publish there.

    Why: CloudWatch drops a message that a topic or its key refuses, and tells nobody.
    Good: ``Principal: cloudwatch.amazonaws.com, Action: sns:Publish``
    Bad: ``Deny`` of ``sns:Publish`` to everybody
    Fix: give the topic the policy and the key of an ``AlertTopic``.
    """
    told = {found for one in kill_switch.topics(stack) for found in unannounced(one, stack)}
    found = {one: None for topic in relied_topics(stack) for one in unannounced(topic, stack)}
    # One cause is one finding: what keeps the kill switch's alarms silent is reported there.
    yield from (one for one in found if one not in told)


@whole_rule(
    id="observability-subscribed",
    item=ChecklistItem.OBSERVABILITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def somebody_listens(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Where state lasts, somebody subscribes to every topic that an alarm notifies.

    Why: an alarm that reaches nobody is none.
    Good: ``protocol="email", endpoint="oncall@example.com"``
    Bad: ``protocol="http"``, which sends alarms in the clear
    Fix: name whoever is on call in ``alarm_emails``.
    """
    told = {topic.urn for topic in kill_switch.topics(stack)}
    for topic in relied_topics(stack):
        if topic.urn not in told and is_lasting(topic):
            yield from unheard(topic, stack)


_RELIED: Final = (
    *THROTTLED,
    *(metric for metric, *_ in kill_switch.WATCHED),
    "ReplicationLatency",
    "OperationsFailedReplication",
    "HealthCheckStatus",
)
"""Metrics whose alarms other rules ask for, and so judge."""


def _acts_otherwise(alarm: Resource) -> bool:
    """Whether an alarm does what is not telling somebody, such as adding a replica."""
    names = alarm.properties.names("alarmActions")
    return alarm.properties.flag("actionsEnabled") is not False and any(
        name is not None and ":sns:" not in name for name in names
    )


def _throttle_watches(stack: Stack) -> Iterator[Watch]:
    refused = Series(before=(), minutes=((1.0,),) * _MINUTES, unit="Count")
    nothing = Series(before=(), minutes=((),) * _MINUTES, unit="Count")
    for table in stack.of_type(TABLE):
        for region in sorted({table.region, *replica_regions(table)}):
            for metric in THROTTLED:
                yield Watch(
                    what=f"the table is throttled in {region}",
                    owner=table,
                    region=region,
                    namespace="AWS/DynamoDB",
                    metric=metric,
                    dimensions={"TableName": Dimension.name("name", table)},
                    bad=(refused,),
                    good=(nothing,),
                    within_s=_LONGEST_S,
                    model=_THROTTLED,
                )


RULES: Final[tuple[Rule, ...]] = (
    throttling_is_told,
    every_alarm_acts,
    no_alarm_takes_the_place_of_another,
    alarms_may_publish,
    somebody_listens,
)
