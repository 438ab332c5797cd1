import pytest

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider.schema import schema_of


def test_the_sdk_tells_inputs_outputs_and_nesting() -> None:
    schema = schema_of("aws:dynamodb/table:Table")
    assert schema.inputs["hashKey"].kind == "text"
    assert not schema.inputs["hashKey"].required
    replica = schema.inputs["replicas"].item
    assert replica is not None
    assert replica.members is not None
    assert replica.members["regionName"].required
    assert not replica.members["kmsKeyArn"].required
    assert schema.outputs["arn"].required
    assert "arn" not in schema.inputs


def test_required_inputs_maps_and_numbers_are_told_apart() -> None:
    alarm = schema_of("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert alarm["threshold"].kind == "number"
    assert alarm["evaluationPeriods"].kind == "integer"
    assert alarm["dimensions"].kind == "map"
    assert schema_of("aws:kms/replicaKey:ReplicaKey").inputs["primaryKeyArn"].required


@pytest.mark.parametrize("token", ["aws:dynamodb/table:Tabel", "aws:nothing/at:All", "nonsense"])
def test_a_type_that_the_sdk_does_not_have_is_refused_by_name(token: str) -> None:
    with pytest.raises(UnsupportedResourceError, match=token):
        schema_of(token)
