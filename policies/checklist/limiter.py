"""Checklist item: the limits that agents share hold, and nobody else reads or resets them.

Does not guarantee:
    That agents ask the limiter; that is the runtime's to do, and its tests' to show.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.kinds import (
    LIMITER,
    LIMITER_PARAMETERS,
    LIMITER_SUBNETS,
    LOAD_BALANCER,
    SECRET,
    SECRET_VERSION,
    SECURITY_GROUP,
    SUBNET,
)
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    resource_rule,
    stack_rule,
)
from policies.core.stores import is_lasting, not_encrypted, unprotected
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 CC6.1",)
_POLICY: Final = "maxmemory-policy"
_KEEPS_ALL: Final = "noeviction"
_FEWEST_NODES: Final = 2


@stack_rule(
    id="limiter-encrypted",
    item=ChecklistItem.RATE_LIMITS,
    severity=Severity.HIGH,
    frameworks=("SOC 2 CC6.1", "SOC 2 CC6.7"),
    types=(LIMITER,),
)
def the_limiter_encrypts(cluster: Resource, _stack: Stack) -> Iterator[Violation]:
    """The limiter encrypts what it holds with a key of ours, and every connection.

    Why: its keys name tenants and users, and its token opens it to whoever reads the network.
    Good: ``transit_encryption_enabled=True, transit_encryption_mode="required"``
    Bad: ``transit_encryption_mode="preferred"``
    Fix: turn both encryptions on, require TLS, and name the jurisdiction's key of the region.
    """
    properties = cluster.properties
    for name in ("transitEncryptionEnabled", "atRestEncryptionEnabled"):
        if properties.flag(name) is not True:
            yield _wrong(f"{name} is off", "tokens and tenants' names are encrypted", name)
    if properties.text("transitEncryptionMode") not in {None, "required"}:
        yield _wrong(
            f"TLS is {properties.text('transitEncryptionMode')}",
            "no client connects without TLS",
            "transitEncryptionMode",
        )
    yield from not_encrypted(cluster, "kmsKeyId")


@stack_rule(
    id="limiter-authenticated",
    item=ChecklistItem.RATE_LIMITS,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(LIMITER,),
)
def the_limiter_asks_for_a_token(cluster: Resource, stack: Stack) -> Iterator[Violation]:
    """Whoever connects to the limiter shows the token of a secret of this stack.

    Why: who connects can reset every limit and every budget.
    Good: ``auth_token=version.secret_string``
    Bad: no ``auth_token``
    Fix: compute the token from the SecretVersion of the region's secret.
    """
    if not cluster.properties.is_given("authToken"):
        yield _wrong("anybody may connect", "clients show a token", "authToken")
        return
    versions = cluster.referenced("authToken", (SECRET_VERSION,))
    if not versions:
        yield _wrong(
            "the token comes from no secret of this stack",
            "clients read the token where the contract says",
            "authToken",
        )
    for version in versions:
        secrets = stack.targets(version, "secretId", SECRET)
        if not any(secret.region == cluster.region for secret in secrets):
            yield _wrong(
                f"its token lies in no secret of {cluster.region}",
                "agents reach it without another region",
                "authToken",
            )


@stack_rule(
    id="limiter-never-evicts",
    item=ChecklistItem.RATE_LIMITS,
    severity=Severity.CRITICAL,
    frameworks=(),
    types=(LIMITER, LIMITER_PARAMETERS),
)
def the_limiter_forgets_nothing(resource: Resource, stack: Stack) -> Iterator[Violation]:
    """A limiter that is full refuses, and never forgets a count to make room.

    Why: a count that is evicted is a budget that begins again from nothing.
    Good: ``parameters=[{"name": "maxmemory-policy", "value": "noeviction"}]``
    Bad: ``"value": "allkeys-lru"``
    Fix: give the cluster a parameter group of this stack that says noeviction.
    """
    if resource.type == LIMITER_PARAMETERS:
        found = {
            part.text("name"): part.text("value")
            for part in resource.properties.objects("parameters")
        }
        if found.get(_POLICY) != _KEEPS_ALL:
            yield _wrong(
                f"{_POLICY} is {found.get(_POLICY, 'not set')}", f"it is {_KEEPS_ALL}", "parameters"
            )
        return
    groups = stack.targets(resource, "parameterGroupName", LIMITER_PARAMETERS)
    if not any(group.region == resource.region for group in groups):
        yield _wrong(
            "its parameters are AWS's own, which evict",
            "a full limiter refuses",
            "parameterGroupName",
        )


@resource_rule(
    id="limiter-available",
    item=ChecklistItem.RATE_LIMITS,
    severity=Severity.HIGH,
    frameworks=("SOC 2 A1.2",),
    types=(LIMITER,),
)
def the_limiter_survives_the_loss_of_a_node(cluster: Resource) -> Iterator[Violation]:
    """In staging and production the limiter has a replica in another zone, which takes over.

    Why: production fails closed, so agents of a region without a limiter stand still.
    Good: ``num_cache_clusters=2, automatic_failover_enabled=True, multi_az_enabled=True``
    Bad: ``num_cache_clusters=1``
    Fix: raise ``sizes.valkey_replicas`` to 1 or more.
    """
    properties = cluster.properties
    nodes = properties.number("numCacheClusters") or 1
    if not is_lasting(cluster):
        return
    if nodes < _FEWEST_NODES:
        yield _wrong(
            f"it has {nodes:g} node",
            f"it has {_FEWEST_NODES} or more",
            "numCacheClusters",
        )
    for name in ("automaticFailoverEnabled", "multiAzEnabled"):
        if properties.flag(name) is not True:
            yield _wrong(f"{name} is off", "another zone takes over by itself", name)
    yield from unprotected(cluster)


@stack_rule(
    id="limiter-private",
    item=ChecklistItem.RATE_LIMITS,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(LIMITER,),
)
def the_limiter_stands_in_private_subnets(cluster: Resource, stack: Stack) -> Iterator[Violation]:
    """The limiter stands in subnets of its region that no load balancer is in, in a group of ours.

    Why: what stands where users come in is one wrong rule away from them.
    Good: ``subnet_group_name=private.name, security_group_ids=[limiter.id]``
    Bad: ``security_group_ids=[ingress.id]``
    Fix: give it a SubnetGroup of private subnets and a security group of its own.
    """
    if cluster.properties.number("port") is None:
        yield _wrong("its port is not given", "agents connect where the contract says", "port")
    groups = stack.targets(cluster, "securityGroupIds", SECURITY_GROUP)
    if not groups or any(stack.pointing(one, LOAD_BALANCER, "securityGroups") for one in groups):
        yield _wrong(
            "it has no security group of its own",
            "agents reach it, and nobody else",
            "securityGroupIds",
        )
    named = stack.targets(cluster, "subnetGroupName", LIMITER_SUBNETS)
    subnets = [
        subnet
        for group in named
        if group.region == cluster.region
        for subnet in stack.targets(group, "subnetIds", SUBNET)
    ]
    if not subnets or any(stack.pointing(one, LOAD_BALANCER, "subnets") for one in subnets):
        yield _wrong(
            "it stands in no private subnets of this stack",
            "users cannot reach it",
            "subnetGroupName",
        )


def _wrong(found: str, rule: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule=rule,
        fix="use the RateLimits component, which has it right",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    the_limiter_encrypts,
    the_limiter_asks_for_a_token,
    the_limiter_forgets_nothing,
    the_limiter_survives_the_loss_of_a_node,
    the_limiter_stands_in_private_subnets,
)
