"""EC2 networks: ways to AWS services that need no internet."""

from collections.abc import Iterator

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import (
    DROPPED,
    all_refused,
    arn,
    find_one,
    tag_specification,
    tags_of,
    update_tags,
)
from holdfast.twin.provider.rules import among, needed, policy_document
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept
from holdfast.twin.provider.values import Doc, Object, document

_KINDS = ("Gateway", "Interface")
_OF_INTERFACES = ("privateDnsEnabled", "securityGroupIds", "subnetIds")
_LISTS = (
    ("routeTableIds", "RouteTableIds"),
    ("securityGroupIds", "SecurityGroupIds"),
    ("subnetIds", "SubnetIds"),
)


class VpcEndpoint(ResourceType):
    """A network's way to an AWS service: an entry in route tables, or addresses in subnets."""

    type_name = "aws:ec2/vpcEndpoint:VpcEndpoint"
    properties = declared(
        {
            "policy": kept(computed=True, document="policy"),
            "privateDnsEnabled": kept(computed=True),
            "routeTableIds": kept(computed=True),
            "securityGroupIds": kept(computed=True),
            "serviceName": kept(replaces=True),
            "subnetIds": kept(computed=True),
            "tags": kept(),
            "vpcEndpointType": kept(replaces=True, default="Gateway"),
            "vpcId": kept(replaces=True),
            **all_refused(
                DROPPED,
                "autoAccept",
                "dnsOptions",
                "ipAddressType",
                "resourceConfigurationArn",
                "serviceNetworkArn",
                "serviceRegion",
                "subnetConfigurations",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What each kind of endpoint has, and the service's region."""
        yield from among(inputs, "vpcEndpointType", _KINDS)
        yield from needed(inputs, ("serviceName",), "the endpoint leads to a service")
        yield from policy_document(inputs, "policy")
        service, region = inputs.maybe_text("serviceName"), inputs.maybe_text("region")
        if service is not None and region is not None:
            lead = f"com.amazonaws.{region}."
            if not service.startswith(lead):
                yield Failure("serviceName", f"is {service!r}; names here start with {lead}")
        kind = inputs.maybe_text("vpcEndpointType")
        if kind == "Interface" and "routeTableIds" in inputs:
            yield Failure("routeTableIds", "are a gateway endpoint's; an interface has subnetIds")
        for key in _OF_INTERFACES if kind == "Gateway" else ():
            if inputs.raw(key):
                yield Failure(key, "is an interface endpoint's; a gateway has routeTableIds")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateVpcEndpoint``; private DNS is off unless asked for, as with the AWS provider."""
        interface = inputs.text("vpcEndpointType") == "Interface"
        answer = site.call(
            "ec2",
            "create_vpc_endpoint",
            VpcId=inputs.text("vpcId"),
            ServiceName=inputs.maybe_text("serviceName"),
            VpcEndpointType=inputs.text("vpcEndpointType"),
            PolicyDocument=inputs.maybe_text("policy"),
            PrivateDnsEnabled=inputs.flag("privateDnsEnabled") if interface else None,
            TagSpecifications=tag_specification("vpc-endpoint", inputs),
            **{parameter: inputs.texts(name) or None for name, parameter in _LISTS},
        )
        return answer.doc("VpcEndpoint").text("VpcEndpointId")

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeVpcEndpoints``, and the prefix list that leads to a gateway."""
        del state
        found = find_one(site, "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointIds", ident)
        if found is None:
            return None
        prefixes = site.call(
            "ec2",
            "describe_prefix_lists",
            Filters=[{"Name": "prefix-list-name", "Values": [found.text("ServiceName")]}],
        ).docs("PrefixLists")
        prefix = prefixes[0] if prefixes else Doc()
        return {
            "arn": arn(site, "vpc-endpoint", ident),
            "vpcId": found.text("VpcId"),
            "serviceName": found.text("ServiceName"),
            "vpcEndpointType": found.text("VpcEndpointType"),
            "policy": found.text("PolicyDocument"),
            "privateDnsEnabled": found.flag("PrivateDnsEnabled"),
            "routeTableIds": sorted(found.texts("RouteTableIds")),
            "securityGroupIds": sorted(item.text("GroupId") for item in found.docs("Groups")),
            "subnetIds": sorted(found.texts("SubnetIds")),
            "state": found.text("State"),
            "ownerId": found.text("OwnerId"),
            "requesterManaged": found.flag("RequesterManaged"),
            "prefixListId": prefix.maybe_text("PrefixListId") or "",
            "cidrBlocks": sorted(prefix.texts("Cidrs")),
            "dnsEntries": [
                {"dnsName": item.text("DnsName"), "hostedZoneId": item.text("HostedZoneId")}
                for item in found.docs("DnsEntries")
            ],
            "networkInterfaceIds": sorted(found.texts("NetworkInterfaceIds")),
            "tagsAll": tags_of(found),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``ModifyVpcEndpoint``, and tags. What the program no longer says stays as it is."""
        change: dict[str, object] = {}
        for name, parameter in _LISTS:
            if name not in new:
                continue
            before, after = set(old.texts(name)), set(new.texts(name))
            change[f"Add{parameter}"] = sorted(after - before) or None
            change[f"Remove{parameter}"] = sorted(before - after) or None
        policy = new.maybe_text("policy")
        if policy is not None and document(policy) != document(old.maybe_text("policy")):
            change["PolicyDocument"] = policy
        private = new.maybe_flag("privateDnsEnabled")
        if private is not None and private is not old.flag("privateDnsEnabled"):
            change["PrivateDnsEnabled"] = private
        if any(value is not None for value in change.values()):
            site.call("ec2", "modify_vpc_endpoint", VpcEndpointId=ident, **change)
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteVpcEndpoints``; it reports ids that are gone instead of failing."""
        del state
        site.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[ident])
