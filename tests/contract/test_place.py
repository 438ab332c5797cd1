import pytest

from holdfast.contract.place import own_region
from holdfast.coordination import dynamodb_client


def test_a_pod_that_is_given_only_aws_region_is_in_that_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert own_region() == "eu-west-1"
    assert dynamodb_client().meta.region_name == "eu-west-1"


def test_where_both_are_set_the_one_that_the_platform_sets_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert own_region() == "eu-west-1"


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert own_region() == "us-west-2"
