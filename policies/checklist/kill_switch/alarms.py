"""Checklist item: somebody is told when the kill switch is tripped, or no longer read.

Watched: in every region of the flag an alarm on each of the switch's metrics goes off in time.
Announced: CloudWatch may publish to the alarms' topics, and use their keys.
Heard: where state lasts, somebody subscribes to those topics.

Does not guarantee:
    That the agents publish the metrics, nor that whoever subscribes reads what comes.
"""

from collections.abc import Iterator
from typing import Final

from holdfast.contract.metrics import METRIC_NAMESPACE, Metric, dimensions
from policies.alarms.cloudwatch import Alarm, Missing, Series
from policies.alarms.reach import topics_of, unannounced, unheard
from policies.alarms.watch import Dimension, Watch, unkept
from policies.checklist.kill_switch.flag import FRAMEWORKS, flag_tables
from policies.core.contract import contract_of
from policies.core.kinds import ALARM
from policies.core.rule import ChecklistItem, Rule, Severity, Violation, whole_rule
from policies.core.stores import is_lasting, replica_regions
from policies.core.subjects import Resource, Stack

_LONGEST_S: Final = 900
"""Seconds after which an alarm would come too late to be called one."""

_MINUTES: Final = _LONGEST_S // 60

_TRIPPED: Final = Alarm(
    statistic="Maximum",
    unit=None,
    period_s=60,
    evaluation_periods=1,
    datapoints=1,
    comparison="GreaterThanOrEqualToThreshold",
    threshold=1,
    missing=Missing.NOT_BREACHING,
    few_samples_count=True,
)
_UNREAD: Final = Alarm(
    statistic="SampleCount",
    unit=None,
    period_s=60,
    evaluation_periods=5,
    datapoints=5,
    comparison="LessThanThreshold",
    threshold=1,
    missing=Missing.BREACHING,
    few_samples_count=True,
)

WATCHED: Final = (
    (
        Metric.TRIPPED,
        "the kill switch of {} is tripped in {}",
        _TRIPPED,
        # One process, several, and several of which only one has seen it yet.
        tuple(
            Series(before=(0.0,) * len(seen), minutes=(seen,) * _MINUTES)
            for seen in ((1.0,), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0))
        ),
        tuple(Series(before=armed, minutes=(armed,) * _MINUTES) for armed in ((0.0,), (0.0,) * 9)),
    ),
    (
        Metric.READ,
        "nobody reads the kill switch of {} in {}",
        _UNREAD,
        tuple(Series(before=read, minutes=((),) * _MINUTES) for read in ((1.0,), (1.0,) * 9)),
        tuple(Series(before=read, minutes=(read,) * _MINUTES) for read in ((1.0,), (1.0,) * 9)),
    ),
)
"""Metric, what it tells, an alarm that does, series for which it must go off, and for which not."""


def watches(stack: Stack) -> Iterator[Watch]:
    """What has to be watched of every switch, in every region of its flag."""
    for jurisdiction, table in flag_tables(stack):
        for region in sorted({table.region, *replica_regions(table)}):
            for metric, what, model, bad, good in WATCHED:
                yield Watch(
                    what=what.format(jurisdiction, region),
                    owner=table,
                    region=region,
                    namespace=METRIC_NAMESPACE,
                    metric=metric,
                    dimensions=_dimensions(stack, jurisdiction, region),
                    bad=bad,
                    good=good,
                    within_s=_LONGEST_S,
                    model=model,
                )


def topics(stack: Stack) -> Iterator[Resource]:
    """The topics that alarms on the switch's metrics notify, each once."""
    found = {
        topic.urn: topic
        for alarm in stack.of_type(ALARM)
        if alarm.properties.text("namespace") == METRIC_NAMESPACE
        for topic in topics_of(alarm, stack)
    }
    yield from (found[urn] for urn in sorted(found))


@whole_rule(
    id="kill-switch-alarm",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def somebody_hears_of_the_switch(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """In every region of the flag alarms go off when it is tripped, and when nobody reads it.

    Why: a switch that is tripped unseen stops the business; one that nobody reads, nothing.
    Good: ``statistic="Maximum", threshold=1, period=60, treat_missing_data="notBreaching"``
    Bad: ``unit="Percent"``, which no sample of the metric has, so the alarm never goes off
    Fix: give every region of the flag the two alarms of a ``KillSwitch``.
    """
    yield from unkept(tuple(watches(stack)), stack)


@whole_rule(
    id="kill-switch-announced",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def alarms_may_publish_to_the_topic(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The policies of the topics of the switch, and of their keys, let its alarms publish there.

    Why: CloudWatch drops a message that a topic or its key refuses, and tells nobody.
    Good: ``Principal: cloudwatch.amazonaws.com, Action: sns:Publish, aws:SourceAccount: ours``
    Bad: ``kms_master_key_id="alias/aws/sns"``, a key that no alarm may use
    Fix: give the topic the policy and the key of an ``AlertTopic``.
    """
    yield from {found: None for topic in topics(stack) for found in unannounced(topic, stack)}


@whole_rule(
    id="kill-switch-subscribed",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.HIGH,
    frameworks=FRAMEWORKS,
)
def somebody_listens_to_the_switch(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Where state lasts, somebody subscribes to the switch's topics and is sent what comes.

    Why: an alarm that reaches nobody is none.
    Good: ``protocol="email", endpoint="oncall@example.com"``
    Bad: ``filter_policy='{"severity": ["high"]}'``, which no alarm's message passes
    Fix: name whoever is on call in ``alarm_emails``.
    """
    for topic in topics(stack):
        if is_lasting(topic):
            yield from unheard(topic, stack)


def _dimensions(stack: Stack, jurisdiction: str, region: str) -> dict[str, Dimension]:
    """What the runtime publishes with, which takes the platform's name from the contract."""
    contract = contract_of(stack)
    project = None if contract is None else contract.properties.text("project")
    named = None if contract is None else contract.properties.text("stack")
    found = dimensions(
        project=project or "", stack=named or "", jurisdiction=jurisdiction, region=region
    )
    known = project is not None and named is not None
    return {
        name: Dimension((text,)) if known or name != "Platform" else Dimension()
        for name, text in found.items()
    }


RULES: Final[tuple[Rule, ...]] = (
    somebody_hears_of_the_switch,
    alarms_may_publish_to_the_topic,
    somebody_listens_to_the_switch,
)
