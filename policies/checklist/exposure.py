"""Checklist item: nothing of the platform can be reached by whom it is not for.

Does not guarantee:
    Anything about identities: who may do what with a name and a signature is asked of policies.
"""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from policies.core.kinds import (
    BUCKET,
    BUCKET_OWNERSHIP,
    BUCKET_POLICY,
    BUCKET_PUBLIC_ACCESS,
    EGRESS_RULE,
    INGRESS_RULE,
    INTERNET_GATEWAY,
    LIMITER,
    LIMITER_SUBNETS,
    LISTENER,
    LOAD_BALANCER,
    ROUTE,
    ROUTE_TABLE,
    ROUTE_TABLE_ASSOCIATION,
    SECURITY_GROUP,
    SUBNET,
    VPC,
)
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.stores import is_lasting
from policies.core.subjects import Resource, Stack
from policies.iam.documents import Statement, statements

_FRAMEWORKS: Final = ("SOC 2 CC6.6", "ISO 27001:2022 A.8.20")
_BLOCKS: Final = (
    "blockPublicAcls",
    "blockPublicPolicy",
    "ignorePublicAcls",
    "restrictPublicBuckets",
)
_EVERYWHERE: Final = "0.0.0.0/0"
_HTTPS: Final = 443
_DNS: Final = 53
_RESOLVER: Final = "169.254.169.253/32"
"""Where every network of AWS answers for names; it does so at its third address as well."""


@stack_rule(
    id="bucket-private",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(BUCKET, BUCKET_PUBLIC_ACCESS),
)
def buckets_are_closed_to_the_public(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """Every bucket has a public access block, and each of its four parts is on.

    Why: with one part off, one policy or one list of grants makes the bucket public.
    Good: ``block_public_acls=True, block_public_policy=True, ...``
    Bad: ``restrict_public_buckets=False``
    Fix: add a BucketPublicAccessBlock for the bucket with all four parts on.
    """
    if resource.type == BUCKET:
        if not stack.pointing(resource, BUCKET_PUBLIC_ACCESS, "bucket"):
            yield _public("it has no public access block", "")
        return
    stack.targets(resource, "bucket", BUCKET)
    for name in _BLOCKS:
        if resource.properties.flag(name) is not True:
            yield _public(f"{name} is off", name)


@stack_rule(
    id="bucket-owned",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(BUCKET, BUCKET_OWNERSHIP),
)
def lists_of_grants_are_off(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """Every bucket owns its objects, which turns lists of grants off.

    Why: a list of grants opens an object past every policy that a reviewer reads.
    Good: ``rule={"object_ownership": "BucketOwnerEnforced"}``
    Bad: ``rule={"object_ownership": "ObjectWriter"}``
    Fix: add BucketOwnershipControls for the bucket with BucketOwnerEnforced.
    """
    if resource.type == BUCKET:
        if not stack.pointing(resource, BUCKET_OWNERSHIP, "bucket"):
            yield _granted("it has no ownership controls", "")
        return
    stack.targets(resource, "bucket", BUCKET)
    rule = resource.properties.object("rule")
    found = None if rule is None else rule.text("objectOwnership")
    if found != "BucketOwnerEnforced":
        yield _granted(f"objects are owned by {found}", "rule.objectOwnership")


@stack_rule(
    id="bucket-in-transit",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.7",),
    types=(BUCKET, BUCKET_POLICY),
)
def buckets_refuse_plain_connections(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """Every bucket refuses whoever does not use TLS.

    Why: a signed request in plain text shows what it carries to everybody on the way.
    Good: a Deny of ``s3:*`` where ``aws:SecureTransport`` is ``false``
    Bad: a bucket without a policy
    Fix: add a BucketPolicy that denies everything to everybody without TLS.
    """
    if resource.type == BUCKET:
        if not stack.pointing(resource, BUCKET_POLICY, "bucket"):
            yield _plain("it has no policy", "")
        return
    stack.targets(resource, "bucket", BUCKET)
    if not any(map(_denies_plain, statements(resource.properties, "policy"))):
        yield _plain("its policy lets everybody connect without TLS", "policy")


def _denies_plain(statement: Statement) -> bool:
    return (
        statement.effect == "Deny"
        and not statement.inverted
        and statement.covers("s3:GetObject")
        and statement.covers("s3:PutObject")
        and "*" in statement.principals.get("AWS", ())
        and any(arn.endswith("/*") or arn == "*" for arn in statement.resources)
        and statement.keys() == {"aws:securetransport"}
        and any(
            operator.lower() == "bool" and values == ("false",)
            for operator, values in statement.condition("aws:SecureTransport")
        )
    )


@resource_rule(
    id="subnet-private",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(SUBNET,),
)
def machines_get_no_public_address(subnet: Resource) -> Iterator[Violation]:
    """In staging and production no subnet gives a public address to whatever starts in it.

    Why: what has a public address can be knocked at, and one wrong rule lets the world in.
    Good: ``map_public_ip_on_launch=False``
    Bad: ``map_public_ip_on_launch=True``
    Fix: run agents in private subnets; a load balancer has addresses of its own.
    """
    if subnet.properties.flag("mapPublicIpOnLaunch") and is_lasting(subnet):
        yield Violation(
            found="whatever starts in it gets a public address",
            rule="users reach load balancers, and nothing else",
            fix="run agents in private subnets, and leave map_public_ip_on_launch out",
            at="mapPublicIpOnLaunch",
        )


@stack_rule(
    id="network-routes",
    item=ChecklistItem.IDENTITY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(ROUTE, ROUTE_TABLE_ASSOCIATION),
)
def the_limiter_has_no_way_to_the_internet(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """No route leads from the limiter's subnets to the internet, nor from anywhere to a stranger.

    Why: what has no way out cannot be read from outside, whatever a security group says.
    Good: a route to the internet in the public subnets' route table
    Bad: the same route in the private one
    Fix: keep private subnets on a route table without a route to a gateway.
    """
    tables = stack.targets(resource, "routeTableId", ROUTE_TABLE)
    if resource.type == ROUTE_TABLE_ASSOCIATION:
        # On a table of private subnets alone, it is the route that does not belong there.
        for table in tables:
            is_out = stack.pointing(table, ROUTE, "routeTableId") and not _is_private(table, stack)
            if is_out and _is_of_the_limiter(resource, stack):
                yield _way_out(f"{table.name} leads out of the network", "routeTableId")
        return
    for table in tables:
        if _is_private(table, stack):
            yield _way_out(f"it leads out of {table.name}, where the limiter is", "routeTableId")
    if resource.properties.is_given("gatewayId") and not stack.targets(
        resource, "gatewayId", INTERNET_GATEWAY
    ):
        yield _way_out("it leads to a gateway that is not in this stack", "gatewayId")
    addresses = resource.properties.text("destinationCidrBlock")
    if addresses != _EVERYWHERE:
        yield _way_out(f"it is for {addresses or 'no IPv4 address'}", "destinationCidrBlock")


def _is_private(table: Resource, stack: Stack) -> bool:
    """Whether every subnet on a route table is one of the limiter's."""
    associations = stack.pointing(table, ROUTE_TABLE_ASSOCIATION, "routeTableId")
    return bool(associations) and all(_is_of_the_limiter(one, stack) for one in associations)


def _is_of_the_limiter(association: Resource, stack: Stack) -> bool:
    subnets = stack.targets(association, "subnetId", SUBNET)
    return any(stack.pointing(subnet, LIMITER_SUBNETS, "subnetIds") for subnet in subnets)


@stack_rule(
    id="network-ports",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(INGRESS_RULE, EGRESS_RULE, LOAD_BALANCER),
)
def security_groups_open_one_port_to_one_group(
    resource: Resource, stack: Stack
) -> Iterator[Violation]:
    """Users reach the load balancer's port; everything else admits one group on one port.

    Why: a group that is open to addresses is open to whoever has one.
    Good: ``referenced_security_group_id=agents.id, from_port=6379, to_port=6379``
    Bad: ``cidr_ipv4="0.0.0.0/0"`` on the limiter's group
    Fix: admit a security group of this stack, on one TCP port.
    """
    if resource.type == LOAD_BALANCER:
        if not stack.targets(resource, "securityGroups", SECURITY_GROUP):
            yield _opened("no security group of this stack guards it", "securityGroups")
        return
    properties = resource.properties
    groups = stack.targets(resource, "securityGroupId", SECURITY_GROUP)
    if not groups:
        yield _opened("it opens a group that is not in this stack", "securityGroupId")
    protocol = properties.text("ipProtocol")
    ports = (properties.number("fromPort"), properties.number("toPort"))
    if resource.type == EGRESS_RULE and ports == (_DNS, _DNS):
        yield from _asks_names(resource, groups, stack)
        return
    if protocol != "tcp" or ports[0] is None or ports[0] != ports[1]:
        yield _opened(f"it opens {protocol} {ports[0]} to {ports[1]}", "ipProtocol")
        return
    addresses = [(name, properties.text(name)) for name in ("cidrIpv4", "cidrIpv6")]
    for name, address in addresses:
        if address is not None and ports[0] not in _public_ports(resource, groups, stack):
            yield _opened(f"it opens port {ports[0]:g} to {address}", name)
    if not any(address for _, address in addresses):
        yield from _admits(resource, groups, ports[0], stack)


def _asks_names(rule: Resource, groups: tuple[Resource, ...], stack: Stack) -> Iterator[Violation]:
    """What is wrong with a rule that lets a group ask for names, by TCP or by UDP.

    Only the network's own resolver may be asked: names are a way out for whatever fits into one.
    """
    address = rule.properties.text("cidrIpv4")
    networks = [
        ip_network(network.properties.text("cidrBlock") or "0.0.0.0/32")
        for group in groups
        for network in stack.targets(group, "vpcId", VPC)
    ]
    own = {_RESOLVER, *(f"{network.network_address + 2}/32" for network in networks)}
    if address not in own:
        yield _opened(f"it lets names be asked of {address or 'another group'}", "cidrIpv4")


def _admits(
    rule: Resource, groups: tuple[Resource, ...], port: float, stack: Stack
) -> Iterator[Violation]:
    """What is wrong with a rule that admits another group on a port."""
    at = "referencedSecurityGroupId"
    others = stack.targets(rule, at, SECURITY_GROUP)
    if not others:
        yield _opened("it admits a group that is not in this stack", at)
    limiters = _behind(groups, LIMITER, "securityGroupIds", stack)
    if rule.type == INGRESS_RULE and limiters:
        if port not in {limiter.properties.number("port") for limiter in limiters}:
            yield _opened(f"nothing listens on port {port:g}", "fromPort")
        if _behind(others, LOAD_BALANCER, "securityGroups", stack):
            yield _opened("it lets users through to the limiter", at)


def _public_ports(rule: Resource, groups: tuple[Resource, ...], stack: Stack) -> set[float]:
    """Ports that the groups of a rule may open to addresses."""
    if _behind(groups, LIMITER, "securityGroupIds", stack):
        return set()
    balancers = _behind(groups, LOAD_BALANCER, "securityGroups", stack)
    if rule.type == EGRESS_RULE:
        # Agents call models and AWS; a load balancer speaks to agents only.
        return set() if balancers else {_HTTPS}
    listeners = [
        listener
        for balancer in balancers
        for listener in stack.pointing(balancer, LISTENER, "loadBalancerArn")
    ]
    return {port for listener in listeners if (port := listener.properties.number("port"))}


def _behind(
    groups: tuple[Resource, ...], token: str, at: str, stack: Stack
) -> tuple[Resource, ...]:
    """What security groups guard, of one type."""
    return tuple(other for group in groups for other in stack.pointing(group, token, at))


def _public(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="no policy and no list of grants can make a bucket public",
        fix="add a BucketPublicAccessBlock for the bucket with all four parts on",
        at=at,
    )


def _granted(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="permissions stand in policies, and in nothing else",
        fix="add BucketOwnershipControls for the bucket with BucketOwnerEnforced",
        at=at,
    )


def _plain(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="nothing travels in plain text",
        fix='deny "s3:*" to everybody in its policy where aws:SecureTransport is false',
        at=at,
    )


def _way_out(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="only load balancers' and agents' subnets have a way to the internet",
        fix="keep private subnets on a route table of their own, without a route to a gateway",
        at=at,
    )


def _opened(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="users reach the load balancer's port; everything else admits one group on one port",
        fix="admit a security group of this stack, on one TCP port",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    buckets_are_closed_to_the_public,
    lists_of_grants_are_off,
    buckets_refuse_plain_connections,
    machines_get_no_public_address,
    the_limiter_has_no_way_to_the_internet,
    security_groups_open_one_port_to_one_group,
)
