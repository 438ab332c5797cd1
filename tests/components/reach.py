"""Walks from where agents run to what their contract and role name, over a deployed graph alone.

A way is: a name that the network's resolver answers, a group that lets the connection out, a
route, and a group and a document at the other end that let it in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from typing import cast

from holdfast.contract import Platform
from holdfast.graph import Graph, Node, Value

HTTPS = 443
DNS = 53
ANYWHERE = IPv4Network("0.0.0.0/0")
LINK_LOCAL_RESOLVER = "169.254.169.253"
ENDPOINTS = {"cloudwatch": "monitoring"}
"""Endpoint services that are not called as the actions of their API begin."""

EC2 = "aws:ec2/"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@dataclass(frozen=True)
class Place:
    """One subnet that agents are told to run in.

    Attributes:
        region: AWS name.
        subnet: Id.
        group: Id of the agents' security group.
        network: What the stack says of it: ``public`` or ``private-endpoints``.
    """

    region: str
    subnet: str
    group: str
    network: str


def places(graph: Graph) -> list[Place]:
    """Every place that the stack tells agents to run in."""
    told = cast("Mapping[str, Mapping[str, object]]", graph.outputs["agent_places"])
    return [
        Place(region, subnet, str(place["security_group_id"]), str(place["network"]))
        for region, place in told.items()
        for subnet in cast("Sequence[str]", place["subnet_ids"])
    ]


def services(graph: Graph, region: str) -> frozenset[str]:
    """AWS services that the contract and the agents' role name for a region, by endpoint."""
    platform = Platform.model_validate(graph.outputs["platform"])
    jurisdiction = platform.jurisdiction_of_region(region)
    assert jurisdiction is not None
    # The contract itself is a parameter; tables and buckets stand in it by name.
    named = {"ssm", "dynamodb", "s3"}
    named.add(jurisdiction.regions[region].limiter.secret_arn.split(":")[2])
    if not platform.agents.model.mocked:
        named.add("bedrock-runtime")
    (role,) = (
        node
        for node in graph.of_type("aws:iam/role:Role")
        if node.outputs["arn"] == jurisdiction.agent_role_arn
    )
    statements = list(_statements(role.inputs["assumeRolePolicy"]))
    if any("pods.eks.amazonaws.com" in str(found["Principal"]) for found in statements):
        named.add("eks-auth")
    for policy in graph.of_type("aws:iam/rolePolicy:RolePolicy"):
        if policy.inputs["role"] in (role.inputs["name"], role.id):
            statements += _statements(policy.inputs["policy"])
    for statement in statements:
        if statement["Effect"] == "Allow":
            named |= {action.partition(":")[0] for action in _list(statement["Action"])}
    return frozenset(ENDPOINTS.get(name, name) for name in named)


def faults(graph: Graph) -> list[str]:
    """What an agent could not reach, one line each: where from, what, and why not."""
    found: list[str] = []
    for place in places(graph):
        walk = _Walk(graph, place)
        for what, why in walk.blocked(services(graph, place.region)):
            found.append(f"{place.subnet} -> {what}: {why}")
    return found


class _Walk:
    """All ways out of one place."""

    def __init__(self, graph: Graph, place: Place) -> None:
        self._graph = graph
        self._place = place
        self._subnet = self._by_id(f"{EC2}subnet:Subnet", place.subnet)
        self._network = self._by_id(f"{EC2}vpc:Vpc", str(self._subnet.inputs["vpcId"]))

    def blocked(self, named: frozenset[str]) -> Iterator[tuple[str, str]]:
        """What is out of reach, and why."""
        if why := self._no_dns():
            yield "its resolver", why
        for service in sorted(named):
            if why := self._no_way(service):
                yield service, why
        if why := self._no_limiter():
            yield "the limiter", why

    def _no_dns(self) -> str | None:
        if self._network.inputs.get("enableDnsSupport") is not True:
            return "the network has no resolver"
        block = IPv4Network(str(self._network.inputs["cidrBlock"]))
        for address in (str(block[2]), LINK_LOCAL_RESOLVER):
            for protocol in ("udp", "tcp"):
                if not self._lets_out(protocol, DNS, IPv4Network(address), ()):
                    return f"the agents' group lets nothing out to {address} by {protocol}"
        return None

    def _no_way(self, service: str) -> str | None:
        """Why a service is out of reach: by interface, by gateway or over the internet."""
        name = f"com.amazonaws.{self._place.region}.{service}"
        here = [
            node
            for node in self._graph.of_type(f"{EC2}vpcEndpoint:VpcEndpoint")
            if node.inputs["vpcId"] == self._network.id and node.inputs["serviceName"] == name
        ]
        for endpoint in here:
            # Where its private DNS is on, nobody in the network gets another address.
            answers = endpoint.inputs.get("privateDnsEnabled") is True
            if endpoint.inputs["vpcEndpointType"] == "Interface" and answers:
                return self._not_by_interface(endpoint, service)
        for endpoint in here:
            tables = _list(endpoint.inputs.get("routeTableIds") or [])
            if endpoint.inputs["vpcEndpointType"] == "Gateway" and self._table() in tables:
                if not self._lets_out("tcp", HTTPS, ANYWHERE, ()):
                    return "the agents' group lets no HTTPS out"
                return _document_fault(endpoint, service)
        return self._not_by_internet()

    def _not_by_interface(self, endpoint: Node, service: str) -> str | None:
        if self._network.inputs.get("enableDnsHostnames") is not True:
            return "private DNS needs the network's host names"
        groups = _list(endpoint.inputs.get("securityGroupIds") or [])
        subnets = [
            self._by_id(f"{EC2}subnet:Subnet", ident)
            for ident in _list(endpoint.inputs.get("subnetIds") or [])
        ]
        zone = self._subnet.inputs["availabilityZone"]
        if zone not in [subnet.inputs["availabilityZone"] for subnet in subnets]:
            return f"its endpoint has no address in {zone}, whose loss of others must not matter"
        if not any(self._let_in(group, HTTPS) for group in groups):
            return "its endpoint's groups let no agent in"
        for subnet in subnets:
            block = IPv4Network(str(subnet.inputs["cidrBlock"]))
            if not self._lets_out("tcp", HTTPS, block, groups):
                return f"the agents' group lets no HTTPS out to {block}"
        return _document_fault(endpoint, service)

    def _not_by_internet(self) -> str | None:
        gateways = [
            node.id
            for node in self._graph.of_type(f"{EC2}internetGateway:InternetGateway")
            if node.inputs["vpcId"] == self._network.id
        ]
        routed = any(
            route.inputs["routeTableId"] == self._table()
            and route.inputs["destinationCidrBlock"] == str(ANYWHERE)
            and route.inputs.get("gatewayId") in gateways
            for route in self._graph.of_type(f"{EC2}route:Route")
        )
        if not routed:
            return "no endpoint, and no route to the internet"
        if self._subnet.inputs.get("mapPublicIpOnLaunch") is not True:
            return "a route to the internet, and no public address"
        if not self._lets_out("tcp", HTTPS, ANYWHERE, ()):
            return "the agents' group lets no HTTPS out"
        return None

    def _no_limiter(self) -> str | None:
        (cluster,) = (
            node
            for node in self._graph.of_type("aws:elasticache/replicationGroup:ReplicationGroup")
            if node.region == self._place.region
        )
        (members,) = (
            node
            for node in self._graph.of_type("aws:elasticache/subnetGroup:SubnetGroup")
            if node.region == self._place.region
            and node.inputs["name"] == cluster.inputs["subnetGroupName"]
        )
        port = int(str(cluster.inputs["port"]))
        groups = _list(cluster.inputs["securityGroupIds"])
        if not any(self._let_in(group, port) for group in groups):
            return "its groups let no agent in"
        for ident in _list(members.inputs["subnetIds"]):
            subnet = self._by_id(f"{EC2}subnet:Subnet", ident)
            if subnet.inputs["vpcId"] != self._network.id:
                return "it stands in another network"
            block = IPv4Network(str(subnet.inputs["cidrBlock"]))
            if not self._lets_out("tcp", port, block, groups):
                return f"the agents' group lets nothing out to {block} on {port}"
        return None

    def _lets_out(
        self, protocol: str, port: int, block: IPv4Network, groups: Sequence[str]
    ) -> bool:
        return any(
            _fits(rule, protocol, port)
            and (
                rule.inputs.get("referencedSecurityGroupId") in groups
                or _covers(rule.inputs.get("cidrIpv4"), block)
            )
            for rule in self._rules(EGRESS, self._place.group)
        )

    def _let_in(self, group: str, port: int) -> bool:
        mine = IPv4Network(str(self._subnet.inputs["cidrBlock"]))
        return any(
            _fits(rule, "tcp", port)
            and (
                rule.inputs.get("referencedSecurityGroupId") == self._place.group
                or _covers(rule.inputs.get("cidrIpv4"), mine)
            )
            for rule in self._rules(INGRESS, group)
        )

    def _rules(self, token: str, group: str) -> Iterator[Node]:
        for node in self._graph.of_type(token):
            if node.region == self._place.region and node.inputs["securityGroupId"] == group:
                yield node

    def _table(self) -> str:
        (association,) = (
            node
            for node in self._graph.of_type(f"{EC2}routeTableAssociation:RouteTableAssociation")
            if node.inputs["subnetId"] == self._place.subnet
        )
        return str(association.inputs["routeTableId"])

    def _by_id(self, token: str, ident: str) -> Node:
        (node,) = (node for node in self._graph.of_type(token) if node.id == ident)
        return node


def _fits(rule: Node, protocol: str, port: int) -> bool:
    if rule.inputs["ipProtocol"] == "-1":
        return True
    ports = [int(str(rule.inputs[key])) for key in ("fromPort", "toPort")]
    return rule.inputs["ipProtocol"] == protocol and ports[0] <= port <= ports[1]


def _covers(block: Value, inner: IPv4Network) -> bool:
    return isinstance(block, str) and inner.subnet_of(IPv4Network(block))


def _document_fault(endpoint: Node, service: str) -> str | None:
    """Why an endpoint's own document keeps agents out. It has none, unless given one."""
    if not endpoint.inputs.get("policy"):
        return None
    prefix = {name: action for action, name in ENDPOINTS.items()}.get(service, service)
    touching = [
        (statement["Effect"], "Condition" in statement)
        for statement in _statements(endpoint.inputs["policy"])
        if any(
            fnmatchcase(f"{prefix}:Any", action) or action.startswith(f"{prefix}:")
            for action in _list(statement["Action"])
        )
    ]
    if ("Allow", False) not in touching or any(effect == "Deny" for effect, _ in touching):
        return "its endpoint's document keeps agents out"
    return None


def _statements(text: Value) -> list[Mapping[str, Value]]:
    return cast("list[Mapping[str, Value]]", json.loads(str(text))["Statement"])


def _list(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in cast("list[str]", value)]
