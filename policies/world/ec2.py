"""Networks: what can be reached from where.

The types of the SDK's ``ec2`` and ``vpc`` modules, which are one service of AWS.
"""

from typing import Final

from policies.world.kind import FIXED, LABEL, MORE, PRICE, SETTING, TAGS, Kind, alike

_OUTPOST: Final = "an Outpost stands in somebody's cellar, which may be in any country"
_ADDRESSES: Final = "the topology plans addresses, and no two networks overlap: use `cidrBlock`"
_NOWHERE: Final = "it leads to a network that no rule can place"
_LINK: Final = "regions share no link, so that losing one takes nothing from another"

VPC: Final = Kind(
    type="aws:ec2/vpc:Vpc",
    judged={
        "enableDnsHostnames": "network-resolves",
        "enableDnsSupport": "network-resolves",
        "region": "residency-region",
    },
    neutral={
        "tags": TAGS,
        "cidrBlock": FIXED,
        "enableNetworkAddressUsageMetrics": PRICE,
        "instanceTenancy": PRICE,
    },
    refused=alike(
        _ADDRESSES,
        "assignGeneratedIpv6CidrBlock",
        "ipv4IpamPoolId",
        "ipv4NetmaskLength",
        "ipv6CidrBlock",
        "ipv6CidrBlockNetworkBorderGroup",
        "ipv6IpamPoolId",
        "ipv6NetmaskLength",
    ),
)

SUBNET: Final = Kind(
    type="aws:ec2/subnet:Subnet",
    judged={
        "availabilityZone": "subnet-zones",
        "mapPublicIpOnLaunch": "subnet-private",
        "region": "residency-region",
    },
    neutral={
        "tags": TAGS,
        "vpcId": FIXED,
        "cidrBlock": FIXED,
        **alike(
            "names inside the network",
            "enableResourceNameDnsARecordOnLaunch",
            "privateDnsHostnameTypeOnLaunch",
        ),
    },
    refused={
        "availabilityZoneId": "rules spread by zone: use `availabilityZone`",
        **alike(
            _OUTPOST,
            "customerOwnedIpv4Pool",
            "enableLniAtDeviceIndex",
            "mapCustomerOwnedIpOnLaunch",
            "outpostArn",
        ),
        **alike(
            _ADDRESSES,
            "assignIpv6AddressOnCreation",
            "enableDns64",
            "enableResourceNameDnsAaaaRecordOnLaunch",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6CidrBlock",
            "ipv6IpamPoolId",
            "ipv6Native",
            "ipv6NetmaskLength",
        ),
    },
)

INTERNET_GATEWAY: Final = Kind(
    type="aws:ec2/internetGateway:InternetGateway",
    judged={"region": "residency-region"},
    neutral={"tags": TAGS, "vpcId": FIXED},
)

ROUTE: Final = Kind(
    type="aws:ec2/route:Route",
    judged={
        "destinationCidrBlock": "network-routes",
        "gatewayId": "network-routes",
        "routeTableId": "network-routes",
    },
    neutral={"region": SETTING, "natGatewayId": "out only, and back only what was asked for"},
    refused={
        **alike(_ADDRESSES, "destinationIpv6CidrBlock", "egressOnlyGatewayId"),
        "destinationPrefixListId": "a list that somebody else writes: name the addresses",
        **alike(
            _NOWHERE,
            "carrierGatewayId",
            "coreNetworkArn",
            "localGatewayId",
            "networkInterfaceId",
            "odbNetworkArn",
            "vpcEndpointId",
        ),
        **alike(_LINK, "transitGatewayId", "vpcPeeringConnectionId"),
    },
)

ROUTE_TABLE: Final = Kind(
    type="aws:ec2/routeTable:RouteTable",
    judged={"region": "residency-region"},
    neutral={"tags": TAGS, "vpcId": FIXED},
    refused={"routes": "use a Route for each, which rules read", "propagatingVgws": _NOWHERE},
)

ROUTE_TABLE_ASSOCIATION: Final = Kind(
    type="aws:ec2/routeTableAssociation:RouteTableAssociation",
    judged=alike("network-routes", "routeTableId", "subnetId"),
    neutral={"region": SETTING},
    refused={"gatewayId": "what comes in is routed by AWS: leave it out"},
)

SECURITY_GROUP: Final = Kind(
    type="aws:ec2/securityGroup:SecurityGroup",
    judged={"region": "residency-region"},
    neutral={
        "tags": TAGS,
        "vpcId": FIXED,
        **alike(LABEL, "description", "name", "namePrefix"),
        "revokeRulesOnDelete": "how a deployment takes a group away",
    },
    refused={
        "egress": "use a SecurityGroupEgressRule for each, which rules read",
        "ingress": "use a SecurityGroupIngressRule for each, which rules read",
    },
)

_RULE_NEUTRAL: Final = {"tags": TAGS, "description": LABEL, "region": SETTING}
_RULE_REFUSED: Final = {"prefixListId": "a list that somebody else writes: name a group"}

INGRESS_RULE: Final = Kind(
    type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    judged=alike(
        "network-ports",
        "cidrIpv4",
        "cidrIpv6",
        "fromPort",
        "ipProtocol",
        "referencedSecurityGroupId",
        "securityGroupId",
        "toPort",
    ),
    neutral=_RULE_NEUTRAL,
    refused=_RULE_REFUSED,
)

EGRESS_RULE: Final = Kind(
    type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    judged=alike(
        "network-ports",
        "cidrIpv4",
        "cidrIpv6",
        "fromPort",
        "ipProtocol",
        "referencedSecurityGroupId",
        "securityGroupId",
        "toPort",
    ),
    neutral=_RULE_NEUTRAL,
    refused=_RULE_REFUSED,
)

VPC_ENDPOINT: Final = Kind(
    type="aws:ec2/vpcEndpoint:VpcEndpoint",
    judged={
        "region": "residency-region",
        **alike(
            "network-endpoints",
            "privateDnsEnabled",
            "routeTableIds",
            "securityGroupIds",
            "subnetIds",
            "vpcEndpointType",
        ),
        "serviceName": "residency-endpoint",
        "serviceRegion": "residency-endpoint",
    },
    neutral={
        "tags": TAGS,
        "vpcId": FIXED,
        **alike(
            "how the service's own name is answered inside the network",
            "dnsOptions.dnsRecordIpType",
            "dnsOptions.privateDnsOnlyForInboundResolverEndpoint",
            "dnsOptions.privateDnsPreference",
            "dnsOptions.privateDnsSpecifiedDomains",
            "ipAddressType",
        ),
        **alike(
            FIXED,
            "subnetConfigurations[].ipv4",
            "subnetConfigurations[].ipv6",
            "subnetConfigurations[].subnetId",
        ),
    },
    refused={
        "autoAccept": "services of AWS need no acceptance, and others are refused",
        "policy": "a document on the way to a store could cut agents off: leave it out",
        **alike(_NOWHERE, "resourceConfigurationArn", "serviceNetworkArn"),
    },
)

EIP: Final = Kind(
    type="aws:ec2/eip:Eip",
    judged={"region": "residency-region"},
    neutral={"tags": TAGS, "domain": FIXED},
    refused={
        **alike(
            "an address of its own makes a machine public: a NAT gateway has one, agents none",
            "associateWithPrivateIp",
            "instance",
            "networkInterface",
        ),
        **alike(_OUTPOST, "customerOwnedIpv4Pool", "networkBorderGroup"),
        **alike(_ADDRESSES, "address", "ipamPoolId", "publicIpv4Pool"),
    },
)

NAT_GATEWAY: Final = Kind(
    type="aws:ec2/natGateway:NatGateway",
    judged={"region": "residency-region"},
    neutral={
        "tags": TAGS,
        **alike(
            FIXED,
            "allocationId",
            "availabilityMode",
            "availabilityZoneAddresses[].allocationIds",
            "availabilityZoneAddresses[].availabilityZone",
            "availabilityZoneAddresses[].availabilityZoneId",
            "connectivityType",
            "privateIp",
            "secondaryAllocationIds",
            "secondaryPrivateIpAddressCount",
            "secondaryPrivateIpAddresses",
            "subnetId",
            "vpcId",
        ),
    },
)

FLOW_LOG: Final = Kind(
    type="aws:ec2/flowLog:FlowLog",
    judged={
        "logDestination": "residency-flow",
        "region": "residency-region",
    },
    neutral={
        "tags": TAGS,
        **alike(
            MORE,
            "destinationOptions.fileFormat",
            "destinationOptions.hiveCompatiblePartitions",
            "destinationOptions.perHourPartition",
            "logFormat",
            "maxAggregationInterval",
            "tagFieldSpecifications[].resourceType",
            "tagFieldSpecifications[].tagKeys",
            "trafficType",
        ),
        **alike("whose packets are recorded", "eniId", "regionalNatGatewayId", "subnetId", "vpcId"),
        "logDestinationType": "which kind of end it is, which the end itself shows",
        "iamRoleArn": "its policies stand in the stack, where rules judge them",
    },
    refused={
        "deliverCrossAccountRole": "records of traffic stay in this account: leave it out",
        **alike(_LINK, "transitGatewayAttachmentId", "transitGatewayId"),
    },
)

KINDS: Final = (
    VPC,
    SUBNET,
    INTERNET_GATEWAY,
    ROUTE,
    ROUTE_TABLE,
    ROUTE_TABLE_ASSOCIATION,
    SECURITY_GROUP,
    INGRESS_RULE,
    EGRESS_RULE,
    VPC_ENDPOINT,
    EIP,
    NAT_GATEWAY,
    FLOW_LOG,
)
