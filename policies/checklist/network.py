"""Checklist item: what has to reach each other in a region can, without leaving the region.

Does not guarantee:
    That somebody answers at the other end; alarms and health checks tell.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from policies.core.kinds import (
    EGRESS_RULE,
    INGRESS_RULE,
    LIMITER,
    LISTENER,
    LOAD_BALANCER,
    ROUTE_TABLE,
    SECURITY_GROUP,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 A1.2",)
_STORES: Final = ("dynamodb", "s3")
_HTTPS: Final = 443
_RUNTIME: Final = frozenset({"kms", "monitoring", "secretsmanager", "ssm", "sts"})
"""Services that every agent asks, so that private subnets need a way to each."""


@resource_rule(
    id="network-resolves",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(VPC,),
)
def names_are_resolved_in_the_network(network: Resource) -> Iterator[Violation]:
    """A network resolves names, and gives names to what has addresses.

    Why: the limiter, the stores and every API are known by name only.
    Good: ``enable_dns_support=True, enable_dns_hostnames=True``
    Bad: ``enable_dns_support=False``
    Fix: turn both on.
    """
    properties = network.properties
    for name, unset in (("enableDnsSupport", True), ("enableDnsHostnames", False)):
        found = properties.flag(name)
        if not (unset if found is None else found):
            yield Violation(
                found=f"{name} is off",
                rule="what runs in a network finds its limiter and its stores by name",
                fix=f"turn {name} on",
                at=name,
            )


@stack_rule(
    id="network-endpoints",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(VPC, VPC_ENDPOINT),
)
def services_are_reached_inside_the_region(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """Networks lead to DynamoDB, to S3, and to what their agents ask for, by endpoints that answer.

    Why: leases that cross the internet are lost with it, and private subnets have no other way.
    Good: a Gateway endpoint for each store on every route table, and the same others everywhere
    Bad: an endpoint on the public route table only, or one that no group may connect to
    Fix: use the Network component, which has them in every network.
    """
    if resource.type == VPC_ENDPOINT:
        if resource.properties.text("vpcEndpointType") == "Interface":
            yield from _unanswered(resource, stack)
        return
    tables = {table.urn: table for table in stack.pointing(resource, ROUTE_TABLE, "vpcId")}
    endpoints = stack.pointing(resource, VPC_ENDPOINT, "vpcId")
    for service in _STORES:
        led = {
            table.urn
            for endpoint in endpoints
            if _service(endpoint) == service
            for table in stack.targets(endpoint, "routeTableIds", ROUTE_TABLE)
        }
        missing = sorted(tables[urn].name for urn in set(tables) - led)
        if missing or not tables:
            yield _no_way(f"{', '.join(missing) or 'no route table'} leads to no {service}", "")
    everywhere = _usual(stack)
    if everywhere - set(_STORES):
        everywhere |= _RUNTIME
    for service in sorted(everywhere - {_service(endpoint) for endpoint in endpoints}):
        yield _no_way(f"it leads to no {service}, and other networks do", "")


def _usual(stack: Stack) -> set[str]:
    """The services that half of the networks or more lead to: what one alone has is its mistake."""
    having = Counter(
        service
        for network in stack.of_type(VPC)
        for service in {_service(one) for one in stack.pointing(network, VPC_ENDPOINT, "vpcId")}
    )
    return {name for name, count in having.items() if 2 * count >= len(stack.of_type(VPC))}


def _service(endpoint: Resource) -> str:
    return (endpoint.properties.text("serviceName") or "").rpartition(".")[2]


def _unanswered(endpoint: Resource, stack: Stack) -> Iterator[Violation]:
    """What keeps an interface endpoint from answering by the service's own name."""
    if endpoint.properties.flag("privateDnsEnabled") is not True:
        yield _no_way("clients ask by the service's own name", "privateDnsEnabled")
    if not stack.targets(endpoint, "subnetIds", SUBNET):
        yield _no_way("it answers in no subnet", "subnetIds")
    groups = stack.targets(endpoint, "securityGroupIds", SECURITY_GROUP)
    if not any(
        rule.properties.number("fromPort") == _HTTPS
        for group in groups
        for rule in stack.pointing(group, INGRESS_RULE, "securityGroupId")
    ):
        yield _no_way("no group may connect to it", "securityGroupIds")


def _no_way(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="data, leases and calls of AWS stay in the region's own network",
        fix="use the Network component, which has the endpoints in every network",
        at=at,
    )


@stack_rule(
    id="network-connected",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(LIMITER, LOAD_BALANCER),
)
def agents_are_reached_and_reach_the_limiter(
    resource: Resource, stack: Stack
) -> Iterator[Violation]:
    """Users reach the load balancer, it reaches agents, and they reach the limiter and HTTPS.

    Why: a rule that is missing on either side cuts the connection, and the region with it.
    Good: an egress rule from agents to the limiter's group, and an ingress rule for it there
    Bad: either of the two alone
    Fix: use the Network component, which has a rule on each side of every connection.
    """
    if resource.type == LIMITER:
        for group in stack.targets(resource, "securityGroupIds", SECURITY_GROUP):
            callers = _callers(group, resource.properties.number("port"), stack)
            if not callers:
                yield _cut("no group may connect to it")
            for caller in callers:
                if _HTTPS not in _ports(stack.pointing(caller, EGRESS_RULE, "securityGroupId")):
                    yield _cut(f"{caller.name} may not call AWS")
        return
    listeners = stack.pointing(resource, LISTENER, "loadBalancerArn")
    for group in stack.targets(resource, "securityGroups", SECURITY_GROUP):
        opened = _ports(stack.pointing(group, INGRESS_RULE, "securityGroupId"))
        for listener in listeners:
            if listener.properties.number("port") not in opened:
                yield _cut("users may not connect to it")
        if not _called(group, stack):
            yield _cut("it may connect to no agent")


def _callers(group: Resource, port: float | None, stack: Stack) -> tuple[Resource, ...]:
    """Groups that may connect to a group on a port: allowed there, and allowed to leave."""
    allowed = {
        source.urn: source
        for rule in stack.pointing(group, INGRESS_RULE, "securityGroupId")
        if rule.properties.number("fromPort") == port
        for source in _named_group(rule, stack)
    }
    return tuple(
        source
        for source in allowed.values()
        if any(
            rule.properties.number("fromPort") == port and group in _named_group(rule, stack)
            for rule in stack.pointing(source, EGRESS_RULE, "securityGroupId")
        )
    )


def _called(group: Resource, stack: Stack) -> bool:
    """Whether a group may connect to another that lets it in."""
    return any(
        group in _callers(target, rule.properties.number("fromPort"), stack)
        for rule in stack.pointing(group, EGRESS_RULE, "securityGroupId")
        for target in _named_group(rule, stack)
    )


def _named_group(rule: Resource, stack: Stack) -> tuple[Resource, ...]:
    return stack.targets(rule, "referencedSecurityGroupId", SECURITY_GROUP)


def _ports(rules: tuple[Resource, ...]) -> set[float | None]:
    return {rule.properties.number("fromPort") for rule in rules}


def _cut(found: str) -> Violation:
    return Violation(
        found=found,
        rule="users reach agents, and agents reach the limiter and AWS",
        fix="use the Network component, which has a rule on each side of every connection",
    )


RULES: Final[tuple[Rule, ...]] = (
    names_are_resolved_in_the_network,
    services_are_reached_inside_the_region,
    agents_are_reached_and_reach_the_limiter,
)
