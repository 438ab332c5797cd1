import pytest
from botocore.model import StructureShape
from botocore.session import Session

from holdfast.twin.region.refusals import REFUSED, dropped_by_emulator


def test_a_parameter_that_would_be_dropped_is_named() -> None:
    request = {"Name": "s", "AddReplicaRegions": [{"Region": "us-west-2"}]}
    found = dropped_by_emulator("secretsmanager", "CreateSecret", request)
    assert found is not None
    assert "AddReplicaRegions" in found


def test_the_same_call_without_it_passes() -> None:
    assert dropped_by_emulator("secretsmanager", "CreateSecret", {"Name": "s"}) is None
    assert dropped_by_emulator("secretsmanager", "GetSecretValue", {"SecretId": "s"}) is None


def test_an_operation_can_be_refused_whole() -> None:
    assert dropped_by_emulator("TrentService", "UpdatePrimaryRegion", {}) is not None


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: str(entry[1]))
def test_every_refused_operation_and_parameter_exists_in_aws(
    entry: tuple[str, str, str | None, str],
) -> None:
    target, operation, parameter, _ = entry
    service = {"secretsmanager": "secretsmanager", "TrentService": "kms"}[target]
    model = Session().get_service_model(service)
    assert model.metadata["targetPrefix"] == target
    assert operation in model.operation_names
    if parameter is not None:
        shape = model.operation_model(operation).input_shape
        assert isinstance(shape, StructureShape)
        assert parameter in shape.members
