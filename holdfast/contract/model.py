"""The frozen model of a deployed platform.

Guarantees:
    A ``Platform`` that parsed is complete and consistent: every tenant has a home that exists,
    every table and copy of a bucket lies inside the jurisdiction that lists it, no region
    belongs to two, and agents are told nothing that their environment does not allow.

Does not guarantee:
    That what it names still exists. It is a description, not a probe.

It carries no AWS API endpoint: those come from the environment of the process
(``AWS_REGION``, and ``AWS_ENDPOINT_URL`` on the twin), as for every AWS client.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from holdfast.contract.agents import Behaviour, contradictions, misplaced
from holdfast.contract.base import Environment, Frozen
from holdfast.contract.load import contract_text, json_object
from holdfast.errors import ContractError

SCHEMA_VERSION = "1.1"
"""``major.minor``. Readers refuse an unknown major and ignore nothing within one."""

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]


class Mode(StrEnum):
    """How the regions of a jurisdiction share the work."""

    ACTIVE_ACTIVE = "active-active"
    ACTIVE_PASSIVE = "active-passive"


class Role(StrEnum):
    """What one region does in its jurisdiction. A witness votes and serves nothing."""

    ACTIVE = "active"
    PRIMARY = "primary"
    STANDBY = "standby"


class Consistency(StrEnum):
    """What a replicated table promises its readers.

    ``STRONG`` is DynamoDB multi-Region strong consistency: linearizable per item over the
    jurisdiction. ``EVENTUAL`` is last writer wins, and may never hold a lock.
    """

    STRONG = "strong"
    EVENTUAL = "eventual"


class Objectives(Frozen):
    """What the platform promises when things go wrong. All in seconds.

    Attributes:
        rto_s: Longest time from a fault until the success rate is back and stays.
        rpo_s: Longest span of acknowledged writes that a survivor may lack.
        kill_s: Longest time from tripping the switch until no agent acts.
        rollback_s: Longest time from the decision to roll back until it is in force.
    """

    rto_s: Seconds
    rpo_s: Annotated[float, Field(ge=0)]
    kill_s: Seconds
    rollback_s: Seconds


class Ingress(Frozen):
    """Where a region takes requests.

    Attributes:
        hostname: Name of the region's load balancer. Not for users: they use the jurisdiction's.
        port: TCP port that users connect to.
        health_path: HTTP path that answers 200 while the region can serve.
    """

    hostname: str
    port: Port
    health_path: str


class Limiter(Frozen):
    """A region's Valkey cluster for rate limits and budgets.

    Attributes:
        host: Primary endpoint.
        port: TCP port.
        tls: Whether clients must use TLS.
        secret_arn: Secrets Manager secret of the region that holds the auth token.
    """

    host: str
    port: Port
    tls: bool
    secret_arn: str


class Table(Frozen):
    """A DynamoDB table, the same name in each of its regions.

    Attributes:
        name: Physical name.
        consistency: What readers in different regions may rely on.
        regions: Regions that hold a replica and can be read and written, the home region first.
        witness: Region of the third vote, when there is one. Holds a log, serves nothing.
    """

    name: str
    consistency: Consistency
    regions: tuple[str, ...]
    witness: str | None = None


class Bucket(Frozen):
    """An S3 bucket of one region.

    Attributes:
        name: Physical name.
        replicates_to: Names of the buckets, in the same jurisdiction, that receive copies.
    """

    name: str
    replicates_to: tuple[str, ...] = ()


class KillSwitch(Frozen):
    """The flag that stops every agent of a jurisdiction.

    Attributes:
        table: Strongly consistent table that holds the flag.
        key: Partition key of the flag's item.
        role_arn: Out-of-band role that may trip the flag and do nothing else.
        topic_arns: SNS topic by region that the switch's alarms notify.
    """

    table: str
    key: str
    role_arn: str
    topic_arns: Mapping[str, str]


class Region(Frozen):
    """One region that serves.

    Attributes:
        name: AWS name, such as ``eu-west-1``.
        role: What the region does in its jurisdiction.
        ingress: Where it takes requests.
        limiter: Its rate-limit cluster.
        bucket: Its object store.
    """

    name: str
    role: Role
    ingress: Ingress
    limiter: Limiter
    bucket: Bucket


def _stand_under_their_names(parts: "Mapping[str, Region] | Mapping[str, Jurisdiction]") -> None:
    for key, part in parts.items():
        if part.name != key:
            raise ValueError(f"{part.name} stands under the key {key}; allowed is its own name")


class Jurisdiction(Frozen):
    """A legal area that its tenants' data never leaves.

    Attributes:
        name: Short name, such as ``eu``.
        hostname: The one name that users of the jurisdiction resolve.
        dns_ttl_s: How long resolvers may keep an answer for that name.
        regions: Serving regions by name.
        witness: Region of the coordination table's third vote; None where a third serving
            region is that vote.
        coordination: Leases, locks, idempotency records, kill epoch. Strongly consistent.
        state: Tenants' working data. Eventually consistent, last writer wins.
        kill_switch: The flag that stops the jurisdiction's agents.
        agent_role_arn: The identity that its agents assume; allowed nothing outside it.
    """

    name: str
    hostname: str
    dns_ttl_s: Annotated[int, Field(ge=0)]
    regions: Mapping[str, Region]
    witness: str | None
    coordination: Table
    state: Table
    kill_switch: KillSwitch
    agent_role_arn: str

    @model_validator(mode="after")
    def _nothing_lies_outside(self) -> Self:
        inside = {*self.regions, *filter(None, [self.witness])}
        for table in (self.coordination, self.state):
            outside = sorted({*table.regions, *filter(None, [table.witness])} - inside)
            if outside:
                raise ValueError(
                    f"table {table.name} of jurisdiction {self.name} lies in "
                    f"{', '.join(outside)}; allowed are {', '.join(sorted(inside))}"
                )
        buckets = {region.bucket.name for region in self.regions.values()}
        for region in self.regions.values():
            abroad = sorted(set(region.bucket.replicates_to) - buckets)
            if abroad:
                raise ValueError(
                    f"bucket {region.bucket.name} of jurisdiction {self.name} replicates to "
                    f"{', '.join(abroad)}; allowed are {', '.join(sorted(buckets))}"
                )
        return self

    @model_validator(mode="after")
    def _regions_stand_under_their_names(self) -> Self:
        _stand_under_their_names(self.regions)
        return self


class Platform(Frozen):
    """Everything a runtime needs to know about the platform it runs on.

    Attributes:
        schema_version: ``major.minor`` of this model.
        project: Name of the platform, the prefix of every physical name.
        stack: Name of the Pulumi stack that deployed it.
        environment: Which kind of environment it is.
        mode: How the regions of each jurisdiction share the work.
        objectives: What it promises under failure.
        agents: How agents behave: their column of the environment matrix.
        monthly_budget_usd: What the platform may cost in a calendar month.
        jurisdictions: By short name.
        tenants: Home jurisdiction by tenant.
    """

    schema_version: str = SCHEMA_VERSION
    project: str
    stack: str
    environment: Environment
    mode: Mode
    objectives: Objectives
    agents: Behaviour
    monthly_budget_usd: Annotated[int, Field(gt=0)]
    jurisdictions: Mapping[str, Jurisdiction]
    tenants: Mapping[str, str]

    @model_validator(mode="after")
    def _agents_behave_as_the_environment_asks(self) -> Self:
        wrong = "; ".join(contradictions(self.environment, self.agents))
        if wrong:
            raise ValueError(wrong)
        return self

    @model_validator(mode="after")
    def _every_tenant_has_a_home(self) -> Self:
        for tenant, home in self.tenants.items():
            if home not in self.jurisdictions:
                raise ValueError(
                    f"tenant {tenant} has its home in {home}; "
                    f"allowed are {', '.join(sorted(self.jurisdictions))}"
                )
        return self

    @model_validator(mode="after")
    def _every_region_has_one_jurisdiction(self) -> Self:
        _stand_under_their_names(self.jurisdictions)
        owners: dict[str, str] = {}
        for name, jurisdiction in self.jurisdictions.items():
            for region in {*jurisdiction.regions, *filter(None, [jurisdiction.witness])}:
                if owners.setdefault(region, name) != name:
                    raise ValueError(
                        f"{region} belongs to {owners[region]} and to {name}; allowed is one"
                    )
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses a contract.

        Args:
            text: The JSON of the stack's ``platform`` output.

        Raises:
            ContractError: If it is no JSON object, has another major version, or does not fit.
        """
        document = json_object(text)
        version = document.get("schema_version")
        understood = SCHEMA_VERSION.split(".", maxsplit=1)[0]
        if not isinstance(version, str) or version.split(".")[0] != understood:
            raise ContractError(
                f"The platform contract has schema_version {version!r}; this reader understands "
                f"{understood}.x. Deploy and run the same release of Holdfast."
            )
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise ContractError(
                f"The platform contract does not fit its schema: {error}"
            ) from error

    @classmethod
    def load(cls) -> Self:
        """Loads the contract of the platform that this process runs on.

        ``HOLDFAST_PLATFORM_FILE`` names a file (a mounted ConfigMap, say); without it,
        ``HOLDFAST_PLATFORM_PARAMETER`` names a parameter of the region's Parameter Store. What the
        process says that it was made for (``holdfast.contract.agents.DECLARATIONS``) has to be
        what the contract says.

        Raises:
            ContractError: If neither is set, if what they name cannot be read or does not fit, or
                if the process was made for another environment.
        """
        platform = cls.parse(contract_text())
        wrong = "; ".join(misplaced(platform.agents, os.environ))
        if wrong:
            raise ContractError(
                f"This process does not fit the environment {platform.environment}: {wrong}. Start "
                "what was made for it, or correct the variables."
            )
        return platform

    @property
    def regions(self) -> Mapping[str, Region]:
        """Every serving region of every jurisdiction, by name."""
        return {
            name: region
            for jurisdiction in self.jurisdictions.values()
            for name, region in jurisdiction.regions.items()
        }

    def jurisdiction_of_region(self, region: str) -> Jurisdiction | None:
        """The jurisdiction that a region serves or votes in, or None for a foreign region."""
        for jurisdiction in self.jurisdictions.values():
            if region in jurisdiction.regions or region == jurisdiction.witness:
                return jurisdiction
        return None

    def home_of(self, tenant: str) -> Jurisdiction | None:
        """The jurisdiction that a tenant's data must stay in, or None for a stranger."""
        home = self.tenants.get(tenant)
        return None if home is None else self.jurisdictions[home]
