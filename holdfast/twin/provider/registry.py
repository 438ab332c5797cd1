"""Which AWS resource types the twin takes, and what becomes of each."""

from collections.abc import Mapping

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider import dynamodb, kms, routes, security_groups, vpc
from holdfast.twin.provider.spec import ResourceType

REALISED: Mapping[str, ResourceType] = {
    kind.token: kind
    for kind in (
        dynamodb.Table(),
        dynamodb.TableItem(),
        kms.Alias(),
        kms.Key(),
        kms.ReplicaKey(),
        routes.Route(),
        routes.RouteTable(),
        routes.RouteTableAssociation(),
        security_groups.SecurityGroup(),
        security_groups.SecurityGroupEgressRule(),
        security_groups.SecurityGroupIngressRule(),
        vpc.InternetGateway(),
        vpc.Subnet(),
        vpc.Vpc(),
        vpc.VpcEndpoint(),
    )
}
"""Types that become real things in an emulator, by token."""


def realised(token: str) -> ResourceType:
    """How a resource type is realised.

    Raises:
        UnsupportedResourceError: If it is not.
    """
    kind = REALISED.get(token)
    if kind is None:
        raise UnsupportedResourceError(
            f"the twin does not take resources of type {token}; it takes "
            f"{', '.join(sorted(REALISED))}. Leave the resource out of this stack, "
            "or deploy the stack to AWS."
        )
    return kind
