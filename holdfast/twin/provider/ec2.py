"""What the EC2 types share: finding one thing among many, and tags."""

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.spec import Property, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, from_pairs, pairs

DROPPED = "the emulator drops it"


def all_refused(reason: str, *names: str) -> dict[str, Property]:
    """The same refusal for several properties."""
    return {name: refused(reason) for name in names}


def find_one(site: Site, operation: str, key: str, ids: str, ident: str) -> Doc | None:
    """The thing with an id, or None when there is none.

    Args:
        site: Its region.
        operation: The ``describe_...`` operation.
        key: Member of the answer that lists the things.
        ids: Parameter that takes a list of ids.
        ident: The id.
    """
    answer = site.find(_missing(operation), "ec2", operation, **{ids: [ident]})
    found = [] if answer is None else answer.docs(key)
    return found[0] if found else None


def tag_specification(kind: str, inputs: Doc) -> list[dict[str, object]] | None:
    """The tags of a thing that is about to be made."""
    tags = pairs(inputs.table("tagsAll"))
    return [{"ResourceType": kind, "Tags": tags}] if tags else None


def update_tags(site: Site, ident: str, old: Doc, new: Doc) -> None:
    """Makes the tags of a thing as its inputs say."""
    gone, fresh = retag(old, new)
    if gone:
        site.call("ec2", "delete_tags", Resources=[ident], Tags=[{"Key": key} for key in gone])
    if fresh:
        site.call("ec2", "create_tags", Resources=[ident], Tags=pairs(fresh))


def tags_of(thing: Doc) -> dict[str, str]:
    """The tags of a described thing."""
    return from_pairs(thing.docs("Tags"))


def arn(site: Site, kind: str, ident: str) -> str:
    """The ARN of an EC2 thing."""
    return f"arn:aws:ec2:{site.region}:{site.account}:{kind}/{ident}"


def _missing(operation: str) -> tuple[str, ...]:
    return _MISSING.get(operation, ())


_MISSING = {
    "describe_vpcs": ("InvalidVpcID.NotFound",),
    "describe_subnets": ("InvalidSubnetID.NotFound",),
    "describe_route_tables": ("InvalidRouteTableID.NotFound",),
    "describe_internet_gateways": ("InvalidInternetGatewayID.NotFound",),
    "describe_vpc_endpoints": ("InvalidVpcEndpointId.NotFound",),
    "describe_security_groups": ("InvalidGroup.NotFound", "InvalidGroupId.NotFound"),
    "describe_security_group_rules": ("InvalidSecurityGroupRuleId.NotFound",),
}
