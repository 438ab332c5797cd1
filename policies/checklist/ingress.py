"""Checklist item: what arrives at a region reaches an agent that is well, in any of its zones.

Does not guarantee:
    That agents say the truth of their health.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.contract import ingress_of, rto_s
from policies.core.kinds import (
    INGRESS_RULE,
    INTERNET_GATEWAY,
    LIMITER_SUBNETS,
    LISTENER,
    LOAD_BALANCER,
    ROUTE,
    ROUTE_TABLE,
    ROUTE_TABLE_ASSOCIATION,
    SECURITY_GROUP,
    SUBNET,
    TARGET_GROUP,
    VPC,
    VPC_ENDPOINT,
)
from policies.core.properties import Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.stores import is_lasting, unprotected
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 A1.2",)
_PLACED: Final = {
    LIMITER_SUBNETS: "subnetIds",
    LOAD_BALANCER: "subnets",
    VPC_ENDPOINT: "subnetIds",
}
"""What stands in subnets, and where it says in which."""
_PEER: Final = "referencedSecurityGroupId"
_FEWEST_ZONES: Final = 2


@stack_rule(
    id="ingress-reachable",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(LOAD_BALANCER, TARGET_GROUP),
)
def users_reach_the_load_balancer(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """A load balancer is public, passes connections on, and reaches agents of every zone.

    Why: a hostname that leads to an address inside a network leads users nowhere.
    Good: ``internal=False, load_balancer_type="network", enable_cross_zone_load_balancing=True``
    Bad: ``internal=True``
    Fix: use the Ingress component, in the public subnets of the region's network.
    """
    properties = resource.properties
    if resource.type == TARGET_GROUP:
        if properties.text("loadBalancingCrossZoneEnabled") not in {
            None,
            "true",
            "use_load_balancer_configuration",
        }:
            yield _unreached("each zone is on its own", "loadBalancingCrossZoneEnabled")
        return
    if properties.flag("internal") is not False:
        yield _unreached("its addresses are inside the network", "internal")
    if properties.text("loadBalancerType") != "network":
        yield _unreached("it ends connections itself", "loadBalancerType")
    if properties.flag("enableCrossZoneLoadBalancing") is not True:
        yield _unreached("each zone is on its own", "enableCrossZoneLoadBalancing")
    subnets = stack.targets(resource, "subnets", SUBNET)
    if not subnets:
        yield _unreached("it is in no subnet of this stack", "subnets")
    inside = [subnet.name for subnet in subnets if not _leads_out(subnet, stack)]
    if inside:
        yield _unreached(f"{', '.join(inside)}: no route to the internet", "subnets")


def _leads_out(subnet: Resource, stack: Stack) -> bool:
    """Whether a route leads to the internet; which addresses it is for is judged on the route."""
    return any(
        stack.targets(route, "gatewayId", INTERNET_GATEWAY)
        for table in _tables_of(subnet, stack)
        for route in stack.pointing(table, ROUTE, "routeTableId")
        if route.properties.is_given("gatewayId")
    )


def _tables_of(subnet: Resource, stack: Stack) -> tuple[Resource, ...]:
    return tuple(
        table
        for association in stack.pointing(subnet, ROUTE_TABLE_ASSOCIATION, "subnetId")
        for table in stack.targets(association, "routeTableId", ROUTE_TABLE)
    )


@stack_rule(
    id="ingress-listens",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(LOAD_BALANCER, LISTENER, TARGET_GROUP),
)
def connections_reach_agents(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """A load balancer listens on the contract's port and forwards TCP to agents of its region.

    Why: users of a region that nobody forwards for see it as lost, and its checks do too.
    Good: ``protocol="TCP", port=443, default_actions=[{"type": "forward", ...}]``
    Bad: a listener whose target group is another region's
    Fix: use the Ingress component, which joins the three.
    """
    properties = resource.properties
    if resource.type == LOAD_BALANCER:
        if not stack.pointing(resource, LISTENER, "loadBalancerArn"):
            yield _unheard("nothing listens", "")
    elif resource.type == TARGET_GROUP:
        if properties.text("protocol") != "TCP" or properties.text("targetType") != "ip":
            yield _unheard("it does not pass TCP on to addresses", "protocol")
        if not _let_in(resource, stack):
            yield _unheard(f"nobody lets anything in at {properties.number('port')}", "port")
        if not any(resource in _forwarded_to(other, stack) for other in stack.of_type(LISTENER)):
            yield _unheard("no listener forwards to it", "")
    else:
        yield from _silent(resource, stack)


def _let_in(group: Resource, stack: Stack) -> bool:
    """Whether some security group of the region lets its load balancers in at a group's port."""
    port = group.properties.number("port")
    guards = {
        guard.urn
        for balancer in stack.of_type(LOAD_BALANCER)
        if balancer.region == group.region
        for guard in stack.targets(balancer, "securityGroups", SECURITY_GROUP)
    }
    return port is not None and any(
        (rule.properties.number("fromPort") or 0) <= port <= (rule.properties.number("toPort") or 0)
        for rule in stack.of_type(INGRESS_RULE)
        if rule.properties.is_given(_PEER)
        if guards & {peer.urn for peer in stack.targets(rule, _PEER, SECURITY_GROUP)}
    )


def _silent(listener: Resource, stack: Stack) -> Iterator[Violation]:
    """What keeps a listener from handing connections to agents of its region."""
    properties = listener.properties
    if properties.text("protocol") != "TCP":
        yield _unheard(f"it speaks {properties.text('protocol')}", "protocol")
    balancers = stack.targets(listener, "loadBalancerArn", LOAD_BALANCER)
    for action in properties.objects("defaultActions"):
        if action.text("type") != "forward":
            yield _unheard(f"it answers by {action.text('type')}", action.at("type"))
    groups = _forwarded_to(listener, stack)
    here = (listener.region,)
    if not groups or {group.region for group in groups} != set(here):
        yield _unheard("it forwards to no target group of its region", "defaultActions")
    if not balancers or {balancer.region for balancer in balancers} != set(here):
        yield _unheard("it belongs to no load balancer of its region", "loadBalancerArn")
    promised = ingress_of(stack, listener.region)
    if promised is not None and not promised.is_unknown("port"):
        ports = (properties.number("port"), promised.number("port"))
        if ports[0] != ports[1]:
            yield _unheard(f"it listens on {ports[0]}, and the contract says {ports[1]}", "port")


def _forwarded_to(listener: Resource, stack: Stack) -> tuple[Resource, ...]:
    """The target groups that a listener hands connections to.

    Raises:
        Undetermined: If one is unknown and none of this stack.
    """
    found: list[Resource] = []
    for action in listener.properties.objects("defaultActions"):
        if not action.is_unknown("targetGroupArn"):
            found += stack.named(TARGET_GROUP, action.text("targetGroupArn") or "")
        elif others := listener.referenced("defaultActions", (TARGET_GROUP,)):
            found += others
        else:
            raise Undetermined(action.at("targetGroupArn"), listener.urn)
    return tuple(found)


@stack_rule(
    id="ingress-checked",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(TARGET_GROUP,),
)
def agents_are_asked_how_they_are(group: Resource, stack: Stack) -> Iterator[Violation]:
    """Agents are asked at the contract's health path, and are left in time when they are ill.

    Why: without a check every connection to a dead agent is one that a user waits for.
    Good: ``health_check={"enabled": True, "protocol": "HTTPS", "path": "/healthz", ...}``
    Bad: ``"protocol": "TCP"``, which a process that hangs passes
    Fix: use the Ingress component's health check.
    """
    check = group.properties.object("healthCheck")
    if check is None:
        yield _unasked("agents are asked for a connection only", "healthCheck")
        return
    if check.flag("enabled") is False:
        yield _unasked("agents are not asked", check.at("enabled"))
    for name, wanted in (
        ("protocol", {"HTTPS"}),
        ("matcher", {"200"}),
        ("port", {None, "traffic-port"}),
    ):
        if check.text(name) not in wanted:
            yield _unasked(f"its {name} is {check.text(name)}", check.at(name))
    promised = ingress_of(stack, group.region)
    path = check.text("path")
    if promised is not None and path != promised.text("health_path"):
        yield _unasked(f"they are asked at {path}", check.at("path"))
    limit_s = rto_s(stack)
    takes_s = (check.number("interval") or 30) * (check.number("unhealthyThreshold") or 3)
    if limit_s is not None and takes_s > limit_s:
        yield _unasked(
            f"it takes {takes_s:g} s to leave an agent that is ill", check.at("interval")
        )
    for name in ("timeout", "healthyThreshold"):
        found = check.number(name)
        if found is not None and limit_s is not None and found > limit_s:
            yield _unasked(f"its {name} is {found:g}", check.at(name))


@resource_rule(
    id="ingress-protected",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(LOAD_BALANCER,),
)
def load_balancers_cannot_be_deleted_by_mistake(balancer: Resource) -> Iterator[Violation]:
    """A lasting load balancer refuses to be deleted.

    Why: a new one has another name, and users wait until every record leads to it.
    Good: ``enable_deletion_protection=True``
    Bad: ``enable_deletion_protection=False`` in production
    Fix: turn deletion protection on, and protect the resource in production.
    """
    protected = balancer.properties.flag("enableDeletionProtection")
    if is_lasting(balancer) and protected is not True:
        yield Violation(
            found="deletion protection is off",
            rule="where users arrive does not go by mistake",
            fix="turn enable_deletion_protection on",
            at="enableDeletionProtection",
        )
    yield from unprotected(balancer)


@stack_rule(
    id="subnet-zones",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.MEDIUM,
    frameworks=_FRAMEWORKS,
    types=(SUBNET, *_PLACED),
)
def a_region_stands_in_several_zones(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """A lasting region takes users in two zones or more, and each of its zones has both subnets.

    Why: a region that stands in one zone is lost with it, and so is what other zones lean on.
    Good: a public and a private subnet in each of three zones
    Bad: a zone with a public subnet only
    Fix: give the network two zones or more, each with a public and a private subnet.
    """
    if resource.type == SUBNET:
        zone = resource.properties.text("availabilityZone") or ""
        if not zone.startswith(resource.region):
            yield _alone(f"it lies in {zone or 'a zone that AWS chooses'}", "availabilityZone")
        if len(stack.pointing(resource, ROUTE_TABLE_ASSOCIATION, "subnetId")) != 1:
            yield _alone("it has not one route table", "")
        networks = stack.targets(resource, "vpcId", VPC)
        there = [
            other
            for network in networks
            for other in stack.pointing(network, SUBNET, "vpcId")
            if other.properties.text("availabilityZone") == zone
        ] or [resource]
        tables = {table.urn for other in there for table in _tables_of(other, stack)}
        # Once for a zone; a private subnet on a public table is the association's to answer for.
        if len(tables) < _FEWEST_ZONES and resource is there[0] and not _exposed(there, stack):
            yield _alone(f"{zone} has one kind of subnet only", "availabilityZone")
        return
    at = _PLACED[resource.type]
    zones = {
        subnet.properties.text("availabilityZone") for subnet in stack.targets(resource, at, SUBNET)
    }
    # Of names that only a deployment knows, the engine does not say which comes from where.
    count = min(len(zones), len(resource.properties.names(at)))
    if is_lasting(resource) and count < _FEWEST_ZONES and resource.properties.is_given(at):
        yield _alone("it stands in one zone", at)


def _exposed(subnets: list[Resource], stack: Stack) -> bool:
    """Whether one of them is the limiter's and has a way out, which another rule reports."""
    return any(
        stack.pointing(subnet, LIMITER_SUBNETS, "subnetIds")
        and any(stack.pointing(table, ROUTE, "routeTableId") for table in _tables_of(subnet, stack))
        for subnet in subnets
    )


def _unreached(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="users reach agents of every zone of the region",
        fix="use the Ingress component, in the public subnets of the region's network",
        at=at,
    )


def _unheard(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="what users send to the contract's port reaches agents of the region",
        fix="use the Ingress component, which joins load balancer, listener and targets",
        at=at,
    )


def _unasked(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="agents are asked over HTTPS at the contract's health path, often enough",
        fix="use the Ingress component's health check",
        at=at,
    )


def _alone(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="a region stands in several zones, each with a public and a private subnet",
        fix="give the network two zones or more, with both subnets and a route table each",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    users_reach_the_load_balancer,
    connections_reach_agents,
    agents_are_asked_how_they_are,
    load_balancers_cannot_be_deleted_by_mistake,
    a_region_stands_in_several_zones,
)
