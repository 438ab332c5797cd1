"""What examples refer to, and what an example is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Doc, Json, Object

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Principal": {"Service": ["s3.amazonaws.com"]},
            }
        ],
    }
)
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
ALLOW_LESS = ALLOW.replace("s3:*", "s3:Get*")
TAGS = {"holdfast:project": "test", "kept": "yes"}
OTHER_TAGS = {"holdfast:project": "test", "new": "tag"}


@dataclass(frozen=True)
class World:
    """Ids and ARNs that examples refer to, by short name."""

    names: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.names[name]


NOWHERE = World(
    {
        name: name
        for name in (
            "key",
            "vpc",
            "subnet-a",
            "subnet-b",
            "group",
            "peer",
            "gateway",
            "routes",
            "routes-2",
            "balancer",
            "targets",
            "role",
            "role-arn",
            "policy",
            "topic",
            "zone",
            "check",
            "secret",
            "subnets",
            "parameters",
            "table",
            "bucket",
            "copy",
            "plain",
        )
    }
)
"""Every name standing for itself, for what needs no emulator."""


@dataclass(frozen=True)
class Example:
    """What a program could say of a resource, and what it could say next."""

    inputs: Callable[[World], dict[str, Json]]
    edit: Mapping[str, Json] = field(default_factory=dict[str, Json])
    without: tuple[str, ...] = ()

    def edited(self, world: World) -> Object:
        kept = {key: item for key, item in self.inputs(world).items() if key not in self.without}
        return {**kept, **self.edit}


def build_world(provider: Provider) -> tuple[World, list[tuple[str, str, Object]]]:
    """Makes what examples refer to; also what to delete, last made first."""
    maker = Maker(provider)
    make_network(maker)
    make_services(maker)
    return World(maker.names), maker.made


class Maker:
    """Makes resources and remembers them by short name."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.names: dict[str, str] = {}
        self.made: list[tuple[str, str, Object]] = []

    def __call__(self, short: str, token: str, output: str, **inputs: Json) -> None:
        checked = self._provider.check(token, f"world-{short}", {}, inputs, short.encode())
        assert not checked.failures, checked.failures
        ident, state = self._provider.create(token, checked.inputs)
        self.names[short] = ident if output == "id" else Doc(state).text(output)
        self.made.insert(0, (token, ident, state))


def make_network(make: Maker) -> None:
    """What lies in a network, and the key."""
    names = make.names
    make("key", "aws:kms/key:Key", "arn")
    make("vpc", "aws:ec2/vpc:Vpc", "id", cidrBlock="10.7.0.0/16", enableDnsHostnames=True)
    for name, zone, block in (
        ("a", "us-east-1a", "10.7.0.0/24"),
        ("b", "us-east-1b", "10.7.1.0/24"),
    ):
        make(
            f"subnet-{name}",
            "aws:ec2/subnet:Subnet",
            "id",
            vpcId=names["vpc"],
            cidrBlock=block,
            availabilityZone=zone,
        )
    make("group", "aws:ec2/securityGroup:SecurityGroup", "id", vpcId=names["vpc"])
    make("peer", "aws:ec2/securityGroup:SecurityGroup", "id", vpcId=names["vpc"])
    make("gateway", "aws:ec2/internetGateway:InternetGateway", "id", vpcId=names["vpc"])
    make("routes", "aws:ec2/routeTable:RouteTable", "id", vpcId=names["vpc"])
    make("routes-2", "aws:ec2/routeTable:RouteTable", "id", vpcId=names["vpc"])
    make(
        "balancer",
        "aws:lb/loadBalancer:LoadBalancer",
        "arn",
        loadBalancerType="network",
        subnets=[names["subnet-a"]],
    )
    make(
        "targets",
        "aws:lb/targetGroup:TargetGroup",
        "arn",
        vpcId=names["vpc"],
        port=80,
        protocol="TCP",
        targetType="ip",
    )


def make_services(make: Maker) -> None:
    """What lies in no network."""
    names = make.names
    make("role", "aws:iam/role:Role", "id", assumeRolePolicy=TRUST)
    names["role-arn"] = f"arn:aws:iam::000000000000:role/{names['role']}"
    make("policy", "aws:iam/policy:Policy", "arn", policy=ALLOW)
    make("topic", "aws:sns/topic:Topic", "arn")
    make("zone", "aws:route53/zone:Zone", "id", name="world.test")
    make("check", "aws:route53/healthCheck:HealthCheck", "id", type="TCP", fqdn="x.test", port=1)
    make("secret", "aws:secretsmanager/secret:Secret", "arn", recoveryWindowInDays=0)
    make(
        "subnets",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "id",
        subnetIds=[names["subnet-a"], names["subnet-b"]],
    )
    make("parameters", "aws:elasticache/parameterGroup:ParameterGroup", "id", family="valkey8")
    make(
        "table",
        "aws:dynamodb/table:Table",
        "id",
        billingMode="PAY_PER_REQUEST",
        hashKey="pk",
        rangeKey="sk",
        attributes=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "N"}],
    )
    make("plain", "aws:s3/bucket:Bucket", "id")
    for name, region in (("bucket", "us-east-1"), ("copy", "us-west-2")):
        make(name, "aws:s3/bucket:Bucket", "id", region=region)
        make(
            f"{name}-versions",
            "aws:s3/bucketVersioning:BucketVersioning",
            "id",
            region=region,
            bucket=names[name],
            versioningConfiguration={"status": "Enabled"},
        )
