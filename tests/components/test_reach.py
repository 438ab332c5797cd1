"""Agents reach everything that they are told of, from everywhere that they are told to run."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import yaml

from holdfast.graph import Graph, Node, run
from tests.components.fake_cloud import FakeCloud
from tests.components.promises import given
from tests.components.reach import faults, places, services
from tests.components.stacks import KEY, ROOT, SHAPES, STACKS, deployed

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/Pulumi.prod.yaml"))
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@cache
def example(name: str) -> Graph:
    """A shipped example after a cloud has answered everything."""
    file = ROOT / "examples" / name / "Pulumi.prod.yaml"
    platform = yaml.safe_load(file.read_text(encoding="utf-8"))["config"][KEY]
    return run(ROOT, "prod", provider=FakeCloud(), config={KEY: json.dumps(platform)})


@pytest.mark.parametrize("stack", [*STACKS, *SHAPES])
def test_agents_of_every_stack_reach_all_that_their_contract_and_role_name(stack: str) -> None:
    graph = deployed(stack)
    assert {place.region for place in places(graph)} == {
        str(node.region) for node in graph.of_type("aws:ec2/vpc:Vpc")
    }
    assert faults(graph) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_agents_of_every_example_do_so_too(name: str) -> None:
    assert places(example(name))
    assert faults(example(name)) == []


def test_what_is_named_is_more_than_tables_and_buckets() -> None:
    assert services(deployed("prod"), "eu-west-1") == {
        "bedrock-runtime", "dynamodb", "eks-auth", "kms", "monitoring", "s3", "secretsmanager",
        "ssm", "sts",
    }  # fmt: skip
    assert "bedrock-runtime" not in services(deployed("test"), "eu-west-1"), "its model is mocked"


def test_dev_says_that_its_agents_are_public_and_pays_for_no_endpoint() -> None:
    assert {place.network for place in places(deployed("dev"))} == {"public"}
    assert all("-public-" in place.subnet for place in places(deployed("dev")))
    kinds = {str(node.inputs["vpcEndpointType"]) for node in deployed("dev").of_type(ENDPOINT)}
    assert kinds == {"Gateway"}


def gone(node: Node) -> None:
    del node


def broken(stack: str, token: str, end: str, fault: Callable[[Node], Node | None]) -> list[str]:
    """Faults of a stack with one mistake in the first resource whose name ends so."""
    graph = deployed(stack)
    victim = next(node for node in graph.of_type(token) if node.name.endswith(end))
    nodes = (fault(victim) if node is victim else node for node in graph.nodes)
    return faults(replace(graph, nodes=tuple(node for node in nodes if node is not None)))


CLOSED = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]})
MISTAKES = [
    ("prod", ENDPOINT, "network-ssm", gone, "ssm: no endpoint"),
    ("prod", ENDPOINT, "network-dynamodb", gone, "dynamodb: no endpoint"),
    ("prod", ENDPOINT, "network-bedrock-runtime", gone, "bedrock-runtime: no endpoint"),
    ("prod", ENDPOINT, "network-sts", given(privateDnsEnabled=False), "sts: no endpoint"),
    ("prod", ENDPOINT, "network-kms", given(policy=CLOSED), "kms: its endpoint's document"),
    ("prod", ENDPOINT, "network-s3", given(policy=CLOSED), "s3: its endpoint's document"),
    ("prod", ENDPOINT, "network-ssm", given(subnetIds=[]), "ssm: its endpoint has no address"),
    ("prod", ENDPOINT, "network-s3", given(routeTableIds=[]), "s3: no endpoint"),
    ("prod", ENDPOINT, "network-ssm", given(securityGroupIds=[]), "ssm: its endpoint's groups"),
    ("prod", INGRESS, "-agents-endpoints", gone, "ssm: its endpoint's groups let no agent in"),
    ("prod", INGRESS, "-agents-limiter", gone, "the limiter: its groups let no agent in"),
    ("prod", EGRESS, "-agents-limiter", gone, "the limiter: the agents' group"),
    ("prod", EGRESS, "-agents-https", gone, "monitoring: the agents' group lets no HTTPS out"),
    ("prod", EGRESS, "-agents-dns-network-udp", gone, "its resolver: the agents' group"),
    ("prod", EGRESS, "-agents-dns-network-tcp", gone, "its resolver: the agents' group"),
    ("prod", EGRESS, "-agents-dns-link-udp", gone, "its resolver: the agents' group"),
    ("prod", "aws:ec2/vpc:Vpc", "", given(enableDnsSupport=False), "its resolver: the network"),
    ("prod", "aws:ec2/vpc:Vpc", "", given(enableDnsHostnames=False), "ssm: private DNS needs"),
    ("dev", "aws:ec2/route:Route", "", gone, "ssm: no endpoint, and no route"),
    ("dev", "aws:ec2/internetGateway:InternetGateway", "", gone, "ssm: no endpoint, and no route"),
    (
        "dev",
        "aws:ec2/subnet:Subnet",
        "public-us-east-1a",
        given(mapPublicIpOnLaunch=False),
        "no public address",
    ),
    ("dev", EGRESS, "-agents-https", gone, "ssm: the agents' group lets no HTTPS out"),
]


@pytest.mark.parametrize(
    ("stack", "token", "end", "fault", "expected"),
    MISTAKES,
    ids=[
        f"{stack}-{token.rpartition(':')[2]}{end}-{why}" for stack, token, end, _, why in MISTAKES
    ],
)
def test_a_way_that_is_cut_is_found(
    stack: str, token: str, end: str, fault: Callable[[Node], Node | None], expected: str
) -> None:
    found = broken(stack, token, end, fault)
    assert any(expected in line for line in found), found
