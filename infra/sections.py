"""What a stack file is made of: the shape of each section and the rules that hold everywhere.

Guarantees:
    Every field is judged on its own by the environment that the file declares, so that one bad
    value hides no other.

Does not guarantee:
    Anything about an environment: its answers stand in ``infra/environments.py``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from holdfast.contract import Approvals, Data, Rollback, SafetyChecks, TokenBudget, Tools
from infra.problems import Problem, refuse

PROBE_INTERVALS_S = (10, 30)
"""What Route 53 offers between two probes of one checker."""

AGREEMENT_S = 6
"""About what Route 53's checkers take to agree on a verdict and its name servers to hear of it.

AWS promises no bound on it."""


class AgentNetwork(StrEnum):
    """Where agents run, and so how they reach AWS and their model.

    ``PRIVATE_ENDPOINTS``: in private subnets, by endpoints of their own network; the internet is
    out of reach. ``PUBLIC``: in public subnets, with public addresses, over the internet.
    """

    PRIVATE_ENDPOINTS = "private-endpoints"
    PUBLIC = "public"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """What other keys of the file are judged by, read ahead of their own validation.

    A broken key elsewhere must not hide a contradiction here, so these come from the raw
    document; None where the document has no usable value.

    Attributes:
        stack: Name of the stack that the file belongs to.
        judge: What contradicts the declared environment in a field, given its section, its key
            and its value.
        active_passive: Whether the file declares one serving region per jurisdiction.
        rto_s: The recovery time that the file promises, in seconds.
        jurisdictions: Names of the jurisdictions that the file declares; None where it has none
            that can be read, so that no tenant is called homeless for that.
        prefix: What every name of the platform's own IAM roles starts with.
    """

    stack: str
    judge: Callable[[type[BaseModel], str, object], tuple[Problem, ...]]
    active_passive: bool
    rto_s: float | None
    jurisdictions: tuple[str, ...] | None
    prefix: str


def ahead_of(info: ValidationInfo) -> Ahead | None:
    """The values read ahead, or None when a model is built outside a stack file."""
    context: object = info.context
    return context if isinstance(context, Ahead) else None


class Section(BaseModel):
    """Base of every part of a stack file: immutable, closed to unknown keys, strictly typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _as_the_environment_says(cls, value: object, info: ValidationInfo) -> object:
        ahead = ahead_of(info)
        if ahead is not None and info.field_name is not None:
            refuse(*ahead.judge(cls, info.field_name, value))
        return value


def matching(pattern: str, allowed: str) -> AfterValidator:
    """Refuses a string of another form, in words that need no regular expression.

    Args:
        pattern: Regular expression that the whole string has to match.
        allowed: What it says, for people.
    """

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            refuse(
                Problem(
                    path=(),
                    given=value,
                    wrong="has another form",
                    allowed=allowed,
                    fix="write it in that form",
                )
            )
        return value

    return AfterValidator(check)


class Model(Section):
    """The model that agents call.

    Attributes:
        id: Bedrock model id, with its version.
        fallback: Model that takes over when the first fails; None for none.
        mocked: Whether a local fake answers in its place.
    """

    id: str
    fallback: str | None = None
    mocked: bool = False


class Agents(Section):
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


class Sizes(Section):
    """How much of everything each serving region gets.

    Attributes:
        zones: Availability zones with a public and a private subnet.
        valkey_node_type: ElastiCache node type of the rate-limit cluster.
        valkey_replicas: Read replicas of the rate-limit cluster, in other zones.
    """

    zones: Annotated[int, Field(ge=1, le=3)]
    valkey_node_type: Annotated[
        str,
        matching(
            # Older families encrypt nothing in transit, and so could not ask for a token. Families
            # that keep data on disks, such as r6gd, need another kind of cluster.
            r"cache\.(t(3|4g)\.(micro|small|medium)"
            r"|[mr]5\.(|2x|4x|12x|24x|x)large"
            r"|([mr][67]g|c7gn)\.(|2x|4x|8x|12x|16x|x)large)",
            "a node type that AWS has of the families t3, t4g, m5, m6g, m7g, r5, r6g, r7g or c7gn, "
            "such as cache.m7g.large",
        ),
    ]
    valkey_replicas: Annotated[int, Field(ge=0, le=2)]

    @model_validator(mode="after")
    def _each_node_has_a_zone(self) -> Self:
        if self.valkey_replicas >= self.zones:
            refuse(
                Problem(
                    path=("valkey_replicas",),
                    given=self.valkey_replicas,
                    wrong=f"puts {1 + self.valkey_replicas} nodes into {self.zones} zones, so that "
                    "one zone's loss takes several",
                    allowed=f"at most {self.zones - 1}, a node for each zone",
                    fix="write fewer replicas or more zones",
                )
            )
        return self


class Retention(Section):
    """How long things are kept, in days.

    Attributes:
        recovery_days: How far back tables can be restored to a point in time.
        version_days: How long replaced and deleted versions of objects are kept.
        key_deletion_days: How long a key scheduled for deletion can still be saved.
    """

    recovery_days: Annotated[int, Field(ge=1, le=35)]
    version_days: Annotated[int, Field(ge=1, le=3650)]
    key_deletion_days: Annotated[int, Field(ge=7, le=30)]


class Routing(Section):
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
        """About how long it takes from a region's failure until no new connection goes to it, in s.

        The failed probes, the seconds that the checkers need to agree, and the answers still
        cached. It is an estimate and no bound: AWS promises none for the seconds between. Name
        servers hearing late and clients that keep a dead connection come on top; the slack to
        ``rto_s`` is for all of these.
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
                    wrong=f"switching regions takes about {sum_s} = {self.switch_s} s, longer "
                    f"than the promised rto_s of {ahead.rto_s:g} s",
                    allowed="failure_threshold * interval_s + "
                    f"{AGREEMENT_S} + ttl_s <= {ahead.rto_s:g}",
                    fix=f"lower ttl_s or the others, or promise rto_s {self.switch_s} or more",
                )
            )
        return self
