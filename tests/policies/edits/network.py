"""Edits that open networks, or cut agents and users off."""

from typing import Final

from tests.policies.shipped import Harm, adding, removing, setting, together, without

INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::"
EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::"
BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer::"
TARGETS: Final = "aws:lb/targetGroup:TargetGroup::"
LISTENER: Final = "aws:lb/listener:Listener::"
ANYWHERE: Final = "0.0.0.0/0"

_OPENED: Final = (
    Harm(
        name="the limiter's group is open to the world",
        edit=together(
            removing(f"{INGRESS}eu-west-1-network-agents-limiter", "referencedSecurityGroupId"),
            setting(f"{INGRESS}eu-west-1-network-agents-limiter", "cidrIpv4", ANYWHERE),
        ),
        rule="network-ports",
        at="eu-west-1-network-agents-limiter",
    ),
    Harm(
        name="the limiter's group is open to the world over IPv6",
        edit=setting(f"{INGRESS}eu-west-1-network-agents-limiter", "cidrIpv6", "::/0"),
        rule="network-ports",
        at="eu-west-1-network-agents-limiter",
    ),
    Harm(
        name="somebody may log on to agents from an office",
        edit=adding(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "ssh",
            {
                "region": "eu-west-1",
                "ipProtocol": "tcp",
                "fromPort": 22,
                "toPort": 22,
                "cidrIpv4": "203.0.113.0/24",
                "securityGroupId": "sg-1",
            },
            {"securityGroupId": "aws:ec2/securityGroup:SecurityGroup::eu-west-1-network-agents"},
        ),
        rule="network-ports",
        at="ssh",
    ),
    Harm(
        name="a group admits every port",
        edit=together(
            setting(f"{INGRESS}us-east-1-network-ingress-agents", "fromPort", 0),
            setting(f"{INGRESS}us-east-1-network-ingress-agents", "toPort", 65535),
        ),
        rule="network-ports",
        at="us-east-1-network-ingress-agents",
    ),
    Harm(
        name="users reach every port of the load balancer",
        edit=setting(f"{INGRESS}us-east-1-network-users", "ipProtocol", "-1"),
        rule="network-ports",
        at="us-east-1-network-users",
    ),
    Harm(
        name="agents may send anything anywhere",
        edit=setting(f"{EGRESS}us-east-1-network-agents-https", "ipProtocol", "-1"),
        rule="network-ports",
        at="us-east-1-network-agents-https",
    ),
    Harm(
        name="the limiter may call out",
        edit=adding(
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            "out",
            {
                "region": "eu-west-1",
                "ipProtocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
                "cidrIpv4": ANYWHERE,
                "securityGroupId": "sg-1",
            },
            {"securityGroupId": "aws:ec2/securityGroup:SecurityGroup::eu-west-1-network-limiter"},
        ),
        rule="network-ports",
        at="out",
    ),
    Harm(
        name="a rule stands inside a group",
        edit=setting(
            "aws:ec2/securityGroup:SecurityGroup::eu-west-1-network-limiter",
            "ingress",
            [{"protocol": "tcp", "fromPort": 6379, "toPort": 6379, "cidrBlocks": [ANYWHERE]}],
        ),
        rule="environment-property-known",
        at="eu-west-1-network-limiter",
    ),
    Harm(
        name="a rule is written in the old way",
        edit=adding(
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            "old",
            {
                "region": "eu-west-1",
                "type": "ingress",
                "protocol": "-1",
                "fromPort": 0,
                "toPort": 0,
                "cidrBlocks": [ANYWHERE],
                "securityGroupId": "sg-1",
            },
        ),
        rule="environment-type-known",
        at="old",
    ),
    Harm(
        name="the limiter's subnets have a way to the internet",
        edit=adding(
            "aws:ec2/route:Route",
            "way-out",
            {
                "region": "eu-west-1",
                "destinationCidrBlock": ANYWHERE,
                "gatewayId": "igw-1",
                "routeTableId": "rtb-1",
            },
            {
                "gatewayId": "aws:ec2/internetGateway:InternetGateway::eu-west-1-network",
                "routeTableId": "aws:ec2/routeTable:RouteTable::eu-west-1-network-private",
            },
        ),
        rule="network-routes",
        at="way-out",
    ),
    Harm(
        name="a route leads into another network",
        edit=setting(
            "aws:ec2/route:Route::eu-west-1-network-internet", "vpcPeeringConnectionId", "pcx-1"
        ),
        rule="environment-property-known",
        at="eu-west-1-network-internet",
    ),
    Harm(
        name="the networks of two jurisdictions are joined",
        edit=adding(
            "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
            "joined",
            {"region": "eu-west-1", "peerRegion": "us-east-1", "vpcId": "a", "peerVpcId": "b"},
        ),
        rule="environment-type-known",
        at="joined",
    ),
    Harm(
        name="machines get public addresses",
        edit=setting(
            "aws:ec2/subnet:Subnet::eu-west-1-network-private-eu-west-1a",
            "mapPublicIpOnLaunch",
            value=True,
        ),
        rule="subnet-private",
        at="eu-west-1-network-private-eu-west-1a",
    ),
    Harm(
        name="an endpoint of the EU leads to the US",
        edit=setting(
            "aws:ec2/vpcEndpoint:VpcEndpoint::eu-west-1-network-s3",
            "serviceName",
            "com.amazonaws.us-east-1.s3",
        ),
        rule="residency-endpoint",
        at="eu-west-1-network-s3",
    ),
)

_CUT_OFF: Final = (
    Harm(
        name="an access list cuts agents off",
        edit=adding(
            "aws:ec2/networkAcl:NetworkAcl", "acl", {"region": "eu-west-1", "vpcId": "vpc-1"}
        ),
        rule="environment-type-known",
        at="acl",
    ),
    Harm(
        name="agents may not reach the limiter",
        edit=without(f"{EGRESS}eu-west-1-network-agents-limiter"),
        rule="network-connected",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the limiter lets nobody in",
        edit=without(f"{INGRESS}eu-west-1-network-agents-limiter"),
        rule="network-connected",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the load balancer may not reach agents",
        edit=without(f"{EGRESS}eu-west-1-network-ingress-agents"),
        rule="network-connected",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="users may not reach the load balancer",
        edit=without(f"{INGRESS}eu-west-1-network-users"),
        rule="network-connected",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="names are not resolved in a network",
        edit=setting("aws:ec2/vpc:Vpc::eu-west-1-network", "enableDnsSupport", value=False),
        rule="network-resolves",
        at="eu-west-1-network",
    ),
    Harm(
        name="DynamoDB is reached over the internet only",
        edit=without("aws:ec2/vpcEndpoint:VpcEndpoint::eu-west-1-network-dynamodb"),
        rule="network-endpoints",
        at="eu-west-1-network",
    ),
)

_ENDPOINTS: Final = (
    Harm(
        name="a region has no private way to its parameters",
        edit=without("aws:ec2/vpcEndpoint:VpcEndpoint::us-east-1-network-ssm"),
        rule="network-endpoints",
        at="us-east-1-network",
    ),
    Harm(
        name="an endpoint is not asked by the service's name",
        edit=setting(
            "aws:ec2/vpcEndpoint:VpcEndpoint::us-east-1-network-kms",
            "privateDnsEnabled",
            value=False,
        ),
        rule="network-endpoints",
        at="us-east-1-network-kms",
    ),
    Harm(
        name="no agent may connect to the endpoints",
        edit=without(f"{INGRESS}us-east-1-network-agents-endpoints"),
        rule="network-endpoints",
        at="us-east-1-network-*",
    ),
    Harm(
        name="names are asked of somebody else's resolver",
        edit=setting(f"{EGRESS}us-east-1-network-agents-dns-link-udp", "cidrIpv4", "8.8.8.8/32"),
        rule="network-ports",
        at="us-east-1-network-agents-dns-link-udp",
    ),
)

_INGRESS: Final = (
    Harm(
        name="a load balancer is inside",
        edit=setting(f"{BALANCER}eu-west-1-ingress", "internal", value=True),
        rule="ingress-reachable",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="each zone is on its own",
        edit=setting(f"{BALANCER}eu-west-1-ingress", "enableCrossZoneLoadBalancing", value=False),
        rule="ingress-reachable",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="a load balancer can be deleted",
        edit=setting(f"{BALANCER}eu-west-1-ingress", "enableDeletionProtection", value=False),
        rule="ingress-protected",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="the public subnets have no way out",
        edit=without("aws:ec2/route:Route::eu-west-1-network-internet"),
        rule="ingress-reachable",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="a listener ends TLS with a weak policy",
        edit=together(
            setting(f"{LISTENER}eu-west-1-ingress", "protocol", "TLS"),
            setting(f"{LISTENER}eu-west-1-ingress", "sslPolicy", "ELBSecurityPolicy-2016-08"),
        ),
        rule="ingress-listens",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="a listener listens where nobody calls",
        edit=setting(f"{LISTENER}eu-west-1-ingress", "port", 8080),
        rule="ingress-listens",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="agents are not asked how they are",
        edit=setting(f"{TARGETS}eu-west-1-ingress", "healthCheck.enabled", value=False),
        rule="ingress-checked",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="agents are asked elsewhere",
        edit=setting(f"{TARGETS}eu-west-1-ingress", "healthCheck.path", "/"),
        rule="ingress-checked",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="agents that are ill answer well enough",
        edit=setting(f"{TARGETS}eu-west-1-ingress", "healthCheck.matcher", "200-599"),
        rule="ingress-checked",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="agents that are ill are left after an hour",
        edit=setting(f"{TARGETS}eu-west-1-ingress", "healthCheck.interval", 300),
        rule="ingress-checked",
        at="eu-west-1-ingress",
    ),
    Harm(
        name="a zone has a public subnet only",
        edit=without("aws:ec2/*::eu-west-1-network-private-eu-west-1a"),
        rule="subnet-zones",
        at="eu-west-1-network-public-eu-west-1a",
    ),
    Harm(
        name="access logs of the EU lie in the US",
        edit=setting(
            f"{BALANCER}eu-west-1-ingress",
            "accessLogs",
            {"enabled": True, "bucket": "holdfast-prod-us-east-1-objects-123456789012"},
        ),
        rule="residency-flow",
        at="eu-west-1-ingress",
    ),
)

NETWORK_EDITS: Final[tuple[Harm, ...]] = (*_OPENED, *_CUT_OFF, *_ENDPOINTS, *_INGRESS)
