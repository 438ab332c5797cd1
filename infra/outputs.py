"""Fills the contract from what was built.

Guarantees:
    What every region is given is a :class:`holdfast.contract.Platform` that validated, with values
    as the provider answered them, so it is as right on the twin as on AWS. What the stack exports
    is the same.

Does not guarantee:
    Anything in a preview but what is known of it, value by value.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.aws.agent_identity import AgentIdentity
from components.aws.coordination_store import CoordinationStore
from components.aws.geo_store import GeoStore
from components.aws.ingress import Ingress
from components.aws.kill_switch import KillSwitch
from components.aws.network import Network
from components.aws.rate_limits import RateLimits
from holdfast.contract import SCHEMA_VERSION, Consistency, Platform
from infra.topology import JurisdictionPlan, RegionPlan, Topology


@dataclass(frozen=True, kw_only=True)
class BuiltRegion:
    """What was built in one serving region."""

    network: Network
    ingress: Ingress
    limits: RateLimits


@dataclass(frozen=True, kw_only=True)
class BuiltJurisdiction:
    """What was built for one jurisdiction.

    Attributes:
        regions: By region name.
        coordination: Strongly consistent table.
        store: Eventually consistent table and buckets.
        kill_switch: The flag that stops its agents.
        identity: What its agents may do.
    """

    regions: Mapping[str, BuiltRegion]
    coordination: CoordinationStore
    store: GeoStore
    kill_switch: KillSwitch
    identity: AgentIdentity


def platform(
    topology: Topology, built: Mapping[str, BuiltJurisdiction], health_path: str
) -> dict[str, object]:
    """The contract as a JSON object, each value by itself an input.

    So a preview shows all of it that is known, and rules can judge that.

    Args:
        topology: What was to be built.
        built: What was, by jurisdiction.
        health_path: HTTP path that answers 200 while a region can serve.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "project": topology.project,
        "stack": topology.stack,
        "environment": topology.environment.value,
        "mode": topology.mode.value,
        "objectives": topology.objectives.model_dump(),
        "agents": topology.agents.model_dump(mode="json"),
        "monthly_budget_usd": topology.monthly_budget_usd,
        "jurisdictions": {
            plan.name: _jurisdiction(topology, plan, built[plan.name], health_path)
            for plan in topology.jurisdictions
        },
        "tenants": dict(topology.tenants),
    }


def agent_places(
    topology: Topology, built: Mapping[str, BuiltJurisdiction]
) -> dict[str, dict[str, object]]:
    """Where agents run, for whoever deploys them; agents themselves need not know it.

    Args:
        topology: What was to be built.
        built: What was, by jurisdiction.

    Returns:
        By serving region: ``network``, which says whether its subnets are private, with endpoints,
        or public, where an agent needs a public address; the subnets, the security group, and
        where agents register to be sent requests, on :data:`infra.program.AGENT_PORT`.
    """
    return {
        name: {
            "network": topology.agent_network.value,
            "subnet_ids": list(region.network.agent_subnet_ids.values()),
            "security_group_id": region.network.agent_security_group_id,
            "target_group_arn": region.ingress.target_group_arn,
        }
        for jurisdiction in built.values()
        for name, region in jurisdiction.regions.items()
    }


def as_text(contract: Mapping[str, object]) -> pulumi.Output[str]:
    """The contract in the form that a parameter holds: one line, keys sorted.

    Raises:
        pydantic.ValidationError: In its ``apply``, if the provider's answers make no platform.
    """
    return pulumi.Output.from_input(dict(contract)).apply(_one_line)


def _one_line(document: dict[str, object]) -> str:
    platform = Platform.model_validate(document).model_dump(mode="json")
    return json.dumps(platform, sort_keys=True, separators=(",", ":"))


def _jurisdiction(
    topology: Topology, plan: JurisdictionPlan, built: BuiltJurisdiction, health_path: str
) -> dict[str, object]:
    serving = [region.name for region in plan.regions]
    return {
        "name": plan.name,
        "hostname": plan.hostname,
        "dns_ttl_s": topology.routing.ttl_s,
        "regions": {
            region.name: _region(region, plan, built, health_path) for region in plan.regions
        },
        "witness": plan.witness,
        "coordination": {
            "name": built.coordination.table_name,
            "consistency": Consistency.STRONG.value,
            "regions": serving,
            "witness": plan.witness,
        },
        "state": {
            "name": built.store.table_name,
            "consistency": Consistency.EVENTUAL.value,
            "regions": serving,
            "witness": None,
        },
        "kill_switch": {
            "table": built.coordination.table_name,
            "key": topology.kill.item_key,
            "role_arn": built.kill_switch.role_arn,
            "topic_arns": built.kill_switch.topic_arns,
        },
        "agent_role_arn": built.identity.role_arn,
    }


def _region(
    region: RegionPlan, plan: JurisdictionPlan, built: BuiltJurisdiction, health_path: str
) -> dict[str, object]:
    here = built.regions[region.name]
    return {
        "name": region.name,
        "role": region.role.value,
        "ingress": {
            "hostname": here.ingress.hostname,
            "port": here.ingress.port,
            "health_path": health_path,
        },
        "limiter": {
            "host": here.limits.host,
            "port": here.limits.port,
            "tls": here.limits.tls,
            "secret_arn": here.limits.secret_arn,
        },
        "bucket": {
            "name": built.store.bucket_names[region.name],
            "replicates_to": [
                built.store.bucket_names[other.name]
                for other in plan.regions
                if other.name != region.name
            ],
        },
    }
