"""The environment matrix: what dev, test, staging and prod may be, as typed profiles.

Guarantees:
    A stack file that contradicts its environment is refused, leaf by leaf: every model here
    judges its own fields by the environment in the validation context, so that one bad value
    hides no other.

Does not guarantee:
    That agents behave as the profile says. It is what they are told; oversight checks them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from holdfast.contract import Environment
from infra.problems import Problem, listed, nearest, refuse


class Tools(StrEnum):
    """What agents act on the world with."""

    STUBS = "stubs"
    MOCKED = "mocked-and-repeatable"
    SANDBOX = "real-in-a-sandbox"
    GUARDED = "real-behind-safety-checks"


class Data(StrEnum):
    """What the platform's stores hold."""

    MADE_UP = "made-up"
    FIXED = "fixed"
    ANONYMISED = "anonymised-real-shape"
    REAL = "real"


class SafetyChecks(StrEnum):
    """How the gate between deciding and acting behaves."""

    OPTIONAL = "optional"
    AS_PROD = "as-prod"
    FAIL_CLOSED = "all-on-fail-closed"


class Approvals(StrEnum):
    """Who approves an action that needs approval."""

    SKIPPED = "skipped"
    MOCKED = "mocked"
    HUMANS = "real-humans"


class TokenBudget(StrEnum):
    """How many tokens agents may spend, and what happens at the end of them."""

    LOOSE = "loose"
    TIGHT = "tight-and-enforced"
    PRODUCTION = "production"


class Rollback(StrEnum):
    """How a bad release is taken back."""

    NOT_APPLICABLE = "not-applicable"
    REDEPLOY = "minutes-by-redeploy"
    FLAG = "seconds-by-flag"


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


LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557)
"""Retention periods of CloudWatch Logs that we offer, of those that PutRetentionPolicy accepts."""


PROBE_INTERVALS_S = (10, 30)
"""What Route 53 offers between two probes of one checker."""

AGREEMENT_S = 6
"""What Route 53's checkers take to agree on a verdict and its name servers to hear of it."""


class Frozen(BaseModel):
    """Base of every part of a profile: immutable, closed to unknown fields, strictly typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """What other keys of the file are judged by, read ahead of their own validation.

    A broken key elsewhere must not hide a contradiction here, so these come from the raw
    document; None where the document has no usable value.

    Attributes:
        stack: Name of the stack that the file belongs to.
        environment: The environment that the file declares.
        active_passive: Whether the file declares one serving region per jurisdiction.
        rto_s: The recovery time that the file promises, in seconds.
        jurisdictions: Names of the jurisdictions that the file declares.
        prefix: What every name of the platform's own IAM roles starts with.
    """

    stack: str
    environment: Environment | None
    active_passive: bool
    rto_s: float | None
    jurisdictions: tuple[str, ...]
    prefix: str


def ahead_of(info: ValidationInfo) -> Ahead | None:
    """The values read ahead, or None when a model is built outside a stack file."""
    context: object = info.context
    return context if isinstance(context, Ahead) else None


class Model(Frozen):
    """The model that agents call.

    Attributes:
        id: Bedrock model id, with its version.
        fallback: Model that takes over when the first fails; None for none.
        mocked: Whether a local fake answers in its place.
    """

    id: str
    fallback: str | None = None
    mocked: bool = False

    @model_validator(mode="after")
    def _as_the_environment_says(self, info: ValidationInfo) -> Self:
        ahead = ahead_of(info)
        if ahead is not None and ahead.environment is not None:
            refuse(*model_problems(self, ahead.environment))
        return self


class Agents(Frozen):
    """The column of the matrix that tells agents how to behave.

    Attributes:
        model: What they call.
        tools: What they act with.
        data: What they act on.
        safety_checks: How their actions are checked.
        approvals: Who approves them.
        token_budget: What they may spend.
        rollback: How a bad release of them is taken back.
    """

    model: Model
    tools: Tools
    data: Data
    safety_checks: SafetyChecks
    approvals: Approvals
    token_budget: TokenBudget
    rollback: Rollback

    @field_validator("tools", "data", "safety_checks", "approvals", "token_budget", "rollback")
    @classmethod
    def _as_the_environment_says(cls, value: StrEnum, info: ValidationInfo) -> StrEnum:
        ahead = ahead_of(info)
        if ahead is None or ahead.environment is None or info.field_name is None:
            return value
        expected: StrEnum = getattr(PROFILES[ahead.environment].agents, info.field_name)
        if value is not expected:
            refuse(
                Problem(
                    path=(),
                    given=value,
                    wrong=f"contradicts the environment {ahead.environment}",
                    allowed=expected,
                    fix=f"write {expected}, or remove the key: {ahead.environment} implies it",
                )
            )
        return value


class Sizes(Frozen):
    """How much of everything each serving region gets.

    Attributes:
        zones: Availability zones with a public and a private subnet.
        valkey_node_type: ElastiCache node type of the rate-limit cluster.
        valkey_replicas: Read replicas of the rate-limit cluster, in other zones.
    """

    zones: Annotated[int, Field(ge=1, le=3)]
    valkey_node_type: Annotated[str, Field(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$")]
    valkey_replicas: Annotated[int, Field(ge=0, le=5)]

    @field_validator("zones", "valkey_replicas")
    @classmethod
    def _enough(cls, value: int, info: ValidationInfo) -> int:
        return at_least(value, info, "sizes")

    @field_validator("valkey_node_type")
    @classmethod
    def _not_burstable_in_prod(cls, value: str, info: ValidationInfo) -> str:
        ahead = ahead_of(info)
        if ahead and ahead.environment is Environment.PROD and value.startswith("cache.t"):
            refuse(
                Problem(
                    path=(),
                    given=value,
                    wrong="a burstable node runs out of CPU credits when a storm lasts",
                    allowed="a node type that is not of the t families",
                    fix=f"write {PROFILES[Environment.PROD].sizes.valkey_node_type} or larger",
                )
            )
        return value


class Retention(Frozen):
    """How long things are kept, in days.

    Attributes:
        recovery_days: How far back tables can be restored to a point in time.
        version_days: How long replaced and deleted versions of objects are kept.
        log_days: How long logs are kept. CloudWatch accepts only some numbers.
        key_deletion_days: How long a key scheduled for deletion can still be saved.
    """

    recovery_days: Annotated[int, Field(ge=1, le=35)]
    version_days: Annotated[int, Field(ge=1, le=3650)]
    log_days: int
    key_deletion_days: Annotated[int, Field(ge=7, le=30)]

    @field_validator("log_days")
    @classmethod
    def _cloudwatch_knows_it(cls, value: int) -> int:
        if value not in LOG_DAYS:
            refuse(
                Problem(
                    path=(),
                    given=value,
                    wrong="CloudWatch Logs keeps no log for that many days",
                    allowed=", ".join(str(days) for days in LOG_DAYS),
                    fix=f"write {min(LOG_DAYS, key=lambda days: abs(days - value))}",
                )
            )
        return value

    @field_validator("recovery_days", "version_days", "log_days", "key_deletion_days")
    @classmethod
    def _enough(cls, value: int, info: ValidationInfo) -> int:
        return at_least(value, info, "retention")


def at_least(value: int, info: ValidationInfo, section: str) -> int:
    """Refuses a number below the environment's floor.

    Args:
        value: The number given.
        info: The running validation; names the field and carries the environment.
        section: Which floor of the profile applies, ``sizes`` or ``retention``.
    """
    ahead = ahead_of(info)
    if ahead is None or ahead.environment is None or info.field_name is None:
        return value
    profile = PROFILES[ahead.environment]
    floor = profile.floors.get(f"{section}.{info.field_name}", 0)
    if value < floor:
        refuse(
            Problem(
                path=(),
                given=value,
                wrong=f"contradicts the environment {ahead.environment}, which needs more",
                allowed=f"{floor} or more",
                fix=f"write {floor} or more, or remove the key",
            )
        )
    return value


class Routing(Frozen):
    """How fast users are led away from a region that fails.

    Attributes:
        interval_s: Seconds between two probes of one health checker. Route 53 offers 10 and 30.
        failure_threshold: Failed probes in a row until a checker calls a region unhealthy.
        ttl_s: Seconds that resolvers may keep an answer.
    """

    interval_s: int
    failure_threshold: Annotated[int, Field(ge=1, le=10)]
    ttl_s: Annotated[int, Field(ge=1, le=86_400)]

    @property
    def switch_s(self) -> int:
        """Longest time from a region's failure until no new connection goes to it, in seconds.

        The last good probe may be just over when the region fails; then follow the failed
        probes, the seconds that the checkers need to agree, and the answers still cached.
        Connections that are already open are the clients' and not counted. Source: FACTS of
        Route 53, measured on its health checkers.
        """
        return self.failure_threshold * self.interval_s + AGREEMENT_S + self.ttl_s

    @field_validator("interval_s")
    @classmethod
    def _route_53_offers_it(cls, value: int) -> int:
        if value not in PROBE_INTERVALS_S:
            refuse(
                Problem(
                    path=(),
                    given=value,
                    wrong="Route 53 has no such interval",
                    allowed=" or ".join(str(interval) for interval in PROBE_INTERVALS_S),
                    fix="write 10 where seconds count, or 30 where money does",
                )
            )
        return value

    @model_validator(mode="after")
    def _fast_enough(self, info: ValidationInfo) -> Self:
        ahead = ahead_of(info)
        if ahead is not None and ahead.rto_s is not None and self.switch_s > ahead.rto_s:
            sum_s = f"{self.failure_threshold} * {self.interval_s} + {AGREEMENT_S} + {self.ttl_s}"
            refuse(
                Problem(
                    path=(),
                    given=self.model_dump(),
                    wrong=f"switching regions takes up to {sum_s} = {self.switch_s} s, longer "
                    f"than the promised rto_s of {ahead.rto_s:g} s",
                    allowed="failure_threshold * interval_s + "
                    f"{AGREEMENT_S} + ttl_s <= {ahead.rto_s:g}",
                    fix=f"lower ttl_s or the others, or promise rto_s {self.switch_s} or more",
                )
            )
        return self


class Profile(Frozen):
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
        floors: Smallest allowed number by ``section.key``.
        rollback_at_most_s: Longest ``rollback_s`` that fits the way of rolling back; None where
            rollback does not apply.
        deletion_protection: Whether stores refuse to be deleted.
    """

    model_rule: ModelRule
    agents: Agents
    sizes: Sizes
    retention: Retention
    routing: Routing
    network: IPv4Network
    floors: Mapping[str, int] = {}
    rollback_at_most_s: int | None = None
    deletion_protection: bool


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
            retention=Retention(recovery_days=1, version_days=1, log_days=3, key_deletion_days=7),
            # Probes every 10 s and their extra checkers cost more than all of dev's requests.
            routing=Routing(interval_s=30, failure_threshold=3, ttl_s=30),
            network=IPv4Network("10.192.0.0/10"),
            deletion_protection=False,
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
            retention=Retention(recovery_days=1, version_days=1, log_days=7, key_deletion_days=7),
            routing=Routing(interval_s=10, failure_threshold=3, ttl_s=10),
            network=IPv4Network("10.128.0.0/10"),
            deletion_protection=False,
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
            retention=Retention(recovery_days=7, version_days=7, log_days=30, key_deletion_days=7),
            routing=Routing(interval_s=10, failure_threshold=3, ttl_s=10),
            network=IPv4Network("10.64.0.0/10"),
            # The same shape as prod: what fails for want of a replica should fail here first.
            floors={"sizes.zones": 3, "sizes.valkey_replicas": 1},
            rollback_at_most_s=3600,
            deletion_protection=True,
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
            retention=Retention(
                recovery_days=35, version_days=90, log_days=365, key_deletion_days=30
            ),
            routing=Routing(interval_s=10, failure_threshold=3, ttl_s=10),
            network=IPv4Network("10.0.0.0/10"),
            floors={
                "sizes.zones": 3,
                "sizes.valkey_replicas": 1,
                "retention.recovery_days": 7,
                "retention.version_days": 30,
                "retention.log_days": 90,
                "retention.key_deletion_days": 30,
            },
            rollback_at_most_s=60,
            deletion_protection=True,
        ),
    }
)
"""The matrix. A team that needs another answer changes it here, in review, and not in passing."""


def model_problems(model: Model, environment: Environment) -> tuple[Problem, ...]:
    """What contradicts the environment in a choice of model.

    Args:
        model: The choice.
        environment: The environment that the stack file declares.
    """
    rule = PROFILES[environment].model_rule
    if rule in (ModelRule.SAME_AS_PROD, ModelRule.PINNED_WITH_FALLBACK):
        return tuple(
            Problem(
                path=(key,),
                given=given,
                wrong=f"contradicts the environment {environment}, whose model is {rule}",
                allowed=json.dumps(expected),
                fix="remove the key, or change PROD_MODEL in infra/environments.py for staging "
                "and prod together",
            )
            for key, given, expected in (
                ("id", model.id, PROD_MODEL.id),
                ("fallback", model.fallback, PROD_MODEL.fallback),
                ("mocked", model.mocked, False),
            )
            if given != expected
        )
    tiers = {Tier.FAST} if rule is ModelRule.CHEAP_AND_FAST else set(Tier)
    allowed = [name for name, tier in MODELS.items() if tier in tiers]
    return tuple(
        Problem(
            path=(key,),
            given=given,
            wrong=f"contradicts the environment {environment}, whose model is {rule}",
            allowed=listed(allowed),
            fix=f"write {nearest(given, allowed) or allowed[0]}, or add the model and its version "
            "to MODELS in infra/environments.py",
        )
        for key, given in (("id", model.id), ("fallback", model.fallback))
        if given is not None and given not in allowed
    )


def rollback_problems(rollback_s: float, environment: Environment) -> tuple[Problem, ...]:
    """What contradicts the environment in the time promised for a rollback.

    Args:
        rollback_s: The promise, in seconds.
        environment: The environment that the stack file declares.
    """
    profile = PROFILES[environment]
    longest_s = profile.rollback_at_most_s
    if longest_s is None or rollback_s <= longest_s:
        return ()
    return (
        Problem(
            path=(),
            given=rollback_s,
            wrong=f"contradicts the environment {environment}, which rolls back in "
            f"{profile.agents.rollback}",
            allowed=f"{longest_s} or less",
            fix=f"write {longest_s} or less",
        ),
    )
