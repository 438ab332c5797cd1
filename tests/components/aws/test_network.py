from ipaddress import IPv4Network

import pytest

from components.aws.network import NetworkArgs
from holdfast.errors import ConfigurationError
from tests.components.stacks import STACKS, preview

ANYWHERE = "0.0.0.0/0"


@pytest.mark.parametrize("stack", STACKS)
def test_subnets_lie_in_their_network_and_overlap_nowhere(stack: str) -> None:
    graph = preview(stack)
    networks = {
        node.region: IPv4Network(str(node.inputs["cidrBlock"]))
        for node in graph.of_type("aws:ec2/vpc:Vpc")
    }
    seen: list[IPv4Network] = []
    for node in graph.of_type("aws:ec2/subnet:Subnet"):
        subnet = IPv4Network(str(node.inputs["cidrBlock"]))
        assert subnet.subnet_of(networks[node.region])
        assert not any(subnet.overlaps(other) for other in seen)
        seen.append(subnet)


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_load_balancer_lets_the_world_in_and_only_on_its_port(stack: str) -> None:
    rules = preview(stack).of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    open_ports = {
        (node.name, node.inputs["fromPort"], node.inputs["toPort"])
        for node in rules
        if "cidrIpv4" in node.inputs or "cidrIpv6" in node.inputs
    }
    regions = {node.region for node in rules}
    assert open_ports == {(f"{region}-network-users", 443, 443) for region in regions}


@pytest.mark.parametrize("stack", STACKS)
def test_only_agents_reach_the_limiter(stack: str) -> None:
    rules = preview(stack).of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    reaching = {node.name for node in rules if node.inputs["fromPort"] == 6379}
    assert reaching == {f"{node.region}-network-agents-limiter" for node in rules}
    for node in rules:
        if node.name in reaching:
            sources = node.property_dependencies["referencedSecurityGroupId"]
            assert all(urn.endswith("-network-agents") for urn in sources if "SecurityGroup" in urn)


def test_private_subnets_have_no_way_out() -> None:
    for route in preview("prod").of_type("aws:ec2/route:Route"):
        assert route.inputs["destinationCidrBlock"] == ANYWHERE
        tables = [urn for urn in route.property_dependencies["routeTableId"] if "Table" in urn]
        assert [urn.rpartition("-")[2] for urn in tables] == ["public"]


@pytest.mark.parametrize("stack", STACKS)
def test_a_load_balancer_comes_after_the_gateway_and_goes_before_it(stack: str) -> None:
    graph = preview(stack)
    for balancer in graph.of_type("aws:lb/loadBalancer:LoadBalancer"):
        subnets = [urn for urn in balancer.dependencies if ":Subnet::" in urn]
        assert subnets
        for urn in subnets:
            gateways = [link for link in graph.by_urn[urn].dependencies if "Gateway::" in link]
            assert [graph.by_urn[gateway].region for gateway in gateways] == [balancer.region]


@pytest.mark.parametrize("stack", STACKS)
def test_data_and_coordination_never_leave_the_network(stack: str) -> None:
    graph = preview(stack)
    endpoints = [
        node
        for node in graph.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
        if node.inputs["vpcEndpointType"] == "Gateway"
    ]
    expected = {
        f"com.amazonaws.{node.region}.{service}"
        for node in graph.of_type("aws:ec2/vpc:Vpc")
        for service in ("dynamodb", "s3")
    }
    assert {str(node.inputs["serviceName"]) for node in endpoints} == expected
    for node in endpoints:
        tables = {
            urn.rpartition("-")[2]
            for urn in node.property_dependencies["routeTableIds"]
            if urn.rpartition("-")[2] in {"public", "private"}
        }
        assert tables == {"public", "private"}


@pytest.mark.parametrize(("services", "public"), [((), False), (("ssm",), True)])
def test_agents_that_would_reach_nothing_or_pay_for_nothing_are_refused(
    services: tuple[str, ...],
    public: bool,  # noqa: FBT001
) -> None:
    with pytest.raises(ConfigurationError, match=r"interface endpoints\. Allowed are"):
        NetworkArgs(
            region="eu-west-1",
            cidr=IPv4Network("10.0.0.0/16"),
            public_subnets={},
            private_subnets={},
            ingress_port=443,
            agent_port=8443,
            limiter_port=6379,
            endpoint_services=services,
            agents_are_public=public,
            tags={},
        )
