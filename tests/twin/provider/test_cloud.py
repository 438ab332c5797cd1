import pytest

from holdfast.errors import TwinError
from holdfast.twin.provider.cloud import ApiError, Cloud, Site, violations


def nowhere(region: str) -> str:
    if region != "us-east-1":
        raise TwinError(f"no region {region}")
    return "http://127.0.0.1:9"  # Nothing listens on the discard port.


CLOUD = Cloud(nowhere)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "named"),
    [
        ("kms", "create_key", {"KeySpec": "ROT13"}, "KeySpec"),
        ("kms", "create_key", {"Description": "x" * 8193}, "Description"),
        ("kms", "create_key", {"Tags": [{"TagKey": "k" * 129, "TagValue": ""}]}, "TagKey"),
        ("kms", "create_alias", {"AliasName": "no slash!", "TargetKeyId": "k"}, "AliasName"),
        ("dynamodb", "create_table", {"TableName": "t", "BillingMode": "FREE"}, "BillingMode"),
        ("iam", "create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"}, "RoleName"),
        ("iam", "update_role", {"RoleName": "r", "MaxSessionDuration": 1}, "MaxSessionDuration"),
        (
            "route53",
            "create_health_check",
            {
                "CallerReference": "r",
                "HealthCheckConfig": {"Type": "HTTP", "FailureThreshold": 11},
            },
            "FailureThreshold",
        ),
        ("cloudwatch", "put_metric_alarm", {"Statistic": "Mean"}, "Statistic"),
        ("elbv2", "create_load_balancer", {"Name": "n", "Type": "magic"}, "Type"),
    ],
)
def test_a_call_that_breaks_the_service_model_never_leaves(
    service: str, operation: str, parameters: dict[str, object], named: str
) -> None:
    with pytest.raises(TwinError, match=f"would be refused by AWS.*{named}"):
        CLOUD.call(service, "us-east-1", operation, parameters)


def test_boto3_itself_refuses_a_wrong_type_and_a_missing_parameter() -> None:
    with pytest.raises(TwinError, match="KeyId"):
        CLOUD.call("kms", "us-east-1", "describe_key", {"KeyId": 5})
    with pytest.raises(TwinError, match="KeyId"):
        CLOUD.call("kms", "us-east-1", "describe_key", {})


def test_the_check_of_forms_lets_pass_what_aws_takes() -> None:
    shape = CLOUD.client("iam", "us-east-1").meta.service_model.operation_model("CreateRole")
    assert shape.input_shape is not None
    right = {
        "RoleName": "holdfast-prod_role+=,.@-1",
        "AssumeRolePolicyDocument": '{\n\t"Statement": []}',
        "Description": "Kills everything, außer Menschen.",
        "Path": "/a/b/",
    }
    assert list(violations(shape.input_shape, right, "")) == []


def test_a_region_that_the_twin_does_not_have_is_named() -> None:
    with pytest.raises(TwinError, match="no region eu-west-1"):
        CLOUD.call("dynamodb", "eu-west-1", "list_tables", {})


def test_nobody_answering_is_one_sentence() -> None:
    with pytest.raises(TwinError, match="dynamodb ListTables in us-east-1"):
        CLOUD.call("dynamodb", "us-east-1", "list_tables", {})


@pytest.mark.slow
def test_a_refusal_by_the_emulator_carries_its_code(cloud: Cloud) -> None:
    site = Site(cloud, "us-east-1")
    with pytest.raises(ApiError, match="ResourceNotFoundException") as caught:
        site.call("dynamodb", "describe_table", TableName="nothing")
    assert caught.value.code == "ResourceNotFoundException"
    gone = ("ResourceNotFoundException",)
    assert site.find(gone, "dynamodb", "describe_table", TableName="nothing") is None
    with pytest.raises(ApiError):
        site.find(("Other",), "dynamodb", "describe_table", TableName="nothing")


@pytest.mark.slow
def test_each_region_is_an_emulator_of_its_own(cloud: Cloud) -> None:
    east, west = Site(cloud, "us-east-1"), Site(cloud, "us-west-2")
    made = east.call("kms", "create_key").doc("KeyMetadata")
    assert ":us-east-1:" in made.text("Arn")
    missing = ("NotFoundException",)
    assert west.find(missing, "kms", "describe_key", KeyId=made.text("KeyId")) is None
    east.call("kms", "schedule_key_deletion", KeyId=made.text("KeyId"), PendingWindowInDays=7)
