"""Checklist item: what the stack tells its runtime is what the stack is.

The runtime believes the exported contract: it takes leases in the table that it names, asks the
limiter that it names, and looks for the kill switch where it says. So each of its words is compared
with the resource that it is about.

Does not guarantee:
    Anything in a preview about values that only the provider can answer, such as hosts: both sides
    are unknown then, and are compared when they are known.
"""

import json
from collections.abc import Iterator
from typing import Final, cast

from policies.checklist.state_safety import COORDINATION, not_strong
from policies.core.contract import Contract, contract_of, parts_of
from policies.core.hosts import led_to
from policies.core.jurisdictions import REGIONS, lies_in
from policies.core.kinds import (
    BUCKET,
    BUCKET_REPLICATION,
    DATA,
    LIMITER,
    LOAD_BALANCER,
    PARAMETER,
    RECORD,
    ROLE,
    ROLE_POLICY,
    SECRET,
    TABLE,
    TOPIC,
    ZONE,
)
from policies.core.properties import Properties, Undetermined
from policies.core.rule import ChecklistItem, Rule, Severity, Violation, whole_rule
from policies.core.stores import replica_regions
from policies.core.subjects import Resource, Stack

_FRAMEWORKS: Final = ("SOC 2 CC8.1",)
_FLAG: Final = "kill"
_KEY_ATTRIBUTE: Final = "pk"
"""Attribute by which the runtime finds an item."""

_ROLES: Final = {"PRIMARY": "primary", "SECONDARY": "standby"}

Found = Iterator[tuple[str, Violation]]


@whole_rule(
    id="contract-exported",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
)
def a_stack_exports_its_contract(stack: Stack) -> Found:
    """The stack exports a contract that names every jurisdiction whose data it holds.

    Why: without it no agent finds its leases, its limits or its switch, and no rule its measure.
    Good: ``pulumi.export("platform", contract)``
    Bad: a program that exports nothing, or leaves a jurisdiction out
    Fix: export ``platform`` as infra/program.py does, with every jurisdiction.
    """
    contract = contract_of(stack)
    named = dict(contract.jurisdictions()) if contract is not None else {}
    root = contract.urn if contract is not None else _root(stack)
    if contract is None or not named:
        yield root, _wrong("no jurisdiction is in the contract", "platform.jurisdictions")
        return
    if contract.properties.object("objectives") is None:
        yield root, _wrong("it promises nothing", "platform.objectives")
    yield from _strangers(contract, frozenset(named), stack)
    for name, jurisdiction in named.items():
        for region, part in parts_of(jurisdiction, "regions"):
            if not lies_in(region, name) or part.text("name") != region:
                yield root, _wrong(f"{region} is not a region of {name}", part.path)


def _strangers(contract: Contract, named: frozenset[str], stack: Stack) -> Found:
    """Data and tenants of jurisdictions that the contract does not know."""
    data = stack.of_type(*DATA)
    environment = contract.properties.text("environment")
    if data and environment not in {resource.environment for resource in data}:
        at = contract.properties.at("environment")
        yield contract.urn, _wrong(f"no data is of {environment}", at)
    for resource in data:
        home = resource.jurisdiction
        if home not in named and home in REGIONS:
            yield resource.urn, _wrong(f"the contract does not know {home}", "tags")
    tenants = contract.properties.object("tenants")
    for tenant in () if tenants is None else tenants.given():
        if tenants is not None and tenants.text(tenant) not in named:
            yield contract.urn, _wrong(f"{tenant} has no home", tenants.at(tenant))


@whole_rule(
    id="contract-tables",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
)
def the_contract_names_the_tables(stack: Stack) -> Found:
    """The contract's tables exist, where and as consistent as it says, and leases are strong.

    Why: a lease in a table where the last writer wins is held by two.
    Good: ``"coordination": {"name": store.table_name, "consistency": "strong", ...}``
    Bad: ``"coordination": {"name": state.table_name, ...}``
    Fix: let infra/outputs.py fill the contract from the components.
    """
    for urn, name, jurisdiction in _jurisdictions(stack):
        for part in _objects(jurisdiction, "coordination", "state"):
            tables = stack.named(TABLE, part.text("name") or "")
            if not tables:
                yield urn, _wrong(f"no table is called {part.text('name')}", part.at("name"))
            for table in tables:
                if table.jurisdiction != name:
                    yield urn, _wrong(f"{table.name} is of {table.jurisdiction}", part.at("name"))
                yield from _table(urn, part, table)


def _table(urn: str, part: Properties, table: Resource) -> Found:
    """How a table differs from what the contract says of it."""
    strong = not tuple(not_strong(table))
    if part.path.endswith(".coordination"):
        if part.text("consistency") != "strong":
            yield urn, _wrong("leases are not strongly consistent", part.at("consistency"))
        if table.component != COORDINATION or not strong:
            yield urn, _wrong(f"{table.name} is no table for leases", part.at("name"))
    elif part.text("consistency") != ("strong" if strong else "eventual"):
        yield urn, _wrong(f"{table.name} promises its readers less", part.at("consistency"))
    if set(part.texts("regions")) != {table.region, *replica_regions(table)}:
        yield urn, _wrong(f"{table.name} is read elsewhere", part.at("regions"))
    witness = table.properties.object("globalTableWitness")
    if part.text("witness") != (None if witness is None else witness.text("regionName")):
        yield urn, _wrong(f"{table.name} has another witness", part.at("witness"))
    yield from _keyed(table)


def _keyed(table: Resource) -> Found:
    """What keeps the runtime from finding an item of a table."""
    if table.properties.text("hashKey") != _KEY_ATTRIBUTE:
        yield table.urn, _wrong(f"the runtime finds items by {_KEY_ATTRIBUTE}", "hashKey")
    if table.properties.is_given("rangeKey"):
        yield table.urn, _wrong("the runtime finds items by one key", "rangeKey")
    for attribute in table.properties.objects("attributes"):
        if attribute.text("name") == _KEY_ATTRIBUTE and attribute.text("type") != "S":
            yield table.urn, _wrong("the runtime finds items by a text", attribute.at("type"))


@whole_rule(
    id="contract-buckets",
    item=ChecklistItem.STATE_SAFETY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def the_contract_names_the_buckets(stack: Stack) -> Found:
    """Each serving region's bucket exists there, and replicates where the contract says.

    Why: an agent that writes elsewhere writes past every copy, and maybe past a border.
    Good: ``"bucket": {"name": store.bucket_names[region], ...}``
    Bad: the name of another region's bucket
    Fix: let infra/outputs.py fill the contract from the components.
    """
    for urn, name, jurisdiction in _jurisdictions(stack):
        for region, part in parts_of(jurisdiction, "regions"):
            for promised in _objects(part, "bucket"):
                found = [
                    bucket
                    for bucket in stack.named(BUCKET, promised.text("name") or "")
                    if bucket.region == region and bucket.jurisdiction == name
                ]
                if not found:
                    yield urn, _wrong(f"{region} has no such bucket", promised.at("name"))
                for bucket in found:
                    copies = len(stack.pointing(bucket, BUCKET_REPLICATION, "bucket"))
                    known = [stack.named(BUCKET, one) for one in promised.texts("replicates_to")]
                    if not all(known) or bool(known) != bool(copies):
                        yield urn, _wrong("it is copied elsewhere", promised.at("replicates_to"))


@whole_rule(
    id="contract-limiter",
    item=ChecklistItem.RATE_LIMITS,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def the_contract_names_the_limiters(stack: Stack) -> Found:
    """Each serving region has a limiter of its jurisdiction, as the contract describes it.

    Why: agents that ask another region's limiter wait for it, and stop when it is lost.
    Good: ``"limiter": {"host": limits.host, "tls": limits.tls, ...}``
    Bad: ``"tls": False``, or a host of another region
    Fix: let infra/outputs.py fill the contract from the components.
    """
    for urn, name, jurisdiction in _jurisdictions(stack):
        for region, part in parts_of(jurisdiction, "regions"):
            clusters = _placed(stack, LIMITER, name, region)
            secrets = _placed(stack, SECRET, name, region)
            for promised in _objects(part, "limiter"):
                if not clusters or not secrets:
                    yield urn, _wrong(f"{region} has no limiter and its secret", promised.path)
                for cluster in clusters[:1]:
                    pairs = (
                        ("host", "primaryEndpointAddress"),
                        ("port", "port"),
                        ("tls", "transitEncryptionEnabled"),
                    )
                    yield from _differences(urn, promised, cluster, pairs)
                for secret in secrets[:1]:
                    yield from _differences(urn, promised, secret, (("secret_arn", "arn"),))


@whole_rule(
    id="contract-ingress",
    item=ChecklistItem.DISASTER_RECOVERY,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def the_contract_names_where_users_arrive(stack: Stack) -> Found:
    """Each serving region has a load balancer, and one record of its jurisdiction's hostname.

    Why: a region without a record never serves; one that is promised and is not is an outage.
    Good: one record for each serving region, chosen by latency or by failover
    Bad: a region that is in the contract and in no record
    Fix: use the GlobalRouting component for each jurisdiction of the contract.
    """
    for urn, name, jurisdiction in _jurisdictions(stack):
        hostname = jurisdiction.text("hostname") or ""
        if not any(
            hostname.endswith(f".{zone.properties.text('name')}") for zone in stack.of_type(ZONE)
        ):
            yield (
                urn,
                _wrong(f"{hostname} is in no zone of this stack", jurisdiction.at("hostname")),
            )
        led = _led(stack, hostname)
        for region, part in parts_of(jurisdiction, "regions"):
            for promised in _objects(part, "ingress"):
                balancers = _placed(stack, LOAD_BALANCER, name, region)
                if not balancers:
                    yield urn, _wrong(f"{region} has no load balancer", promised.at("hostname"))
                for balancer in balancers[:1]:
                    pairs = (("hostname", "dnsName"),)
                    yield from _differences(urn, promised, balancer, pairs)
            records = led.get(region, [])
            if len(records) != 1:
                yield urn, _wrong(f"{region} has {len(records)} records", part.path)
            for record in records:
                yield from _record(urn, jurisdiction, part, record)


def _record(urn: str, jurisdiction: Properties, region: Properties, record: Resource) -> Found:
    """How a record differs from what the contract says of its jurisdiction and region."""
    if record.properties.number("ttl") != jurisdiction.number("dns_ttl_s"):
        yield urn, _wrong("answers live for another time", jurisdiction.at("dns_ttl_s"))
    roles = [part.text("type") for part in record.properties.objects("failoverRoutingPolicies")]
    if region.text("role") != (_ROLES.get(roles[0] or "") if roles else "active"):
        yield urn, _wrong(f"{record.name} gives it another role", region.at("role"))


def _led(stack: Stack, hostname: str) -> dict[str, list[Resource]]:
    """Records of a hostname by the region that they lead to."""
    found: dict[str, list[Resource]] = {}
    for record in stack.of_type(RECORD):
        if record.properties.is_unknown("name") or record.properties.text("name") != hostname:
            continue
        for balancer in led_to(record, "records", "aliases"):
            found.setdefault(balancer.region, []).append(record)
    return found


@whole_rule(
    id="contract-kill-switch",
    item=ChecklistItem.KILL_SWITCH,
    severity=Severity.CRITICAL,
    frameworks=("EU AI Act Art. 14",),
)
def the_contract_names_the_switch(stack: Stack) -> Found:
    """The contract's kill switch is the flag in the lease table, with its role and its topics.

    Why: agents that look for the flag elsewhere never see it tripped.
    Good: ``"kill_switch": {"table": coordination.table_name, "key": "kill", ...}``
    Bad: ``"table": state.table_name``
    Fix: let infra/outputs.py fill the contract from the components.
    """
    for urn, name, jurisdiction in _jurisdictions(stack):
        leases = jurisdiction.object("coordination")
        for switch in _objects(jurisdiction, "kill_switch"):
            if leases is None or switch.text("table") != leases.text("name"):
                yield urn, _wrong("the flag is looked for elsewhere", switch.at("table"))
            if switch.text("key") != _FLAG:
                yield urn, _wrong(f"the flag is called {_FLAG}", switch.at("key"))
            roles = _of_component(stack, ROLE, "kill-switch", name)
            yield from _one(urn, switch, "role_arn", roles)
            serving = {region for region, _ in parts_of(jurisdiction, "regions")}
            for topics in _objects(switch, "topic_arns"):
                if set(topics.given()) != serving:
                    yield urn, _wrong("not every region tells of it", topics.path)
                for region in topics.given():
                    named = _of_component(stack, TOPIC, "kill-switch", name)
                    here = tuple(topic for topic in named if topic.region == region)
                    yield from _one(urn, topics, region, here)


@whole_rule(
    id="contract-roles",
    item=ChecklistItem.IDENTITY,
    severity=Severity.CRITICAL,
    frameworks=_FRAMEWORKS,
)
def the_contract_names_the_agents_role(stack: Stack) -> Found:
    """Each jurisdiction has one role for its agents, and the contract names it.

    Why: agents that assume another role may what it may.
    Good: ``"agent_role_arn": identity.role_arn``
    Bad: the ARN of an administrator's role
    Fix: let infra/outputs.py fill the contract from the components.
    """
    for urn, name, jurisdiction in _jurisdictions(stack):
        roles = _of_component(stack, ROLE, "agent-identity", name)
        yield from _one(urn, jurisdiction, "agent_role_arn", roles)
        for role in roles:
            if not stack.pointing(role, ROLE_POLICY, "role"):
                yield role.urn, _wrong("agents are allowed nothing", "")


@whole_rule(
    id="contract-parameter",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def every_region_has_the_contract(stack: Stack) -> Found:
    """Each serving region keeps the exported contract as a parameter, under one name.

    Why: processes read it there when they start, also while every other region is lost.
    Good: ``aws.ssm.Parameter(region=region, name=name, value=contract)``
    Bad: a region without the parameter, or with a text of somebody's own
    Fix: use the PlatformParameter component for every serving region.
    """
    names: set[str | None] = set()
    for urn, name, jurisdiction in _jurisdictions(stack):
        contract = contract_of(stack)
        for region, part in parts_of(jurisdiction, "regions"):
            found = [
                parameter
                for parameter in _placed(stack, PARAMETER, name, region)
                if parameter.component == "platform-parameter"
            ]
            if not found:
                yield urn, _wrong(f"{region} does not keep the contract", part.path)
            for parameter in found:
                names.add(parameter.properties.text("name"))
                if len(names) > 1:
                    yield parameter.urn, _wrong("it has another name than elsewhere", "name")
                if contract is not None and not _is_text_of(parameter, contract):
                    yield parameter.urn, _wrong("it is not what the stack exports", "value")


def _is_text_of(parameter: Resource, contract: Contract) -> bool:
    """Whether a parameter's value is the contract, or comes from what the contract comes from."""
    if parameter.properties.is_unknown("value"):
        return bool(parameter.references.get("value"))
    try:
        document: object = json.loads(parameter.properties.text("value") or "")
    except ValueError:
        return False
    return _agrees(document, contract.properties)


def _agrees(document: object, properties: Properties) -> bool:
    """Whether a document says what an object does, as far as that is known."""
    if not isinstance(document, dict):
        return False
    fields = cast("dict[str, object]", document)
    return all(
        properties.is_unknown(name) or properties.plain(name) == fields.get(name)
        if not isinstance(fields.get(name), dict)
        else _agrees(fields[name], properties.object(name) or properties)
        for name in properties.given()
    )


def _jurisdictions(stack: Stack) -> Iterator[tuple[str, str, Properties]]:
    """Where violations are reported, with each jurisdiction by its name."""
    contract = contract_of(stack)
    if contract is not None:
        for name, jurisdiction in contract.jurisdictions():
            yield contract.urn, name, jurisdiction


def _objects(properties: Properties, *names: str) -> Iterator[Properties]:
    """Objects that a contract has to have.

    Raises:
        Undetermined: If one is not there.
    """
    for name in names:
        part = properties.object(name)
        if part is None:
            raise Undetermined(properties.at(name), properties.owner)
        yield part


def _placed(stack: Stack, token: str, jurisdiction: str, region: str) -> tuple[Resource, ...]:
    return tuple(
        resource
        for resource in stack.of_type(token)
        if resource.jurisdiction == jurisdiction and resource.region == region
    )


def _of_component(
    stack: Stack, token: str, component: str, jurisdiction: str
) -> tuple[Resource, ...]:
    return tuple(
        resource
        for resource in stack.of_type(token)
        if resource.component == component and resource.jurisdiction == jurisdiction
    )


def _one(urn: str, promised: Properties, name: str, found: tuple[Resource, ...]) -> Found:
    """A violation unless there is exactly one resource, with the ARN that is promised."""
    if len(found) != 1:
        yield urn, _wrong(f"{len(found)} resources could be meant", promised.at(name))
    else:
        yield from _differences(urn, promised, found[0], ((name, "arn"),))


def _differences(
    urn: str, promised: Properties, resource: Resource, pairs: tuple[tuple[str, str], ...]
) -> Found:
    """Fields of the contract that are not what the resource they are about answers."""
    for name, output in pairs:
        answered = output in resource.properties and not resource.properties.is_unknown(output)
        if promised.is_unknown(name) or not answered:
            # What only the provider can answer is unknown on both sides, or on neither.
            if promised.is_unknown(name) == answered:
                yield urn, _wrong(f"it is not computed from {resource.name}", promised.at(name))
        elif promised.plain(name) != resource.properties.plain(output):
            yield urn, _wrong(f"{resource.name} has another {output}", promised.at(name))


def _root(stack: Stack) -> str:
    for resource in stack.resources:
        if resource.type == "pulumi:pulumi:Stack":
            return resource.urn
    return ""


def _wrong(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="what the stack tells its runtime is what the stack is",
        fix="let infra/outputs.py fill the contract from the components that were built",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (
    a_stack_exports_its_contract,
    the_contract_names_the_tables,
    the_contract_names_the_buckets,
    the_contract_names_the_limiters,
    the_contract_names_where_users_arrive,
    the_contract_names_the_switch,
    the_contract_names_the_agents_role,
    every_region_has_the_contract,
)
