import pytest

from holdfast.graph import Node
from tests.components.stacks import STACKS, deployed, jurisdiction, mapping

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
METRICS = ("ReadThrottleEvents", "WriteThrottleEvents")


def alarms(graph: str) -> tuple[Node, ...]:
    return tuple(
        node for node in deployed(graph).of_type(ALARM) if node.inputs["metricName"] in METRICS
    )


@pytest.mark.parametrize("graph", [*STACKS, "three-serving"])
def test_every_table_is_told_of_in_each_of_its_regions_when_it_refuses_reads_or_writes(
    graph: str,
) -> None:
    found = [
        (mapping(one.inputs["dimensions"])["TableName"], one.region, one.inputs["metricName"])
        for one in alarms(graph)
    ]
    tables = deployed(graph).of_type("aws:dynamodb/table:Table")
    regions = {jurisdiction(one): set[str | None]() for one in tables}
    for bucket in deployed(graph).of_type("aws:s3/bucket:Bucket"):
        regions[jurisdiction(bucket)].add(bucket.region)
    expected = {
        (table.inputs["name"], region, metric)
        for table in tables
        for region in regions[jurisdiction(table)]
        for metric in METRICS
    }
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize("stack", STACKS)
def test_throttling_is_announced_in_its_region_and_jurisdiction(stack: str) -> None:
    topics = {
        topic.outputs["arn"]: topic for topic in deployed(stack).of_type("aws:sns/topic:Topic")
    }
    for node in alarms(stack):
        for actions in ("alarmActions", "okActions"):
            listed = node.inputs[actions]
            assert isinstance(listed, (list, tuple))
            (arn,) = listed
            assert topics[arn].region == node.region
            assert jurisdiction(topics[arn]) == jurisdiction(node)
