"""What shapes the platform: jurisdictions, regions, roles, addresses, votes, failover.

Pure: settings in, frozen plan out, no Pulumi in sight. Every plan is a function of keys (region
names, zone letters, jurisdiction names), never of positions in a file.

Guarantees:
    No two networks of a plan overlap. Each jurisdiction survives the loss of any one region
    with two of its three votes and a region that serves. Every replica and witness lies in its
    jurisdiction. Removing or adding a region or jurisdiction changes no name and no address of
    what stays.

Does not guarantee:
    Anything with two regions of one jurisdiction lost: then its coordination table has no
    majority, and refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from holdfast.contract import Environment, Mode, Objectives, Role
from infra.environments import PROFILES
from infra.naming import Names
from infra.regions import GLOBAL_REGION, REGIONS, VOTES
from infra.sections import AgentNetwork, Agents, Retention, Routing, Sizes
from infra.settings import JurisdictionSettings, Settings

QUORUM = VOTES // 2 + 1
"""Votes that a strongly consistent table needs to answer."""

KILL_KEY = "kill"
"""Partition key of the kill flag in a coordination table."""

_REGION_BITS = 8
"""A pool is cut into 256 networks, one for each number in the table of regions."""

_ZONE_LETTERS = "abcd"
"""Each region's network is cut into quarters, one for each zone letter, used or not."""

AGENT_SERVICES = ("eks-auth", "kms", "monitoring", "secretsmanager", "ssm", "sts")
"""What agents ask of AWS beside tables and buckets: their credentials, keys, metrics, the limiter's
token and the contract."""

MODEL_SERVICE = "bedrock-runtime"

_PRIVATE_BITS = 1
_PUBLIC_BITS = 4
"""Of each quarter the first half is private and the last sixteenth public; the rest is spare."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionPlan:
    """One region that serves.

    Attributes:
        name: AWS name.
        role: What the region does in its jurisdiction.
        cidr: Network of the region's VPC.
        availability_zones: Names of the zones used, sorted.
        public_subnets: Network of the public subnet by zone, for load balancers.
        private_subnets: Network of the private subnet by zone, for everything else.
    """

    name: str
    role: Role
    cidr: IPv4Network
    availability_zones: tuple[str, ...]
    public_subnets: Mapping[str, IPv4Network]
    private_subnets: Mapping[str, IPv4Network]


@dataclass(frozen=True, kw_only=True, slots=True)
class FailoverPair:
    """Which region takes over from which. Both names are AWS regions of one jurisdiction."""

    lost: str
    successor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JurisdictionPlan:
    """A legal area that its tenants' data never leaves.

    Attributes:
        name: Short name, such as ``eu``.
        hostname: The one name that users of the jurisdiction resolve.
        regions: Regions that serve, the home region first, then by name.
        witness: Region of the third vote; None where a third serving region is that vote.
    """

    name: str
    hostname: str
    regions: tuple[RegionPlan, ...]
    witness: str | None

    @property
    def home(self) -> RegionPlan:
        """The region that owns the jurisdiction's tables: the primary in active-passive mode."""
        return self.regions[0]

    @property
    def replicas(self) -> tuple[RegionPlan, ...]:
        """The serving regions other than home, by name."""
        return self.regions[1:]

    @property
    def votes(self) -> tuple[str, ...]:
        """Names of the regions that vote on the coordination table, the witness last."""
        serving = tuple(region.name for region in self.regions)
        return serving if self.witness is None else (*serving, self.witness)

    @property
    def failover_pairs(self) -> tuple[FailoverPair, ...]:
        """For each serving region, the one that takes over its leadership and its users.

        That is home, or the first replica by name where home itself is lost.
        """
        return tuple(
            FailoverPair(
                lost=region.name,
                successor=next(other.name for other in self.regions if other is not region),
            )
            for region in self.regions
        )

    def survives(self, lost: str) -> bool:
        """Whether the jurisdiction still decides and serves without a region.

        Args:
            lost: Name of the region, in the jurisdiction or not.
        """
        votes = sum(region != lost for region in self.votes)
        return votes >= QUORUM and any(region.name != lost for region in self.regions)


@dataclass(frozen=True, kw_only=True, slots=True)
class KillPlan:
    """Who may stop the agents from outside.

    Attributes:
        item_key: Partition key of the flag in each coordination table.
        principals: Roles and users that may assume the out-of-band role: ARNs, or ``role/NAME``
            and ``user/NAME`` of the platform's own account; ``*`` stands for any characters.
    """

    item_key: str
    principals: tuple[str, ...]

    def arn_patterns(self, account_id: str) -> tuple[str, ...]:
        """Full ARN patterns of the principals, for a condition on ``aws:PrincipalArn``.

        A condition, unlike a policy's principal, may name roles that do not exist yet, and
        single sign-on roles whose names end in a random suffix.

        Args:
            account_id: The platform's own account.
        """
        return tuple(
            principal if principal.startswith("arn:") else f"arn:aws:iam::{account_id}:{principal}"
            for principal in self.principals
        )

    def accounts(self, account_id: str) -> tuple[str, ...]:
        """Accounts that the principals belong to, sorted, to be the policy's principals.

        Args:
            account_id: The platform's own account.
        """
        return tuple(sorted({arn.split(":")[4] for arn in self.arn_patterns(account_id)}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """Everything that shapes the graph.

    Attributes:
        project: Name of the platform, the prefix of every physical name.
        stack: Name of the Pulumi stack.
        environment: Which kind of environment it is.
        mode: How the regions of each jurisdiction share the work.
        domain: Domain whose subdomains, one per jurisdiction, users resolve.
        global_region: Region of the AWS provider itself; every resource that has a region
            names its own.
        jurisdictions: By name, sorted.
        tenants: Home jurisdiction by tenant.
        objectives: What the platform promises under failure.
        routing: How fast users are led away from a failing region.
        agents: How agents behave: their column of the environment matrix.
        agent_network: Where agents run, and how they reach AWS and their model.
        sizes: What each region gets.
        retention: How long things are kept.
        deletion_protection: Whether stores refuse to be deleted.
        kill: Who may stop the agents from outside.
        alarm_emails: Who is told when an alarm goes off.
        monthly_budget_usd: Spending per month at which those people are told.
    """

    project: str
    stack: str
    environment: Environment
    mode: Mode
    domain: str
    global_region: str
    jurisdictions: tuple[JurisdictionPlan, ...]
    tenants: Mapping[str, str]
    objectives: Objectives
    routing: Routing
    agents: Agents
    agent_network: AgentNetwork
    sizes: Sizes
    retention: Retention
    deletion_protection: bool
    kill: KillPlan
    alarm_emails: tuple[str, ...]
    monthly_budget_usd: int

    @property
    def names(self) -> Names:
        """Names and tags of everything in the platform."""
        return Names(project=self.project, stack=self.stack, environment=self.environment)

    @property
    def endpoint_services(self) -> tuple[str, ...]:
        """AWS services that agents reach by interface endpoints, by short name, sorted."""
        if self.agent_network is AgentNetwork.PUBLIC:
            return ()
        model = () if self.agents.model.mocked else (MODEL_SERVICE,)
        return tuple(sorted((*AGENT_SERVICES, *model)))

    @property
    def regions(self) -> tuple[RegionPlan, ...]:
        """Every serving region of every jurisdiction, in the jurisdictions' order."""
        return tuple(region for plan in self.jurisdictions for region in plan.regions)

    def jurisdiction(self, name: str) -> JurisdictionPlan:
        """The plan of a jurisdiction.

        Raises:
            KeyError: If the platform has none of that name.
        """
        return {plan.name: plan for plan in self.jurisdictions}[name]


def plan(settings: Settings) -> Topology:
    """Decides the shape of a platform.

    Args:
        settings: A stack file that can be built.
    """
    return Topology(
        project=settings.project,
        stack=settings.stack,
        environment=settings.environment,
        mode=settings.mode,
        domain=settings.domain,
        global_region=GLOBAL_REGION,
        jurisdictions=tuple(
            _jurisdiction(settings, settings.jurisdictions[name])
            for name in sorted(settings.jurisdictions)
        ),
        tenants=dict(sorted(settings.tenants.items())),
        objectives=Objectives.model_validate(settings.objectives.model_dump()),
        routing=settings.routing,
        agents=settings.agents,
        agent_network=settings.agent_network,
        sizes=settings.sizes,
        retention=settings.retention,
        deletion_protection=(
            PROFILES[settings.environment].deletion_protection and not settings.decommission
        ),
        kill=KillPlan(item_key=KILL_KEY, principals=settings.kill_principals),
        alarm_emails=settings.alarm_emails,
        monthly_budget_usd=settings.monthly_budget_usd,
    )


def _jurisdiction(settings: Settings, given: JurisdictionSettings) -> JurisdictionPlan:
    passive = settings.mode is Mode.ACTIVE_PASSIVE
    home = _region(settings, given.home, Role.PRIMARY if passive else Role.ACTIVE)
    replicas = tuple(
        _region(settings, name, Role.STANDBY if passive else Role.ACTIVE)
        for name in sorted(given.replicas)
    )
    return JurisdictionPlan(
        name=given.name,
        hostname=f"{given.name}.{settings.domain}",
        regions=(home, *replicas),
        witness=given.witness,
    )


def _region(settings: Settings, name: str, role: Role) -> RegionPlan:
    cidr = region_network(settings.network, name)
    letters = REGIONS[name].zones[: settings.sizes.zones]
    quarters = {letter: zone_network(cidr, letter) for letter in letters}
    return RegionPlan(
        name=name,
        role=role,
        cidr=cidr,
        availability_zones=tuple(f"{name}{letter}" for letter in letters),
        public_subnets={
            f"{name}{letter}": _part(quarter, _PUBLIC_BITS, 2**_PUBLIC_BITS - 1)
            for letter, quarter in quarters.items()
        },
        private_subnets={
            f"{name}{letter}": _part(quarter, _PRIVATE_BITS, 0)
            for letter, quarter in quarters.items()
        },
    )


def region_network(pool: IPv4Network, region: str) -> IPv4Network:
    """The network that a region has in a pool, whether or not anything uses it.

    Args:
        pool: Address pool of the platform.
        region: Name of a region in the table of regions.
    """
    return _part(pool, _REGION_BITS, REGIONS[region].number)


def zone_network(region: IPv4Network, letter: str) -> IPv4Network:
    """The quarter of a region's network that belongs to a zone.

    Args:
        region: Network of the region.
        letter: Last letter of the zone's name, ``a`` to ``d``.
    """
    return _part(region, 2, _ZONE_LETTERS.index(letter))


def _part(network: IPv4Network, bits: int, number: int) -> IPv4Network:
    prefix = network.prefixlen + bits
    address = network.network_address + number * 2 ** (network.max_prefixlen - prefix)
    return IPv4Network((address, prefix))
