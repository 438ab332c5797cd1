"""Checklist item: somebody is told when copies are late or lost, and when a region is left.

Guarantees:
    Records that reach another region later than the objective, objects that S3 gives up on, and a
    region that health checks find dead each make an alarm go off in the region that publishes
    them, within a quarter of an hour.

Does not guarantee:
    That a region that is gone tells of itself: what it publishes is gone with it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from policies.alarms.cloudwatch import Alarm, Missing, Series
from policies.alarms.watch import Dimension, Watch, unkept
from policies.checklist.residency.stores import destinations_of
from policies.core.contract import contract_of
from policies.core.kinds import BUCKET, BUCKET_REPLICATION, TABLE
from policies.core.properties import Properties
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

_FRAMEWORKS: Final = ("SOC 2 A1.2", "ISO 27001:2022 A.8.16")
HEALTH_CHECK: Final = "aws:route53/healthCheck:HealthCheck"
_ROUTE_53: Final = "us-east-1"
"""Where Route 53 publishes its metrics, whatever it checks."""

_LONGEST_S: Final = 900
_MINUTES: Final = _LONGEST_S // 60

_LATE: Final = Alarm(
    statistic="Average",
    unit=None,
    period_s=60,
    evaluation_periods=5,
    datapoints=5,
    comparison="GreaterThanThreshold",
    threshold=0,
    missing=Missing.NOT_BREACHING,
    few_samples_count=True,
)
_LOST: Final = replace(
    _LATE,
    statistic="Sum",
    evaluation_periods=1,
    datapoints=1,
    comparison="GreaterThanOrEqualToThreshold",
    threshold=1,
)
_DEAD: Final = replace(
    _LOST, statistic="Minimum", comparison="LessThanThreshold", missing=Missing.BREACHING
)


@whole_rule(
    id="disaster-recovery-records-late",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def late_records_are_told(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """An alarm goes off when records reach another region later than the objective allows.

    Why: what is late when a region is lost is lost with it.
    Good: ``statistic="Average", threshold=rpo_s * 1000`` on ``AWS/DynamoDB ReplicationLatency``
    Bad: ``threshold=600_000`` where ``rpo_s`` is 5
    Fix: give every pair of regions of the table the alarm of ``ReplicationAlarms``.
    """
    yield from unkept(tuple(_record_watches(stack)), stack)


@whole_rule(
    id="disaster-recovery-objects-lost",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def lost_objects_are_told(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """An alarm goes off when S3 gives up on copying an object to another region.

    Why: nobody tries again what S3 has given up on; the copy is missing when it is needed.
    Good: ``statistic="Sum", threshold=1, period=60`` on ``AWS/S3 OperationsFailedReplication``
    Bad: ``evaluation_periods=5``, for what happens in one minute and not again
    Fix: give every pair of buckets the alarm of ``ReplicationAlarms``.
    """
    yield from unkept(tuple(_object_watches(stack)), stack)


@stack_rule(
    id="disaster-recovery-copies-measured",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET_REPLICATION,),
)
def copies_are_measured(replication: Resource, _stack: Stack) -> Iterator[Violation]:
    """Every rule that copies objects publishes metrics, without which no alarm can see it fail.

    Why: S3 measures only what it is told to.
    Good: ``"metrics": {"status": "Enabled"}``
    Bad: a destination without ``metrics``
    Fix: enable the metrics of the destination.
    """
    for part in replication.properties.objects("rules"):
        destination = part.object("destination")
        metrics = None if destination is None else destination.object("metrics")
        if part.text("status") == "Enabled" and (
            metrics is None or metrics.text("status") != "Enabled"
        ):
            yield Violation(
                found="the metrics of the destination are off",
                rule="whoever waits for copies can see that they fail",
                fix='write "metrics": {"status": "Enabled"}',
                at=f"{part.path}.destination.metrics",
            )


@whole_rule(
    id="disaster-recovery-region-left",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def a_region_that_is_left_is_told(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """An alarm goes off when a health check finds its region dead and users are led elsewhere.

    Why: one region fewer is one region from none, and nobody notices it from outside.
    Good: ``statistic="Minimum", threshold=1, comparison_operator="LessThanThreshold"``
    Bad: an alarm outside us-east-1, where Route 53 publishes nothing
    Fix: give every health check the alarm of ``GlobalRouting``.
    """
    yield from unkept(tuple(_health_watches(stack)), stack)


def _record_watches(stack: Stack) -> Iterator[Watch]:
    latest_ms = _latest_ms(stack)
    for table in stack.of_type(TABLE):
        modes = {one.text("consistencyMode") for one in table.properties.objects("replicas")}
        if latest_ms is None or not modes or modes == {"STRONG"}:
            # What is written in all regions at once is never late.
            continue
        regions = sorted({table.region, *replica_regions(table)})
        for region in regions:
            for target in sorted(set(regions) - {region}):
                yield _record_watch(table, region, target, latest_ms)


def _record_watch(table: Resource, region: str, target: str, latest_ms: float) -> Watch:
    late, early = 1.1 * latest_ms, 0.5 * latest_ms
    # Most of the records are in time, and those that are not make up for it.
    mixed = (*(0.1 * latest_ms,) * 5, 10 * latest_ms)
    return Watch(
        what=f"records reach {target} from {region} later than in {latest_ms:g} ms",
        owner=table,
        region=region,
        namespace="AWS/DynamoDB",
        metric="ReplicationLatency",
        dimensions={
            "TableName": Dimension.name("name", table),
            "ReceivingRegion": Dimension((target,)),
        },
        bad=tuple(
            Series(before=(early,), minutes=(minute,) * _MINUTES, unit="Milliseconds")
            for minute in ((late,), mixed)
        ),
        good=(Series(before=(early,) * 20, minutes=((early,) * 20,) * 15, unit="Milliseconds"),),
        within_s=_LONGEST_S,
        model=replace(_LATE, threshold=latest_ms),
    )


def _latest_ms(stack: Stack) -> float | None:
    """How late a record may be; None where no contract says it, which has a rule of its own."""
    contract = contract_of(stack)
    objectives = None if contract is None else contract.properties.object("objectives")
    rpo_s = None if objectives is None else objectives.number("rpo_s")
    return None if rpo_s is None else rpo_s * 1000


def _object_watches(stack: Stack) -> Iterator[Watch]:
    for replication in stack.of_type(BUCKET_REPLICATION):
        for source in stack.targets(replication, "bucket", BUCKET):
            for part, targets in destinations_of(replication, stack):
                yield _object_watch(source, targets, part)


def _object_watch(source: Resource, targets: tuple[Resource, ...], part: Properties) -> Watch:
    happened = Series(minutes=((1.0,), *((),) * _MINUTES), unit="Count")
    named = part.text("id")
    return Watch(
        what=f"S3 gives up on copying an object from {source.region}",
        owner=source,
        region=source.region,
        namespace="AWS/S3",
        metric="OperationsFailedReplication",
        dimensions={
            "SourceBucket": Dimension.name("bucket", source),
            # Of which of them this rule's value comes from, the engine does not tell.
            "DestinationBucket": Dimension.name("bucket", *targets),
            "RuleId": Dimension() if named is None else Dimension((named,)),
        },
        bad=(happened,),
        good=(Series(before=(0.0,), minutes=((0.0,),) * _MINUTES, unit="Count"),),
        within_s=_LONGEST_S,
        model=_LOST,
    )


def _health_watches(stack: Stack) -> Iterator[Watch]:
    for check in stack.of_type(HEALTH_CHECK):
        yield Watch(
            what="users are led away from a region",
            owner=check,
            region=_ROUTE_53,
            namespace="AWS/Route53",
            metric="HealthCheckStatus",
            dimensions={"HealthCheckId": Dimension(of=(check,))},
            bad=(Series(before=(1.0,), minutes=((0.0,),) * _MINUTES),),
            good=(Series(before=(1.0,), minutes=((1.0,),) * _MINUTES),),
            within_s=_LONGEST_S,
            model=_DEAD,
        )


RULES: Final[tuple[Rule, ...]] = (
    late_records_are_told,
    lost_objects_are_told,
    copies_are_measured,
    a_region_that_is_left_is_told,
)
