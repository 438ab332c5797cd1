import pytest

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Doc


def test_a_function_that_the_twin_does_not_answer_is_refused_with_what_it_does() -> None:
    provider = Provider(Cloud(lambda region: f"http://{region}.test"))
    with pytest.raises(UnsupportedResourceError, match=r"getAmi.*getRegion"):
        provider.invoke("aws:ec2/getAmi:getAmi", {}, None)


def test_an_argument_that_would_be_ignored_is_refused() -> None:
    provider = Provider(Cloud(lambda region: f"http://{region}.test"))
    token = "aws:index/getAvailabilityZones:getAvailabilityZones"
    with pytest.raises(UnsupportedResourceError, match="filters"):
        provider.invoke(token, {"filters": [{"name": "x", "values": []}]}, None)


@pytest.mark.slow
def test_functions_are_answered_in_the_region_that_is_asked(cloud: Cloud) -> None:
    provider = Provider(cloud)
    identity = provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {}, None)
    assert identity["accountId"] == cloud.account
    assert (
        provider.invoke("aws:index/getRegion:getRegion", {}, "us-west-2")["region"] == "us-west-2"
    )
    zones = Doc(
        provider.invoke(
            "aws:index/getAvailabilityZones:getAvailabilityZones",
            {"state": "available"},
            "us-west-2",
        )
    )
    assert zones.texts("names")
    assert all(name.startswith("us-west-2") for name in zones.texts("names"))
    assert provider.invoke("aws:index/getPartition:getPartition", {}, None)["partition"] == "aws"
    drawn = provider.invoke(
        "aws:secretsmanager/getRandomPassword:getRandomPassword",
        {"passwordLength": 40, "excludePunctuation": True},
        "us-west-2",
    )
    assert len(Doc(drawn).text("randomPassword")) == 40
    assert Doc(drawn).text("randomPassword").isalnum()
