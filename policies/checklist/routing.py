"""Checklist item: users are led to a healthy region, and away from a lost one in time.

The numbers are the contract's: detection and the life of an answer fit into the recovery time.

Does not guarantee:
    That resolvers keep to an answer's life.
"""

from collections.abc import Iterator
from typing import Final

from policies.core.contract import ingress_of, rto_s
from policies.core.hosts import led_to
from policies.core.kinds import HEALTH_CHECK, LISTENER, RECORD, ZONE
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
_PROPAGATION_S: Final = 6
"""Until all of Route 53's servers know what its checkers found."""

_ALIAS_TTL_S: Final = 60
ANSWERS: Final = frozenset({"A", "AAAA", "CNAME", "HTTPS", "SRV", "SVCB"})
"""Record types that lead to where somebody listens."""


@stack_rule(
    id="record-health-checked",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(RECORD,),
)
def answers_depend_on_health(record: Resource, stack: Stack) -> Iterator[Violation]:
    """Every record that leads somewhere is answered only while a check finds that place healthy.

    Why: Route 53 gives the address of a lost region to users for as long as nobody checks it.
    Good: ``health_check_id=check.id``
    Bad: a record without a health check
    Fix: give the record a HealthCheck of the load balancer that it leads to.
    """
    if record.properties.text("type") not in ANSWERS:
        return
    for alias in record.properties.objects("aliases"):
        if alias.flag("evaluateTargetHealth") is not True:
            yield _unchecked(
                "the alias does not ask how its target is", alias.at("evaluateTargetHealth")
            )
    if not record.properties.is_given("healthCheckId"):
        yield _unchecked("nobody checks where it leads", "healthCheckId")
        return
    checks = stack.targets(record, "healthCheckId", HEALTH_CHECK)
    if not checks:
        yield _unchecked("its check is not in this stack", "healthCheckId")
    led = led_to(record, "records", "aliases")
    for check in checks:
        probed = {balancer.urn for balancer in led_to(check, "fqdn")}
        if led and probed and probed != {balancer.urn for balancer in led}:
            yield _unchecked(f"{check.name} checks another place", "healthCheckId")


@resource_rule(
    id="health-check-true",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(HEALTH_CHECK,),
)
def checks_say_what_they_find(check: Resource) -> Iterator[Violation]:
    """A health check is on, asks over HTTPS, and says what it finds.

    Why: a check that is off or turned round keeps users on a lost region.
    Good: ``type="HTTPS"``
    Bad: ``disabled=True`` or ``invert_healthcheck=True``
    Fix: leave both out, and ask over HTTPS.
    """
    for name in ("disabled", "invertHealthcheck"):
        if check.properties.flag(name):
            yield _untrue(f"{name} is on", name)
    kind = check.properties.text("type")
    if kind != "HTTPS":
        yield _untrue(f"it asks by {kind}, which a process that hangs may pass", "type")


@stack_rule(
    id="health-check-own",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
    types=(HEALTH_CHECK,),
)
def checks_ask_our_own_regions(check: Resource, stack: Stack) -> Iterator[Violation]:
    """A health check asks a load balancer of this stack, at the contract's port and path.

    Why: a check of another host says nothing of the region, and anybody may own that host.
    Good: ``fqdn=load_balancer.dns_name, resource_path="/healthz"``
    Bad: ``fqdn="example.com"``
    Fix: name the load balancer that the record leads to, and the contract's health path.
    """
    properties = check.properties
    balancers = led_to(check, "fqdn")
    if not balancers:
        yield _untrue("it asks a host that is not in this stack", "fqdn")
    if not stack.pointing(check, RECORD, "healthCheckId"):
        yield _untrue("no answer depends on it", "")
    for balancer in balancers:
        promised = ingress_of(stack, balancer.region)
        if promised is None:
            continue
        path = properties.text("resourcePath")
        if path != promised.text("health_path"):
            yield _untrue(f"it asks at {path}", "resourcePath")
        if properties.is_unknown("port") and check.referenced("port", (LISTENER,)):
            continue
        port = properties.number("port")
        if port != promised.number("port"):
            yield _untrue(f"it asks at port {port}", "port")


@stack_rule(
    id="record-in-time",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(RECORD,),
)
def a_lost_region_is_left_in_time(record: Resource, stack: Stack) -> Iterator[Violation]:
    """Finding out, telling, and forgetting the old answer fit into the contract's recovery time.

    Why: users come back only when the last of the three is over, whatever else is ready.
    Good: ``failure_threshold=3, request_interval=10`` and ``ttl=10`` for 60 s
    Bad: ``ttl=3600``
    Fix: lower the record's TTL or the check's interval, or raise ``objectives.rto_s``.
    """
    limit_s = rto_s(stack)
    if record.properties.text("type") not in ANSWERS or limit_s is None:
        return
    ttl_s = (
        _ALIAS_TTL_S if record.properties.is_given("aliases") else record.properties.number("ttl")
    )
    if ttl_s is None:
        yield _late("its answers have no TTL", "ttl")
        return
    for check in stack.targets(record, "healthCheckId", HEALTH_CHECK):
        probes = check.properties.number("failureThreshold") or 3
        interval_s = check.properties.number("requestInterval") or 30
        takes_s = probes * interval_s + _PROPAGATION_S + ttl_s
        if takes_s > limit_s:
            yield _late(
                f"a lost region is left after {takes_s:g} s ({probes:g} probes every "
                f"{interval_s:g} s, {_PROPAGATION_S} s, and {ttl_s:g} s in caches), of {limit_s:g}",
                "ttl",
            )


@stack_rule(
    id="record-chosen",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
    types=(RECORD,),
)
def every_answer_can_be_chosen(record: Resource, stack: Stack) -> Iterator[Violation]:
    """A record stands in the platform's zone, and its policy can choose it for its own region.

    Why: an answer that is never chosen is a region that never serves, or never takes over.
    Good: ``latency_routing_policies=[{"region": "eu-west-1"}]`` for the load balancer there
    Bad: a weight of 0, or two records that are both PRIMARY
    Fix: use the GlobalRouting component: latency for regions that all serve, failover for two.
    """
    properties = record.properties
    if properties.text("type") not in ANSWERS:
        return
    if not stack.targets(record, "zoneId", ZONE):
        yield _unchosen("its zone is not in this stack", "zoneId")
    regions = {balancer.region for balancer in led_to(record, "records", "aliases")}
    for part in properties.objects("latencyRoutingPolicies"):
        if regions and regions != {part.text("region")}:
            yield _unchosen(f"it is chosen near {part.text('region')}", part.at("region"))
    for part in properties.objects("weightedRoutingPolicies"):
        if not part.number("weight"):
            yield _unchosen("its weight is 0", part.at("weight"))
    name = properties.text("name")
    alike = [
        other
        for other in stack.of_type(RECORD)
        if not other.properties.is_unknown("name")
        and other.properties.text("name") == name
        and other.properties.text("type") == properties.text("type")
    ]
    if len(alike) > 1 and properties.text("setIdentifier") is None:
        yield _unchosen("others have its name, and it has no identifier", "setIdentifier")
    roles = sorted(
        part.text("type") or ""
        for other in alike
        for part in other.properties.objects("failoverRoutingPolicies")
    )
    if roles and roles != ["PRIMARY", "SECONDARY"]:
        yield _unchosen(f"the answers of {name} are {', '.join(roles)}", "failoverRoutingPolicies")


def _unchecked(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="Route 53 answers with healthy regions only",
        fix="give the record a HealthCheck of the load balancer that it leads to",
        at=at,
    )


def _untrue(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="a check says how the region that it is of really is",
        fix="ask the region's own load balancer over HTTPS, and leave the rest out",
        at=at,
    )


def _late(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="finding out, telling and forgetting fit into objectives.rto_s",
        fix="lower the record's TTL or the check's interval, or raise objectives.rto_s",
        at=at,
    )


def _unchosen(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="each answer is chosen for its own region, or takes over from another",
        fix="use the GlobalRouting component: latency where all serve, failover for two",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    answers_depend_on_health,
    checks_say_what_they_find,
    checks_ask_our_own_regions,
    a_lost_region_is_left_in_time,
    every_answer_can_be_chosen,
)
