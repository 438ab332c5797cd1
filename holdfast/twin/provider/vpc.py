"""EC2 networks: VPCs, subnets, gateways."""

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
from holdfast.twin.provider.rules import ipv4_block
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, refused
from holdfast.twin.provider.values import Doc, Object

_IPV6 = "the emulator's networks have no IPv6"
_IPAM = "the twin has no address manager; give the block itself"
_OUTPOST = "the twin has no Outposts"


class Vpc(ResourceType):
    """A network."""

    type_name = "aws:ec2/vpc:Vpc"
    properties = declared(
        {
            "cidrBlock": kept(replaces=True),
            "enableDnsHostnames": kept(computed=True),
            "enableDnsSupport": kept(default=True),
            "enableNetworkAddressUsageMetrics": refused(DROPPED),
            "instanceTenancy": kept(replaces=True, default="default"),
            "tags": kept(),
            **all_refused(
                _IPV6,
                "assignGeneratedIpv6CidrBlock",
                "ipv6CidrBlock",
                "ipv6CidrBlockNetworkBorderGroup",
                "ipv6NetmaskLength",
            ),
            **all_refused(_IPAM, "ipv4IpamPoolId", "ipv4NetmaskLength", "ipv6IpamPoolId"),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The block's form and size."""
        yield from ipv4_block(inputs, "cidrBlock")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateVpc``."""
        answer = site.call(
            "ec2",
            "create_vpc",
            CidrBlock=inputs.text("cidrBlock"),
            InstanceTenancy=inputs.text("instanceTenancy"),
            TagSpecifications=tag_specification("vpc", inputs),
        )
        return answer.doc("Vpc").text("VpcId")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """The attributes that ``CreateVpc`` does not take."""
        for name, parameter in (
            ("enableDnsSupport", "EnableDnsSupport"),
            ("enableDnsHostnames", "EnableDnsHostnames"),
        ):
            value = inputs.maybe_flag(name)
            if value is not None:
                change = {parameter: {"Value": value}}
                site.call("ec2", "modify_vpc_attribute", VpcId=ident, **change)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The network and what comes with each one."""
        del state
        vpc = find_one(site, "describe_vpcs", "Vpcs", "VpcIds", ident)
        if vpc is None:
            return None
        mine = [{"Name": "vpc-id", "Values": [ident]}]
        tables = site.call(
            "ec2",
            "describe_route_tables",
            Filters=[*mine, {"Name": "association.main", "Values": ["true"]}],
        ).docs("RouteTables")
        groups = site.call(
            "ec2",
            "describe_security_groups",
            Filters=[*mine, {"Name": "group-name", "Values": ["default"]}],
        ).docs("SecurityGroups")
        acls = site.call(
            "ec2", "describe_network_acls", Filters=[*mine, {"Name": "default", "Values": ["true"]}]
        ).docs("NetworkAcls")
        table = tables[0].text("RouteTableId") if tables else ""
        return {
            "arn": arn(site, "vpc", ident),
            "cidrBlock": vpc.text("CidrBlock"),
            "instanceTenancy": vpc.text("InstanceTenancy"),
            "enableDnsSupport": _attribute(site, ident, "enableDnsSupport", "EnableDnsSupport"),
            "enableDnsHostnames": _attribute(
                site, ident, "enableDnsHostnames", "EnableDnsHostnames"
            ),
            "defaultNetworkAclId": acls[0].text("NetworkAclId") if acls else "",
            "defaultRouteTableId": table,
            "mainRouteTableId": table,
            "defaultSecurityGroupId": groups[0].text("GroupId") if groups else "",
            "dhcpOptionsId": vpc.text("DhcpOptionsId"),
            "ipv6AssociationId": "",
            "ownerId": vpc.text("OwnerId"),
            "tagsAll": tags_of(vpc),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Attributes and tags."""
        self.configure(site, ident, new)
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteVpc``."""
        del state
        site.find(("InvalidVpcID.NotFound",), "ec2", "delete_vpc", VpcId=ident)


class Subnet(ResourceType):
    """A part of a network in one zone."""

    type_name = "aws:ec2/subnet:Subnet"
    properties = declared(
        {
            "availabilityZone": kept(replaces=True, computed=True),
            "availabilityZoneId": kept(replaces=True, computed=True),
            "cidrBlock": kept(replaces=True),
            "enableResourceNameDnsARecordOnLaunch": kept(),
            "mapPublicIpOnLaunch": kept(),
            "privateDnsHostnameTypeOnLaunch": kept(computed=True),
            "tags": kept(),
            "vpcId": kept(replaces=True),
            **all_refused(
                _IPV6,
                "assignIpv6AddressOnCreation",
                "enableDns64",
                "enableResourceNameDnsAaaaRecordOnLaunch",
                "ipv6CidrBlock",
                "ipv6Native",
                "ipv6NetmaskLength",
            ),
            **all_refused(_IPAM, "ipv4IpamPoolId", "ipv4NetmaskLength", "ipv6IpamPoolId"),
            **all_refused(
                _OUTPOST,
                "customerOwnedIpv4Pool",
                "enableLniAtDeviceIndex",
                "mapCustomerOwnedIpOnLaunch",
                "outpostArn",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """The block's form and size, and a zone of the right region."""
        yield from ipv4_block(inputs, "cidrBlock")
        zone = inputs.maybe_text("availabilityZone")
        region = inputs.maybe_text("region")
        if zone is not None and region is not None and not zone.startswith(region):
            yield Failure("availabilityZone", f"is {zone!r}, which is not in {region}")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateSubnet``."""
        answer = site.call(
            "ec2",
            "create_subnet",
            VpcId=inputs.text("vpcId"),
            CidrBlock=inputs.text("cidrBlock"),
            AvailabilityZone=inputs.maybe_text("availabilityZone"),
            AvailabilityZoneId=inputs.maybe_text("availabilityZoneId"),
            TagSpecifications=tag_specification("subnet", inputs),
        )
        return answer.doc("Subnet").text("SubnetId")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """The attributes that ``CreateSubnet`` does not take, one to a call."""
        for name, parameter in (
            ("mapPublicIpOnLaunch", "MapPublicIpOnLaunch"),
            ("enableResourceNameDnsARecordOnLaunch", "EnableResourceNameDnsARecordOnLaunch"),
        ):
            if name in inputs:
                change = {parameter: {"Value": inputs.flag(name)}}
                site.call("ec2", "modify_subnet_attribute", SubnetId=ident, **change)
        hostnames = inputs.maybe_text("privateDnsHostnameTypeOnLaunch")
        if hostnames is not None:
            site.call(
                "ec2",
                "modify_subnet_attribute",
                SubnetId=ident,
                PrivateDnsHostnameTypeOnLaunch=hostnames,
            )

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeSubnets``."""
        del state
        subnet = find_one(site, "describe_subnets", "Subnets", "SubnetIds", ident)
        if subnet is None:
            return None
        names = subnet.doc("PrivateDnsNameOptionsOnLaunch")
        return {
            "arn": subnet.text("SubnetArn"),
            "availabilityZone": subnet.text("AvailabilityZone"),
            "availabilityZoneId": subnet.text("AvailabilityZoneId"),
            "cidrBlock": subnet.text("CidrBlock"),
            "vpcId": subnet.text("VpcId"),
            "mapPublicIpOnLaunch": subnet.flag("MapPublicIpOnLaunch"),
            "enableResourceNameDnsARecordOnLaunch": names.flag("EnableResourceNameDnsARecord"),
            "privateDnsHostnameTypeOnLaunch": names.maybe_text("HostnameType") or "ip-name",
            "ipv6CidrBlockAssociationId": "",
            "ownerId": subnet.text("OwnerId"),
            "tagsAll": tags_of(subnet),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Attributes and tags."""
        flags = ("mapPublicIpOnLaunch", "enableResourceNameDnsARecordOnLaunch")
        self.configure(site, ident, new.with_members(**{key: new.flag(key) for key in flags}))
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteSubnet``."""
        del state
        site.find(("InvalidSubnetID.NotFound",), "ec2", "delete_subnet", SubnetId=ident)


class InternetGateway(ResourceType):
    """A network's way to the internet."""

    type_name = "aws:ec2/internetGateway:InternetGateway"
    properties = declared({"tags": kept(), "vpcId": kept()})

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateInternetGateway``."""
        answer = site.call(
            "ec2",
            "create_internet_gateway",
            TagSpecifications=tag_specification("internet-gateway", inputs),
        )
        return answer.doc("InternetGateway").text("InternetGatewayId")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Attaches the gateway to its network."""
        _attach(site, ident, None, inputs.maybe_text("vpcId"))

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeInternetGateways``."""
        del state
        found = find_one(
            site,
            "describe_internet_gateways",
            "InternetGateways",
            "InternetGatewayIds",
            ident,
        )
        if found is None:
            return None
        attached = found.docs("Attachments")
        return {
            "arn": arn(site, "internet-gateway", ident),
            "vpcId": attached[0].text("VpcId") if attached else "",
            "ownerId": found.text("OwnerId"),
            "tagsAll": tags_of(found),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Moves the gateway to another network; changes tags."""
        _attach(site, ident, old.maybe_text("vpcId"), new.maybe_text("vpcId"))
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """Detaches, then ``DeleteInternetGateway``."""
        found = self.read(site, ident, state)
        if found is None:
            return
        _attach(site, ident, Doc(found).maybe_text("vpcId"), None)
        site.call("ec2", "delete_internet_gateway", InternetGatewayId=ident)


def _attribute(site: Site, ident: str, attribute: str, member: str) -> bool:
    answer = site.call("ec2", "describe_vpc_attribute", VpcId=ident, Attribute=attribute)
    return answer.doc(member).flag("Value")


def _attach(site: Site, ident: str, old: str | None, new: str | None) -> None:
    if old == new:
        return
    if old:
        site.call("ec2", "detach_internet_gateway", InternetGatewayId=ident, VpcId=old)
    if new:
        site.call("ec2", "attach_internet_gateway", InternetGatewayId=ident, VpcId=new)
