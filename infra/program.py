"""From topology to components, in a straight line.

Nothing is decided here: what there is, where and how large stands in the topology, and what it
is made of in ``components``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pulumi
import pulumi_aws as aws

from components.aws.agent_identity import AgentIdentity, AgentIdentityArgs
from components.aws.alerts import AlertTopic, AlertTopicArgs
from components.aws.coordination_store import CoordinationStore, CoordinationStoreArgs
from components.aws.geo_store import GeoStore, GeoStoreArgs
from components.aws.ingress import Ingress, IngressArgs
from components.aws.keys import Keys, KeysArgs
from components.aws.kill_switch import KillSwitch, KillSwitchArgs
from components.aws.network import Network, NetworkArgs
from components.aws.platform_parameter import PlatformParameter, PlatformParameterArgs
from components.aws.rate_limits import RateLimits, RateLimitsArgs
from components.aws.replication_alarms import ReplicationAlarms, ReplicationAlarmsArgs
from components.aws.routing import (
    GlobalRouting,
    GlobalRoutingArgs,
    HostedZone,
    HostedZoneArgs,
    Target,
)
from components.aws.spending import Spending, SpendingArgs
from components.aws.throttle_alarms import ThrottleAlarms, ThrottleAlarmsArgs
from holdfast.contract import Role
from holdfast.contract.metrics import METRIC_NAMESPACE
from holdfast.errors import ConfigurationError
from infra import settings
from infra.naming import GLOBAL, Kind
from infra.outputs import BuiltJurisdiction, BuiltRegion, agent_places, as_text, platform
from infra.sections import AgentNetwork
from infra.topology import JurisdictionPlan, RegionPlan, Topology, plan

INGRESS_PORT: Final = 443
AGENT_PORT: Final = 8443
LIMITER_PORT: Final = 6379
HEALTH_PATH: Final = "/healthz"
HEALTH_PROTOCOL: Final = "HTTPS"

_FAILOVER: Mapping[Role, Literal["PRIMARY", "SECONDARY"]] = {
    Role.PRIMARY: "PRIMARY",
    Role.STANDBY: "SECONDARY",
}


def main() -> None:
    """Deploys the stack that Pulumi runs the program for, and exports its contract.

    Raises:
        RunError: If the stack file asks for what cannot be. Pulumi prints its message without a
            traceback.
    """
    try:
        deploy(plan(settings.load()))
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from error


def deploy(topology: Topology) -> None:
    """Registers everything that a topology asks for.

    Exports ``platform``, the contract; ``agent_places``, where agents run and register; and
    ``name_servers``, which the parent of the platform's domain has to delegate to.
    """
    # Each resource names its region; this one is for those that have none.
    provider = aws.Provider("aws", region=topology.global_region)
    identity = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))
    build = _Build(
        topology=topology,
        account_id=identity.account_id,
        opts=pulumi.ResourceOptions(provider=provider),
    )
    zone = build.zone()
    alerts = build.global_alerts()
    build.spending()
    keys = {plan.name: build.keys(plan) for plan in topology.jurisdictions}
    built = {
        plan.name: build.jurisdiction(plan, keys[plan.name]) for plan in topology.jurisdictions
    }
    for jurisdiction in topology.jurisdictions:
        build.routing(jurisdiction, built[jurisdiction.name], zone, alerts)
    contract = platform(topology, built, HEALTH_PATH)
    build.parameter(keys, as_text(contract))
    pulumi.export("platform", contract)
    pulumi.export("agent_places", agent_places(topology, built))
    pulumi.export("name_servers", zone.name_servers)


@dataclass(frozen=True, kw_only=True)
class _Build:
    """One run: what to build, in whose account, through which provider."""

    topology: Topology
    account_id: str
    opts: pulumi.ResourceOptions

    def physical(self, kind: Kind, scope: str, what: str) -> str:
        return self.topology.names.physical(kind, scope, what)

    def logical(self, scope: str, what: str) -> str:
        return self.topology.names.logical(scope, what)

    def tags(self, component: str, jurisdiction: str | None = None) -> Mapping[str, str]:
        return self.topology.names.tags(component, jurisdiction)

    def zone(self) -> HostedZone:
        return HostedZone(
            self.logical(GLOBAL, "zone"),
            HostedZoneArgs(
                domain=self.topology.domain,
                protected=self.topology.deletion_protection,
                tags=self.tags("global-routing"),
            ),
            self.opts,
        )

    def global_alerts(self) -> AlertTopic:
        """Where alarms on routing are announced, with a key that no jurisdiction's data has."""
        region = self.topology.global_region
        keys = Keys(
            self.logical(GLOBAL, "keys"),
            KeysArgs(
                account_id=self.account_id,
                home_region=region,
                replica_regions=(),
                alias=self.physical(Kind.KEY_ALIAS, GLOBAL, "alerts"),
                description="Alerts on routing, which say nothing of any tenant.",
                deletion_days=self.topology.retention.key_deletion_days,
                protected=self.topology.deletion_protection,
                tags=self.tags("keys"),
            ),
            self.opts,
        )
        return AlertTopic(
            self.logical(GLOBAL, "alerts"),
            AlertTopicArgs(
                account_id=self.account_id,
                region=region,
                topic_name=self.physical(Kind.TOPIC, GLOBAL, "alerts"),
                emails=self.topology.alarm_emails,
                key_arn=keys.arns[region],
                tags=self.tags("alerts"),
            ),
            self.opts,
        )

    def spending(self) -> None:
        """A budget, where there is somebody to tell."""
        if self.topology.alarm_emails:
            Spending(
                self.logical(GLOBAL, "spending"),
                SpendingArgs(
                    budget_name=self.physical(Kind.BUDGET, GLOBAL, "spending"),
                    limit_usd=self.topology.monthly_budget_usd,
                    emails=self.topology.alarm_emails,
                    tags=self.tags("spending"),
                ),
                self.opts,
            )

    def keys(self, plan: JurisdictionPlan) -> Keys:
        return Keys(
            self.logical(plan.name, "keys"),
            KeysArgs(
                account_id=self.account_id,
                home_region=plan.home.name,
                replica_regions=tuple(region.name for region in plan.replicas),
                alias=self.key_alias(plan),
                description="Everything that the jurisdiction keeps.",
                deletion_days=self.topology.retention.key_deletion_days,
                protected=self.topology.deletion_protection,
                tags=self.tags("keys", plan.name),
            ),
            self.opts,
        )

    def key_alias(self, plan: JurisdictionPlan) -> str:
        return self.physical(Kind.KEY_ALIAS, plan.name, "data")

    def jurisdiction(self, plan: JurisdictionPlan, keys: Keys) -> BuiltJurisdiction:
        """Everything of one jurisdiction that is not shared."""
        coordination = self.coordination(plan, keys)
        store = self.store(plan, keys)
        self.alarms(plan, keys, store, coordination)
        kill_switch = self.kill_switch(plan, keys, coordination)
        return BuiltJurisdiction(
            regions={
                region.name: self.region(plan, region, keys.arns[region.name])
                for region in plan.regions
            },
            coordination=coordination,
            store=store,
            kill_switch=kill_switch,
            identity=self.identity(plan),
        )

    def coordination(self, plan: JurisdictionPlan, keys: Keys) -> CoordinationStore:
        return CoordinationStore(
            self.logical(plan.name, "coordination"),
            CoordinationStoreArgs(
                table_name=self.physical(Kind.TABLE, plan.name, "coordination"),
                home_region=plan.home.name,
                replica_regions=tuple(region.name for region in plan.replicas),
                witness_region=plan.witness,
                key_arns=keys.arns,
                recovery_days=self.topology.retention.recovery_days,
                protected=self.topology.deletion_protection,
                tags=self.tags("coordination-store", plan.name),
            ),
            self.opts,
        )

    def store(self, plan: JurisdictionPlan, keys: Keys) -> GeoStore:
        return GeoStore(
            self.logical(plan.name, "store"),
            GeoStoreArgs(
                account_id=self.account_id,
                table_name=self.physical(Kind.TABLE, plan.name, "state"),
                bucket_names=self.buckets(plan),
                home_region=plan.home.name,
                replication_role_name=self.physical(Kind.ROLE, plan.name, "replication"),
                key_alias=self.key_alias(plan),
                key_arns=keys.arns,
                recovery_days=self.topology.retention.recovery_days,
                version_days=self.topology.retention.version_days,
                protected=self.topology.deletion_protection,
                tags=self.tags("geo-store", plan.name),
            ),
            self.opts,
        )

    def alarms(
        self,
        plan: JurisdictionPlan,
        keys: Keys,
        store: GeoStore,
        coordination: CoordinationStore,
    ) -> None:
        """Alarms on the jurisdiction's stores, all of them announced on one topic a region."""
        regions = tuple(region.name for region in plan.regions)
        copies = ReplicationAlarms(
            self.logical(plan.name, "replication"),
            ReplicationAlarmsArgs(
                account_id=self.account_id,
                table_name=store.table_name,
                bucket_names=store.bucket_names,
                latest_s=self.topology.objectives.rpo_s,
                topic_names={
                    region: self.physical(Kind.TOPIC, region, "replication") for region in regions
                },
                alarm_names={
                    region: self.physical(Kind.ALARM, region, "replication") for region in regions
                },
                alarm_emails=self.topology.alarm_emails,
                key_arns=keys.arns,
                tags=self.tags("replication-alarms", plan.name),
            ),
            self.opts,
        )
        ThrottleAlarms(
            self.logical(plan.name, "throttling"),
            ThrottleAlarmsArgs(
                table_names={"coordination": coordination.table_name, "state": store.table_name},
                alarm_names={
                    region: self.physical(Kind.ALARM, region, "throttling") for region in regions
                },
                topic_arns=copies.topic_arns,
                tags=self.tags("throttle-alarms", plan.name),
            ),
            self.opts,
        )

    def buckets(self, plan: JurisdictionPlan) -> Mapping[str, str]:
        return {
            region.name: self.topology.names.bucket(region.name, "objects", self.account_id)
            for region in plan.regions
        }

    def kill_switch(
        self, plan: JurisdictionPlan, keys: Keys, coordination: CoordinationStore
    ) -> KillSwitch:
        kill = self.topology.kill
        regions = tuple(region.name for region in plan.regions)
        return KillSwitch(
            self.logical(plan.name, "kill-switch"),
            KillSwitchArgs(
                account_id=self.account_id,
                project=self.topology.project,
                stack=self.topology.stack,
                jurisdiction=plan.name,
                table=coordination.table_name,
                table_name=self.physical(Kind.TABLE, plan.name, "coordination"),
                item_key=kill.item_key,
                home_region=plan.home.name,
                regions=regions,
                role_name=self.physical(Kind.ROLE, plan.name, "kill-switch"),
                principals=kill.arn_patterns(self.account_id),
                principal_accounts=kill.accounts(self.account_id),
                topic_names={
                    region: self.physical(Kind.TOPIC, region, "kill-switch") for region in regions
                },
                alarm_names={
                    region: self.physical(Kind.ALARM, region, "kill-switch") for region in regions
                },
                alarm_emails=self.topology.alarm_emails,
                key_alias=self.key_alias(plan),
                key_arns=keys.arns,
                tags=self.tags("kill-switch", plan.name),
            ),
            self.opts,
        )

    def identity(self, plan: JurisdictionPlan) -> AgentIdentity:
        regions = tuple(region.name for region in plan.regions)
        return AgentIdentity(
            self.logical(plan.name, "agents"),
            AgentIdentityArgs(
                account_id=self.account_id,
                role_name=self.physical(Kind.ROLE, plan.name, "agents"),
                regions=regions,
                coordination_table=self.physical(Kind.TABLE, plan.name, "coordination"),
                kill_item_key=self.topology.kill.item_key,
                state_table=self.physical(Kind.TABLE, plan.name, "state"),
                bucket_names=self.buckets(plan),
                secret_names={
                    region: self.physical(Kind.SECRET, region, "limiter") for region in regions
                },
                parameter_name=self.parameter_name(),
                key_alias=self.key_alias(plan),
                metric_namespace=METRIC_NAMESPACE,
                tags=self.tags("agent-identity", plan.name),
            ),
            self.opts,
        )

    def region(
        self, plan: JurisdictionPlan, region: RegionPlan, key_arn: pulumi.Input[str]
    ) -> BuiltRegion:
        """What every serving region has for itself."""
        network = Network(
            self.logical(region.name, "network"),
            NetworkArgs(
                region=region.name,
                cidr=region.cidr,
                public_subnets=region.public_subnets,
                private_subnets=region.private_subnets,
                ingress_port=INGRESS_PORT,
                agent_port=AGENT_PORT,
                limiter_port=LIMITER_PORT,
                endpoint_services=self.topology.endpoint_services,
                agents_are_public=self.topology.agent_network is AgentNetwork.PUBLIC,
                tags=self.tags("network", plan.name),
            ),
            self.opts,
        )
        ingress = Ingress(
            self.logical(region.name, "ingress"),
            IngressArgs(
                region=region.name,
                load_balancer_name=self.physical(Kind.LOAD_BALANCER, region.name, "ingress"),
                vpc_id=network.vpc_id,
                subnet_ids=list(network.public_subnet_ids.values()),
                security_group_id=network.ingress_security_group_id,
                port=INGRESS_PORT,
                agent_port=AGENT_PORT,
                health_path=HEALTH_PATH,
                health_protocol=HEALTH_PROTOCOL,
                protected=self.topology.deletion_protection,
                tags=self.tags("ingress", plan.name),
            ),
            self.opts,
        )
        limits = self.limits(plan, region, network, key_arn)
        return BuiltRegion(network=network, ingress=ingress, limits=limits)

    def limits(
        self,
        plan: JurisdictionPlan,
        region: RegionPlan,
        network: Network,
        key_arn: pulumi.Input[str],
    ) -> RateLimits:
        return RateLimits(
            self.logical(region.name, "limiter"),
            RateLimitsArgs(
                region=region.name,
                cluster_name=self.physical(Kind.REPLICATION_GROUP, region.name, "limiter"),
                subnet_group_name=self.physical(Kind.CACHE_SUBNETS, region.name, "limiter"),
                parameter_group_name=self.physical(Kind.CACHE_PARAMETERS, region.name, "limiter"),
                secret_name=self.physical(Kind.SECRET, region.name, "limiter"),
                node_type=self.topology.sizes.valkey_node_type,
                nodes=1 + self.topology.sizes.valkey_replicas,
                port=LIMITER_PORT,
                subnet_ids=list(network.private_subnet_ids.values()),
                security_group_id=network.limiter_security_group_id,
                key_arn=key_arn,
                protected=self.topology.deletion_protection,
                tags=self.tags("rate-limits", plan.name),
            ),
            self.opts,
        )

    def routing(
        self,
        plan: JurisdictionPlan,
        built: BuiltJurisdiction,
        zone: HostedZone,
        alerts: AlertTopic,
    ) -> None:
        GlobalRouting(
            self.logical(plan.name, "routing"),
            GlobalRoutingArgs(
                zone_id=zone.zone_id,
                hostname=plan.hostname,
                targets={
                    region.name: Target(
                        hostname=built.regions[region.name].ingress.hostname,
                        port=built.regions[region.name].ingress.port,
                        failover=_FAILOVER.get(region.role),
                    )
                    for region in plan.regions
                },
                health_path=HEALTH_PATH,
                health_protocol=HEALTH_PROTOCOL,
                interval_s=self.topology.routing.interval_s,
                failure_threshold=self.topology.routing.failure_threshold,
                ttl_s=self.topology.routing.ttl_s,
                alarm_region=self.topology.global_region,
                alarm_names={
                    region.name: self.physical(Kind.ALARM, region.name, "unhealthy")
                    for region in plan.regions
                },
                topic_arn=alerts.arn,
                tags=self.tags("global-routing"),
            ),
            self.opts,
        )

    def parameter_name(self) -> str:
        return self.physical(Kind.PARAMETER, GLOBAL, "platform")

    def parameter(self, keys: Mapping[str, Keys], text: pulumi.Output[str]) -> None:
        """The contract, in every serving region under its jurisdiction's key."""
        homes = {
            region.name: plan.name
            for plan in self.topology.jurisdictions
            for region in plan.regions
        }
        PlatformParameter(
            self.logical(GLOBAL, "platform"),
            PlatformParameterArgs(
                parameter_name=self.parameter_name(),
                document=text,
                key_arns={
                    region: keys[jurisdiction].arns[region]
                    for region, jurisdiction in homes.items()
                },
                tags={
                    region: self.tags("platform-parameter", jurisdiction)
                    for region, jurisdiction in homes.items()
                },
            ),
            self.opts,
        )
