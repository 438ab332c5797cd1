"""The environment matrix: what dev, test, staging and prod are, as typed profiles.

Guarantees:
    A stack file that contradicts its environment is refused, field by field.

Does not guarantee:
    That agents behave as the profile says. It is what the contract tells them; the runtime does
    not start where it is freer than the environment allows, and oversight checks the rest.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network
from types import MappingProxyType

from pydantic import BaseModel

from holdfast.contract import (
    Approvals,
    Data,
    Environment,
    Rollback,
    SafetyChecks,
    TokenBudget,
    Tools,
)
from infra.problems import Problem, listed, nearest
from infra.sections import AgentNetwork, Agents, Model, Retention, Routing, Section, Sizes


class ModelRule(StrEnum):
    """Which models an environment may call."""

    CHEAP_AND_FAST = "cheap-and-fast"
    PINNED = "pinned"
    SAME_AS_PROD = "same-as-prod"
    PINNED_WITH_FALLBACK = "pinned-with-fallback"


class Tier(StrEnum):
    """How a model trades ability for price and speed."""

    FAST = "fast"
    ABLE = "able"


MODELS: Mapping[str, Tier] = MappingProxyType(
    {
        "amazon.nova-micro-v1:0": Tier.FAST,
        "amazon.nova-lite-v1:0": Tier.FAST,
        "anthropic.claude-haiku-4-5-20251001-v1:0": Tier.FAST,
        "amazon.nova-pro-v1:0": Tier.ABLE,
        "anthropic.claude-sonnet-4-5-20250929-v1:0": Tier.ABLE,
    }
)
"""Bedrock model ids that agents may call. Each names a version: none moves under its users."""


class Profile(Section):
    """One environment: how agents behave, and what a region of it is made of.

    Attributes:
        model_rule: Which models agents may call.
        agents: Their column of the matrix. A stack file may repeat it, not change it, except
            for the model within ``model_rule``.
        sizes: What a stack file gets that names no sizes.
        retention: What a stack file gets that names no retention.
        routing: What a stack file gets that names no routing.
        network: Address pool. Those of the four environments do not overlap, so that they can
            be joined to one transit gateway.
        agent_network: Where agents run when a stack file does not say.
        agents_may_be_public: Whether a stack file may have them run in public subnets.
        floors: Smallest allowed number by section and key.
        rollback_at_most_s: Longest ``rollback_s`` that fits the way of rolling back; None where
            rollback does not apply.
        deletion_protection: Whether stores refuse to be deleted.
        alarms_are_heard: Whether an alarm has to reach somebody.
    """

    model_rule: ModelRule
    agents: Agents
    sizes: Sizes
    retention: Retention
    routing: Routing
    network: IPv4Network
    agent_network: AgentNetwork = AgentNetwork.PRIVATE_ENDPOINTS
    agents_may_be_public: bool = False
    floors: Mapping[tuple[type[BaseModel], str], int]
    rollback_at_most_s: int | None = None
    deletion_protection: bool
    alarms_are_heard: bool


PROD_MODEL = Model(
    id="anthropic.claude-sonnet-4-5-20250929-v1:0",
    fallback="amazon.nova-pro-v1:0",
)
"""What prod calls, and so what staging calls. Changing it here changes both."""

PROFILES: Mapping[Environment, Profile] = MappingProxyType(
    {
        Environment.DEV: Profile(
            model_rule=ModelRule.CHEAP_AND_FAST,
            agents=Agents(
                model=Model(id="amazon.nova-lite-v1:0"),
                tools=Tools.STUBS,
                data=Data.MADE_UP,
                safety_checks=SafetyChecks.OPTIONAL,
                approvals=Approvals.SKIPPED,
                token_budget=TokenBudget.LOOSE,
                rollback=Rollback.NOT_APPLICABLE,
            ),
            sizes=Sizes(zones=1, valkey_node_type="cache.t4g.micro", valkey_replicas=0),
            retention=Retention(recovery_days=1, version_days=1, key_deletion_days=7),
            # Probes every 10 s and their extra checkers cost more than all of dev's requests.
            routing=Routing(interval_s=30, failure_threshold=3, ttl_s=30),
            network=IPv4Network("10.192.0.0/10"),
            # Endpoints would cost more than everything else of dev.
            agent_network=AgentNetwork.PUBLIC,
            agents_may_be_public=True,
            floors={},
            deletion_protection=False,
            alarms_are_heard=False,
        ),
        Environment.TEST: Profile(
            model_rule=ModelRule.PINNED,
            agents=Agents(
                model=Model(id=PROD_MODEL.id, mocked=True),
                tools=Tools.MOCKED,
                data=Data.FIXED,
                safety_checks=SafetyChecks.AS_PROD,
                approvals=Approvals.MOCKED,
                token_budget=TokenBudget.TIGHT,
                rollback=Rollback.NOT_APPLICABLE,
            ),
            sizes=Sizes(zones=2, valkey_node_type="cache.t4g.micro", valkey_replicas=0),
            retention=Retention(recovery_days=1, version_days=1, key_deletion_days=7),
            routing=Routing(interval_s=10, failure_threshold=3, ttl_s=10),
            network=IPv4Network("10.128.0.0/10"),
            agents_may_be_public=True,
            floors={},
            deletion_protection=False,
            alarms_are_heard=False,
        ),
        Environment.STAGING: Profile(
            model_rule=ModelRule.SAME_AS_PROD,
            agents=Agents(
                model=PROD_MODEL,
                tools=Tools.SANDBOX,
                data=Data.ANONYMISED,
                safety_checks=SafetyChecks.AS_PROD,
                approvals=Approvals.MOCKED,
                token_budget=TokenBudget.PRODUCTION,
                rollback=Rollback.REDEPLOY,
            ),
            sizes=Sizes(zones=3, valkey_node_type="cache.t4g.medium", valkey_replicas=1),
            retention=Retention(recovery_days=7, version_days=7, key_deletion_days=7),
            routing=Routing(interval_s=10, failure_threshold=3, ttl_s=10),
            network=IPv4Network("10.64.0.0/10"),
            # The same shape as prod: what fails for want of a replica should fail here first.
            floors={(Sizes, "zones"): 3, (Sizes, "valkey_replicas"): 1},
            rollback_at_most_s=3600,
            deletion_protection=True,
            alarms_are_heard=True,
        ),
        Environment.PROD: Profile(
            model_rule=ModelRule.PINNED_WITH_FALLBACK,
            agents=Agents(
                model=PROD_MODEL,
                tools=Tools.GUARDED,
                data=Data.REAL,
                safety_checks=SafetyChecks.FAIL_CLOSED,
                approvals=Approvals.HUMANS,
                token_budget=TokenBudget.PRODUCTION,
                rollback=Rollback.FLAG,
            ),
            sizes=Sizes(zones=3, valkey_node_type="cache.m7g.large", valkey_replicas=1),
            retention=Retention(recovery_days=35, version_days=90, key_deletion_days=30),
            routing=Routing(interval_s=10, failure_threshold=3, ttl_s=10),
            network=IPv4Network("10.0.0.0/10"),
            floors={
                (Sizes, "zones"): 3,
                (Sizes, "valkey_replicas"): 1,
                (Retention, "recovery_days"): 7,
                (Retention, "version_days"): 30,
                (Retention, "key_deletion_days"): 30,
            },
            rollback_at_most_s=60,
            deletion_protection=True,
            alarms_are_heard=True,
        ),
    }
)
"""The matrix. A team that needs another answer changes it here, in review, and not in passing."""


def contradictions(
    environment: Environment, section: type[BaseModel], key: str, value: object
) -> tuple[Problem, ...]:
    """What contradicts an environment in one field of a stack file.

    Args:
        environment: The environment that the file declares.
        section: The part of the file that the field belongs to.
        key: The field.
        value: Its value.
    """
    profile = PROFILES[environment]
    found: list[Problem] = []
    if section is Agents and isinstance(value, StrEnum):
        found += _another_column(environment, value, getattr(profile.agents, key))
    if section is Model:
        found += _another_model(environment, key, value)
    if isinstance(value, int) and value < (floor := profile.floors.get((section, key), value)):
        found += _too_little(environment, value, floor)
    if key == "valkey_node_type" and environment is Environment.PROD:
        found += _burstable(str(value))
    if key == "agent_network" and value is AgentNetwork.PUBLIC:
        found += _exposed(environment)
    if key == "rollback_s" and isinstance(value, float):
        found += _too_slow(environment, value)
    if key == "alarm_emails" and profile.alarms_are_heard and not value:
        found += _unheard(environment)
    return tuple(found)


def _another_column(environment: Environment, value: StrEnum, expected: StrEnum) -> list[Problem]:
    if value is expected:
        return []
    return [
        Problem(
            path=(),
            given=value,
            wrong=f"contradicts the environment {environment}",
            allowed=expected,
            fix=f"write {expected}, or remove the key: {environment} implies it",
        )
    ]


def _another_model(environment: Environment, key: str, value: object) -> list[Problem]:
    rule = PROFILES[environment].model_rule
    wrong = f"contradicts the environment {environment}, whose model is {rule}"
    if rule in (ModelRule.SAME_AS_PROD, ModelRule.PINNED_WITH_FALLBACK):
        expected: object = getattr(PROD_MODEL, key)
        if value == expected:
            return []
        fix = (
            "remove the key, or change PROD_MODEL in infra/environments.py for staging and prod "
            "together"
        )
        return [Problem(path=(), given=value, wrong=wrong, allowed=json.dumps(expected), fix=fix)]
    tiers = {Tier.FAST} if rule is ModelRule.CHEAP_AND_FAST else set(Tier)
    allowed = [name for name, tier in MODELS.items() if tier in tiers]
    if not isinstance(value, str) or value in allowed:
        return []
    fix = (
        f"write {nearest(value, allowed) or allowed[0]}, or add the model and its version to "
        "MODELS in infra/environments.py"
    )
    return [Problem(path=(), given=value, wrong=wrong, allowed=listed(allowed), fix=fix)]


def _too_little(environment: Environment, value: int, floor: int) -> list[Problem]:
    return [
        Problem(
            path=(),
            given=value,
            wrong=f"contradicts the environment {environment}, which needs more",
            allowed=f"{floor} or more",
            fix=f"write {floor} or more, or remove the key",
        )
    ]


def _burstable(node_type: str) -> list[Problem]:
    if not node_type.startswith("cache.t"):
        return []
    return [
        Problem(
            path=(),
            given=node_type,
            wrong="contradicts the environment prod: a burstable node runs out of CPU credits "
            "when a storm lasts",
            allowed="a node type that is not of the t families",
            fix=f"write {PROFILES[Environment.PROD].sizes.valkey_node_type} or larger",
        )
    ]


def _exposed(environment: Environment) -> list[Problem]:
    if PROFILES[environment].agents_may_be_public:
        return []
    return [
        Problem(
            path=(),
            given=AgentNetwork.PUBLIC,
            wrong=f"contradicts the environment {environment}, whose agents have no public address",
            allowed=AgentNetwork.PRIVATE_ENDPOINTS,
            fix=f"write {AgentNetwork.PRIVATE_ENDPOINTS}, or remove the key",
        )
    ]


def _too_slow(environment: Environment, rollback_s: float) -> list[Problem]:
    profile = PROFILES[environment]
    longest_s = profile.rollback_at_most_s
    if longest_s is None or rollback_s <= longest_s:
        return []
    return [
        Problem(
            path=(),
            given=rollback_s,
            wrong=f"contradicts the environment {environment}, which rolls back in "
            f"{profile.agents.rollback}",
            allowed=f"{longest_s} or less",
            fix=f"write {longest_s} or less",
        )
    ]


def _unheard(environment: Environment) -> list[Problem]:
    return [
        Problem(
            path=(),
            given=[],
            wrong=f"contradicts the environment {environment}: its alarms would reach nobody",
            allowed="one address or more",
            fix="name the address of whoever is on call",
        )
    ]
