"""Changes that replace only from some values to some others, as the AWS provider has it."""

import pytest

from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Json

PROVIDER = Provider(Cloud(lambda region: f"http://{region}.test"))


@pytest.mark.parametrize(
    ("token", "key", "before", "after", "others", "replaces"),
    [
        ("aws:ssm/parameter:Parameter", "tier", "Advanced", "Standard", {}, True),
        ("aws:ssm/parameter:Parameter", "tier", "Standard", "Advanced", {}, False),
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "engineVersion",
            "8.1",
            "8.0",
            {},
            True,
        ),
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "engineVersion",
            "8.9",
            "8.10",
            {},
            False,
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            "subnets",
            ["a", "b"],
            ["a"],
            {"loadBalancerType": "network"},
            True,
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            "subnets",
            ["a"],
            ["a", "b"],
            {"loadBalancerType": "network"},
            False,
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            "subnets",
            ["a", "b"],
            ["a", "c"],
            {"loadBalancerType": "application"},
            False,
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            "securityGroups",
            [],
            ["g"],
            {"loadBalancerType": "network"},
            True,
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            "securityGroups",
            ["g"],
            ["h"],
            {"loadBalancerType": "network"},
            False,
        ),
    ],
)
def test_a_change_replaces_only_where_it_must(  # noqa: PLR0917 - the columns of the table
    token: str,
    key: str,
    before: Json,
    after: Json,
    others: dict[str, Json],
    replaces: bool,  # noqa: FBT001
) -> None:
    change = PROVIDER.diff(token, {**others, key: before}, {**others, key: after})
    assert (key in change.replaces) is replaces
    assert (key in change.updates) is not replaces
