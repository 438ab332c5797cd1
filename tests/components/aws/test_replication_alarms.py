import pytest

from holdfast.graph import Node, Value
from tests.components.stacks import STACKS, deployed, jurisdiction, mapping, mappings

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def alarms(graph: str, metric: str) -> tuple[Node, ...]:
    return tuple(
        node for node in deployed(graph).of_type(ALARM) if node.inputs["metricName"] == metric
    )


def pairs(graph: str) -> set[tuple[Value, str, str]]:
    """Jurisdiction, region and other region of all that is copied."""
    buckets = deployed(graph).of_type("aws:s3/bucket:Bucket")
    return {
        (jurisdiction(one), str(one.region), str(other.region))
        for one in buckets
        for other in buckets
        if jurisdiction(one) == jurisdiction(other) and one.region != other.region
    }


@pytest.mark.parametrize("graph", [*STACKS, "three-serving"])
def test_late_records_are_told_of_in_each_region_for_each_other_one(graph: str) -> None:
    found = alarms(graph, "ReplicationLatency")
    told = {
        (
            jurisdiction(node),
            str(node.region),
            str(mapping(node.inputs["dimensions"])["ReceivingRegion"]),
        )
        for node in found
    }
    assert told == pairs(graph)
    assert len(told) == len(found)
    tables = {
        jurisdiction(table): table.inputs["name"]
        for table in deployed(graph).of_type("aws:dynamodb/table:Table")
        if "GeoStore" in table.urn
    }
    for node in found:
        assert node.inputs["namespace"] == "AWS/DynamoDB"
        assert mapping(node.inputs["dimensions"])["TableName"] == tables[jurisdiction(node)]


@pytest.mark.parametrize("graph", [*STACKS, "three-serving"])
def test_objects_that_s3_has_given_up_on_are_told_of_by_the_rule_that_copies_them(
    graph: str,
) -> None:
    found = {
        tuple(
            sorted(
                (name, str(value)) for name, value in mapping(alarm.inputs["dimensions"]).items()
            )
        )
        for alarm in alarms(graph, "OperationsFailedReplication")
    }
    arns = {
        str(bucket.outputs["arn"]): str(bucket.inputs["bucket"])
        for bucket in deployed(graph).of_type("aws:s3/bucket:Bucket")
    }
    copied = {
        (
            ("DestinationBucket", arns[str(mapping(rule["destination"])["bucket"])]),
            ("RuleId", str(rule["id"])),
            ("SourceBucket", str(config.inputs["bucket"])),
        )
        for config in deployed(graph).of_type(
            "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
        )
        for rule in mappings(config.inputs["rules"])
    }
    assert found == copied
    assert len(found) == len(pairs(graph))


@pytest.mark.parametrize("stack", STACKS)
def test_records_may_be_as_late_as_the_objective_says_and_not_for_one_minute_only(
    stack: str,
) -> None:
    objectives = mapping(mapping(deployed(stack).outputs["platform"])["objectives"])
    for node in alarms(stack, "ReplicationLatency"):
        assert node.inputs["threshold"] == float(str(objectives["rpo_s"])) * 1000
        assert node.inputs["comparisonOperator"] == "GreaterThanThreshold"
        assert node.inputs["evaluationPeriods"] == 5


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("metric", ["ReplicationLatency", "OperationsFailedReplication"])
def test_alarms_are_announced_where_they_are_and_are_still_where_nothing_is_written(
    stack: str, metric: str
) -> None:
    topics = {
        topic.outputs["arn"]: topic for topic in deployed(stack).of_type("aws:sns/topic:Topic")
    }
    for node in alarms(stack, metric):
        assert node.inputs["treatMissingData"] == "notBreaching"
        for actions in ("alarmActions", "okActions"):
            listed = node.inputs[actions]
            assert isinstance(listed, (list, tuple))
            (arn,) = listed
            topic = topics[arn]
            assert topic.region == node.region
            assert jurisdiction(topic) == jurisdiction(node)
