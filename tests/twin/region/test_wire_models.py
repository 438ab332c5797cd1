import pytest
from botocore.session import Session

from holdfast.twin.region.wire_models import aws_service_names, wire_model

SERVICES = ("dynamodb", "ec2", "elasticache", "iam", "kms", "route53", "s3", "sns", "cloudwatch")


@pytest.mark.parametrize("service", SERVICES)
def test_the_metadata_is_what_botocores_loader_gives(service: str) -> None:
    found = wire_model(service)
    assert found is not None
    assert found.metadata == dict(Session().get_service_model(service).metadata)


def test_an_unknown_service_has_no_model() -> None:
    assert wire_model("no-such-service") is None


def test_whoever_asks_for_more_gets_the_whole_model() -> None:
    found = wire_model("sqs")
    assert found is not None
    names = found.operation_names
    assert isinstance(names, list)
    assert "SendMessage" in names


def test_services_are_known_by_folder_endpoint_and_signature() -> None:
    assert {"elbv2", "elasticloadbalancing", "monitoring", "fis"} <= aws_service_names()
    assert "no-such-service" not in aws_service_names()
