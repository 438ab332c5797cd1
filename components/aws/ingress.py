"""Where a region takes requests: a load balancer that passes TCP through to agents.

Guarantees:
    As long as one agent of the region answers the health check, new connections go to agents
    that do, in any zone. TLS ends at the agent: nothing on the way holds a key to the traffic.
    An agent that is found unhealthy loses its open connections, and one that is deregistered
    loses them after 30 s, so that its users look the hostname up again instead of waiting on a
    silent one.

Does not guarantee:
    That a request never reaches an agent that fails the check: with no healthy agent left, a
    network load balancer fails open and sends connections to all of them, which must refuse by
    themselves (the orchestrator does); until a check has failed twice, about 20 s, it does not
    know. An even spread: a connection stays with its agent until it closes. The sender's
    address: agents see the load balancer's.

Costs:
    16.43 USD a month, 3.65 USD for the public address in each zone, and 0.006 USD for each
    capacity unit hour. Traffic between zones is charged on top.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

CHECK_INTERVAL_S = 10
CHECK_TIMEOUT_S = 5
CHECK_THRESHOLD = 2
DEREGISTRATION_DELAY_S = 30
"""What an agent that is taken out has to finish; then ``connection_termination`` ends the rest."""


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """What listens where, and who answers.

    Attributes:
        region: AWS name.
        load_balancer_name: At most 32 characters, letters, digits and hyphens.
        vpc_id: Network of the region.
        subnet_ids: Public subnet of each zone.
        security_group_id: Of the load balancer.
        port: TCP port that users connect to.
        agent_port: TCP port that agents listen on.
        health_path: Answers 200 while the agent can serve.
        health_protocol: What the agent speaks on its port.
        protected: Whether AWS and Pulumi refuse to delete the load balancer.
        tags: For everything here.
    """

    region: str
    load_balancer_name: str
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    port: int
    agent_port: int
    health_path: str
    health_protocol: Literal["HTTP", "HTTPS"]
    protected: bool
    tags: Mapping[str, str]


class Ingress(pulumi.ComponentResource):
    """The way into one region.

    Attributes:
        hostname: DNS name of the load balancer.
        port: TCP port that users connect to.
        target_group_arn: Agents register here.
    """

    hostname: pulumi.Output[str]
    port: pulumi.Output[int]
    target_group_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: IngressArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:Ingress", name, None, opts)

        load_balancer = aws.lb.LoadBalancer(
            name,
            region=args.region,
            name=args.load_balancer_name,
            load_balancer_type="network",
            internal=False,
            subnets=args.subnet_ids,
            security_groups=[args.security_group_id],
            # With one agent left in one zone, the other zones' addresses must still reach it.
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=args.protected,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        targets = aws.lb.TargetGroup(
            name,
            region=args.region,
            # No name of ours: a new port needs a new group while the old one is still in use.
            vpc_id=args.vpc_id,
            target_type="ip",
            protocol="TCP",
            port=args.agent_port,
            deregistration_delay=DEREGISTRATION_DELAY_S,
            connection_termination=True,
            preserve_client_ip="false",
            health_check={
                "enabled": True,
                "protocol": args.health_protocol,
                "path": args.health_path,
                "matcher": "200",
                "interval": CHECK_INTERVAL_S,
                "timeout": CHECK_TIMEOUT_S,
                "healthy_threshold": CHECK_THRESHOLD,
                "unhealthy_threshold": CHECK_THRESHOLD,
            },
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        listener = aws.lb.Listener(
            name,
            region=args.region,
            load_balancer_arn=load_balancer.arn,
            protocol="TCP",
            port=args.port,
            default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.hostname = load_balancer.dns_name
        # The provider's answer, not our request: on the twin another port stands for this one.
        self.port = listener.port.apply(_port)
        self.target_group_arn = targets.arn
        self.register_outputs(
            {
                "hostname": self.hostname,
                "port": self.port,
                "targetGroupArn": self.target_group_arn,
            }
        )


def _port(port: int | None) -> int:
    """A TCP listener always has a port; only the SDK's type allows for other kinds."""
    if port is None:
        raise ValueError("the provider returned a TCP listener without a port")
    return port
