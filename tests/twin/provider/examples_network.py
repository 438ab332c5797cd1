"""Examples of networks, load balancers and DNS."""

from collections.abc import Mapping

from holdfast.twin.provider.values import Json
from tests.twin.provider.world import ALLOW, ALLOW_LESS, OTHER_TAGS, TAGS, Example, World


def _balancer(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "loadBalancerType": "network",
        "internal": True,
        "ipAddressType": "ipv4",
        "subnets": [world["subnet-a"], world["subnet-b"]],
        "securityGroups": [world["group"]],
        "enableCrossZoneLoadBalancing": True,
        "enableDeletionProtection": True,
        "enableZonalShift": True,
        "dnsRecordClientRoutingPolicy": "availability_zone_affinity",
        "tags": TAGS,
    }


def _application_balancer(world: World) -> dict[str, Json]:
    return {
        "subnets": [world["subnet-a"], world["subnet-b"]],
        "clientKeepAlive": 600,
        "desyncMitigationMode": "strictest",
        "dropInvalidHeaderFields": True,
        "enableHttp2": False,
        "idleTimeout": 90,
        "preserveHostHeader": True,
    }


def _targets(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "vpcId": world["vpc"],
        "targetType": "ip",
        "protocol": "TCP",
        "port": 8443,
        "connectionTermination": True,
        "deregistrationDelay": 30,
        "healthCheck": {
            "enabled": True,
            "protocol": "HTTPS",
            "path": "/healthz",
            "port": "9000",
            "matcher": "200",
            "interval": 10,
            "timeout": 6,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
        "loadBalancingCrossZoneEnabled": "true",
        "preserveClientIp": "false",
        "proxyProtocolV2": True,
        "targetHealthStates": [
            {"enableUnhealthyConnectionTermination": False, "unhealthyDrainingInterval": 60}
        ],
        "tags": TAGS,
    }


def _http_targets(world: World) -> dict[str, Json]:
    return {
        "vpcId": world["vpc"],
        "protocol": "HTTP",
        "port": 80,
        "slowStart": 60,
        "loadBalancingAlgorithmType": "weighted_random",
        "loadBalancingAnomalyMitigation": "on",
    }


def _weighted(world: World, **policy: Json) -> dict[str, Json]:
    return {
        "zoneId": world["zone"],
        "name": "eu.world.test",
        "type": "CNAME",
        "ttl": 10,
        "records": ["one.test"],
        "setIdentifier": "one",
        "healthCheckId": world["check"],
        **policy,
    }


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "aws:ec2/internetGateway:InternetGateway": (
        Example(lambda world: {"vpcId": world["vpc"], "tags": TAGS}, edit={"tags": OTHER_TAGS}),
    ),
    "aws:ec2/route:Route": (
        Example(
            lambda world: {
                "routeTableId": world["routes"],
                "destinationCidrBlock": "0.0.0.0/0",
                "gatewayId": world["gateway"],
            },
        ),
        Example(
            lambda world: {
                "routeTableId": world["routes"],
                "destinationCidrBlock": "192.168.0.0/16",
                "natGatewayId": "nat-1",
            },
            edit={"natGatewayId": "nat-2"},
        ),
    ),
    "aws:ec2/routeTable:RouteTable": (
        Example(lambda world: {"vpcId": world["vpc"], "tags": TAGS}, edit={"tags": OTHER_TAGS}),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        Example(
            lambda world: {"subnetId": world["subnet-a"], "routeTableId": world["routes"]},
        ),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        Example(
            lambda world: {
                "name": "examples",
                "description": "an example",
                "vpcId": world["vpc"],
                "revokeRulesOnDelete": True,
                "tags": TAGS,
            },
            edit={"tags": OTHER_TAGS},
        ),
    ),
    "aws:ec2/subnet:Subnet": (
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "cidrBlock": "10.7.9.0/24",
                "availabilityZone": "us-east-1c",
                "availabilityZoneId": "use1-az3",
                "mapPublicIpOnLaunch": True,
                "enableResourceNameDnsARecordOnLaunch": True,
                "privateDnsHostnameTypeOnLaunch": "resource-name",
                "tags": TAGS,
            },
            edit={"mapPublicIpOnLaunch": False, "tags": OTHER_TAGS},
        ),
    ),
    "aws:ec2/vpc:Vpc": (
        Example(
            lambda _: {
                "cidrBlock": "10.8.0.0/16",
                "enableDnsHostnames": True,
                "enableDnsSupport": True,
                "instanceTenancy": "dedicated",
                "tags": TAGS,
            },
            edit={"enableDnsHostnames": False, "tags": OTHER_TAGS},
        ),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "serviceName": "com.amazonaws.us-east-1.s3",
                "vpcEndpointType": "Gateway",
                "routeTableIds": [world["routes"], world["routes-2"]],
                "policy": ALLOW,
                "tags": TAGS,
            },
            edit={"policy": ALLOW_LESS, "tags": OTHER_TAGS},
        ),
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "serviceName": "com.amazonaws.us-east-1.kms",
                "vpcEndpointType": "Interface",
                "subnetIds": [world["subnet-a"], world["subnet-b"]],
                "securityGroupIds": [world["group"], world["peer"]],
                "policy": ALLOW,
                "privateDnsEnabled": True,
            },
            edit={"policy": ALLOW_LESS, "privateDnsEnabled": False},
        ),
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "serviceName": "com.amazonaws.us-east-1.sts",
                "vpcEndpointType": "Interface",
                "subnetIds": [world["subnet-a"]],
                "securityGroupIds": [world["group"]],
                "policy": ALLOW,
                "privateDnsEnabled": True,
            },
            # What the program falls silent about stays, as the AWS provider has it.
            without=("policy", "privateDnsEnabled", "securityGroupIds", "subnetIds"),
        ),
    ),
    "aws:lb/listener:Listener": (
        Example(
            lambda world: {
                "loadBalancerArn": world["balancer"],
                "protocol": "TCP",
                "port": 443,
                "defaultActions": [{"type": "forward", "targetGroupArn": world["targets"]}],
                "tcpIdleTimeoutSeconds": 100,
                "tags": TAGS,
            },
            edit={"port": 8443, "tcpIdleTimeoutSeconds": 200, "tags": OTHER_TAGS},
        ),
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        Example(_balancer, edit={"enableDeletionProtection": False, "tags": OTHER_TAGS}),
        Example(_application_balancer, edit={"idleTimeout": 30}),
    ),
    "aws:lb/targetGroup:TargetGroup": (
        Example(_targets, edit={"deregistrationDelay": 60, "tags": OTHER_TAGS}),
        Example(_http_targets, edit={"slowStart": 90}),
    ),
    "aws:route53/healthCheck:HealthCheck": (
        Example(
            lambda _: {
                "type": "HTTPS_STR_MATCH",
                "fqdn": "one.test",
                "ipAddress": "192.0.2.1",
                "port": 443,
                "resourcePath": "/healthz",
                "searchString": "ok",
                "requestInterval": 10,
                "failureThreshold": 2,
                "enableSni": True,
                "referenceName": "example",
                "triggers": {"a": "b"},
                "tags": TAGS,
            },
            edit={
                "enableSni": False,
                "failureThreshold": 5,
                "resourcePath": "/live",
                "tags": OTHER_TAGS,
            },
        ),
        Example(
            lambda _: {
                "type": "HTTPS",
                "fqdn": "one.test",
                "port": 443,
                "requestInterval": 30,
                "enableSni": False,
            },
            edit={"enableSni": True},
        ),
        Example(
            lambda _: {
                "type": "HTTPS",
                "fqdn": "one.test",
                "port": 443,
                "requestInterval": 30,
                "enableSni": False,
            },
            without=("enableSni",),
        ),
    ),
    "aws:route53/record:Record": (
        Example(
            lambda world: _weighted(
                world,
                allowOverwrite=True,
                latencyRoutingPolicies=[{"region": "eu-west-1"}],
            ),
            edit={"ttl": 600, "records": ["two.test"], "setIdentifier": "two"},
        ),
        Example(
            lambda world: _weighted(world, failoverRoutingPolicies=[{"type": "PRIMARY"}]),
            edit={"failoverRoutingPolicies": [{"type": "SECONDARY"}]},
        ),
        Example(lambda world: _weighted(world, weightedRoutingPolicies=[{"weight": 5}])),
        Example(
            lambda world: _weighted(world, geolocationRoutingPolicies=[{"continent": "EU"}]),
        ),
        Example(
            lambda world: {
                **_weighted(world, multivalueAnswerRoutingPolicy=True),
                "type": "A",
                "records": ["192.0.2.1"],
            },
        ),
        Example(
            lambda world: {
                "zoneId": world["zone"],
                "name": "alias",
                "type": "A",
                "aliases": [
                    {"name": "one.test", "zoneId": "Z1", "evaluateTargetHealth": True},
                ],
            },
        ),
    ),
    "aws:route53/zone:Zone": (
        Example(
            lambda _: {
                "name": "examples.test",
                "comment": "an example",
                "forceDestroy": True,
                "tags": TAGS,
            },
            edit={"comment": "edited", "tags": OTHER_TAGS},
        ),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "referencedSecurityGroupId": world["peer"],
                "ipProtocol": "tcp",
                "fromPort": 6379,
                "toPort": 6380,
                "description": "an example",
                "tags": TAGS,
            },
            edit={"toPort": 6379, "description": "edited", "tags": OTHER_TAGS},
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv4": "10.0.0.0/8",
                "ipProtocol": "-1",
            },
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv6": "::/0",
                "ipProtocol": "udp",
                "fromPort": 53,
                "toPort": 53,
            },
        ),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "referencedSecurityGroupId": world["peer"],
                "ipProtocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
                "description": "an example",
                "tags": TAGS,
            },
            edit={"fromPort": 80, "tags": OTHER_TAGS},
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv4": "0.0.0.0/0",
                "ipProtocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
            },
            edit={"cidrIpv4": "192.0.2.0/24"},
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv6": "::/0",
                "ipProtocol": "-1",
            },
        ),
    ),
}
