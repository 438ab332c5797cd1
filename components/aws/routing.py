"""One hostname per jurisdiction, answered with a healthy region of that jurisdiction.

Guarantees:
    A region that stops answering its health check leaves the answers, and resolvers' caches one
    TTL later. No record of one jurisdiction leads to another's regions: there is no default and
    no shared name, so with all its regions unhealthy a jurisdiction's name still leads to
    itself. Nothing of this needs a change of a record, and so no control plane.

Does not guarantee:
    A bound on detection: it takes about ``threshold * interval``, and some seconds more for the
    checkers to agree and the name servers to hear of it; AWS promises no time for those.
    Anything about open connections, nor about resolvers that ignore the TTL. The alarms on the
    checks live in us-east-1, the only region with Route 53's metrics, and are silent when it is
    lost; failover is not.

Costs:
    0.50 USD a month for the zone; for each region 1.50 USD for its check over HTTPS, 1 USD more
    where it probes every 10 s, and 0.10 USD for its alarm; 0.60 USD for a million queries by
    latency.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from holdfast.errors import ConfigurationError

ALARM_PERIOD_S = 60
FAILOVER_REGIONS = 2


@dataclass(frozen=True, kw_only=True)
class HostedZoneArgs:
    """The platform's own zone.

    Attributes:
        domain: Its name. Its parent has to delegate to it.
        protected: Whether Pulumi refuses to delete it.
        tags: For the zone.
    """

    domain: str
    protected: bool
    tags: Mapping[str, str]


class HostedZone(pulumi.ComponentResource):
    """The public zone that holds every jurisdiction's hostname.

    Attributes:
        zone_id: Of the zone.
        name_servers: What the parent zone has to delegate to.
    """

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[list[str]]

    def __init__(
        self,
        name: str,
        args: HostedZoneArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:HostedZone", name, None, opts)

        zone = aws.route53.Zone(
            name,
            name=args.domain,
            comment="Hostnames of the platform's jurisdictions.",
            # A new zone has other name servers, and the parent would lead nowhere.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
            tags=args.tags,
        )

        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers.apply(list)
        self.register_outputs({"zoneId": self.zone_id, "nameServers": self.name_servers})


@dataclass(frozen=True, kw_only=True)
class Target:
    """A region that the hostname can lead to.

    Attributes:
        hostname: DNS name of the region's load balancer.
        port: TCP port to probe.
        failover: In a failover policy, which of the two the region is.
    """

    hostname: pulumi.Input[str]
    port: pulumi.Input[int]
    failover: Literal["PRIMARY", "SECONDARY"] | None


@dataclass(frozen=True, kw_only=True)
class GlobalRoutingArgs:
    """One jurisdiction's hostname.

    Attributes:
        zone_id: Zone of the platform's domain.
        hostname: The one name that users of the jurisdiction resolve.
        targets: By region. Those without ``failover`` are chosen by latency.
        health_path: Answers 200 while the region can serve.
        health_protocol: What the region speaks on its port.
        interval_s: Seconds between two probes of one checker: 10 or 30.
        failure_threshold: Failed probes in a row until a checker calls the region unhealthy.
        ttl_s: Seconds that resolvers may keep an answer.
        alarm_region: us-east-1, where Route 53 keeps its metrics.
        alarm_names: Physical name of the alarm, by region.
        topic_arn: Topic in that region that the alarms announce themselves on.
        tags: For health checks and alarms, which hold no tenant's data.

    Raises:
        ConfigurationError: If the targets are not all of one policy, or a failover policy does
            not have one primary and one secondary.
    """

    zone_id: pulumi.Input[str]
    hostname: str
    targets: Mapping[str, Target]
    health_path: str
    health_protocol: Literal["HTTP", "HTTPS"]
    interval_s: int
    failure_threshold: int
    ttl_s: int
    alarm_region: str
    alarm_names: Mapping[str, str]
    topic_arn: pulumi.Input[str]
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        roles = [target.failover for target in self.targets.values() if target.failover]
        if roles and sorted(roles) != ["PRIMARY", "SECONDARY"]:
            raise ConfigurationError(
                f"{self.hostname} fails over between {', '.join(roles)}. Route 53 takes exactly "
                "one PRIMARY and one SECONDARY: serve the jurisdiction from two regions, or make "
                "it active-active."
            )
        if roles and len(roles) != len(self.targets):
            raise ConfigurationError(
                f"{self.hostname} mixes failover and latency among {', '.join(self.targets)}. "
                "Give every region a failover role, or none."
            )


class GlobalRouting(pulumi.ComponentResource):
    """One jurisdiction's records, their health checks and alarms.

    Attributes:
        hostname: The one name that users of the jurisdiction resolve.
        health_check_ids: By region.
    """

    hostname: pulumi.Output[str]
    health_check_ids: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: GlobalRoutingArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:GlobalRouting", name, None, opts)

        checks = {region: self._check(f"{name}-{region}", args, region) for region in args.targets}
        for region, check in checks.items():
            self._record(f"{name}-{region}", args, region, check.id)
            self._alarm(f"{name}-{region}", args, region, check.id)

        self.hostname = pulumi.Output.from_input(args.hostname)
        self.health_check_ids = {region: check.id for region, check in checks.items()}
        self.register_outputs({"hostname": self.hostname, "healthCheckIds": self.health_check_ids})

    def _check(self, name: str, args: GlobalRoutingArgs, region: str) -> aws.route53.HealthCheck:
        """Probes the region's own load balancer, never the shared name."""
        target = args.targets[region]
        return aws.route53.HealthCheck(
            name,
            type=args.health_protocol,
            fqdn=target.hostname,
            port=target.port,
            resource_path=args.health_path,
            request_interval=args.interval_s,
            failure_threshold=args.failure_threshold,
            # The name would be the load balancer's, which no agent's certificate has: a handshake
            # for it is wasted of the four seconds that a probe has.
            enable_sni=False,
            tags={**args.tags, "Name": args.alarm_names[region]},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _record(
        self, name: str, args: GlobalRoutingArgs, region: str, check_id: pulumi.Output[str]
    ) -> None:
        """One answer for the hostname: a CNAME, since an alias has a fixed TTL of 60 s."""
        target = args.targets[region]
        aws.route53.Record(
            name,
            zone_id=args.zone_id,
            name=args.hostname,
            type="CNAME",
            ttl=args.ttl_s,
            records=[target.hostname],
            set_identifier=region,
            health_check_id=check_id,
            failover_routing_policies=([{"type": target.failover}] if target.failover else None),
            latency_routing_policies=(None if target.failover else [{"region": region}]),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _alarm(
        self, name: str, args: GlobalRoutingArgs, region: str, check_id: pulumi.Output[str]
    ) -> None:
        """Tells when Route 53 has taken the region out of the answers."""
        aws.cloudwatch.MetricAlarm(
            name,
            region=args.alarm_region,
            name=args.alarm_names[region],
            alarm_description="Route 53 finds the region unhealthy and leads users elsewhere.",
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions={"HealthCheckId": check_id},
            statistic="Minimum",
            comparison_operator="LessThanThreshold",
            threshold=1,
            period=ALARM_PERIOD_S,
            evaluation_periods=1,
            treat_missing_data="breaching",
            alarm_actions=[args.topic_arn],
            ok_actions=[args.topic_arn],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
