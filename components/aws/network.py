"""A region's own network: public subnets for what users reach, private ones for what they don't.

Guarantees:
    DynamoDB and S3 are reached by gateway endpoints, so data and coordination never cross the
    internet nor a NAT gateway that could fail. The rate-limit cluster accepts connections from
    agents and from nothing else; agents accept connections from the load balancer and from
    nothing else. Regions share no link: losing one takes nothing from another.

Does not guarantee:
    A way out of the private subnets: there is no NAT gateway, so what runs there reaches the
    gateway endpoints and its own network only. Agents that call model providers run in the
    public subnets, where only their security group lets anyone in. Traffic is not recorded
    (VPC flow logs): the platform's audit trail is of actions, and packets would cost more to
    keep than everything else in a small environment.

Costs:
    Nothing while idle. Gateway endpoints are free.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

ANYWHERE = "0.0.0.0/0"
HTTPS_PORT = 443
GATEWAY_SERVICES = ("dynamodb", "s3")


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """The shape of one region's network.

    Attributes:
        region: AWS name.
        cidr: Address range of the whole network.
        public_subnets: Address range of the public subnet, by availability zone.
        private_subnets: Address range of the private subnet, by availability zone.
        ingress_port: TCP port that users connect to.
        agent_port: TCP port that agents listen on.
        limiter_port: TCP port of the rate-limit cluster.
        tags: For everything here.
    """

    region: str
    cidr: IPv4Network
    public_subnets: Mapping[str, IPv4Network]
    private_subnets: Mapping[str, IPv4Network]
    ingress_port: int
    agent_port: int
    limiter_port: int
    tags: Mapping[str, str]


class Network(pulumi.ComponentResource):
    """The network of one region.

    Attributes:
        vpc_id: Of the network.
        public_subnet_ids: By availability zone.
        private_subnet_ids: By availability zone.
        ingress_security_group_id: For the load balancer.
        agent_security_group_id: For agents.
        limiter_security_group_id: For the rate-limit cluster.
    """

    vpc_id: pulumi.Output[str]
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    ingress_security_group_id: pulumi.Output[str]
    agent_security_group_id: pulumi.Output[str]
    limiter_security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: NetworkArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:Network", name, None, opts)

        vpc = aws.ec2.Vpc(
            name,
            region=args.region,
            cidr_block=str(args.cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.vpc_id = vpc.id
        gateway = aws.ec2.InternetGateway(
            name,
            region=args.region,
            vpc_id=vpc.id,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        public_table = self._public_routes(name, args, gateway)
        private_table = aws.ec2.RouteTable(
            f"{name}-private",
            region=args.region,
            vpc_id=vpc.id,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # AWS refuses a public load balancer in a network without a gateway, and does not let the
        # gateway go while one is left; the load balancer waits for its subnets.
        self.public_subnet_ids = self._subnets(
            f"{name}-public",
            args,
            args.public_subnets,
            public_table.id,
            after=(gateway,),
        )
        self.private_subnet_ids = self._subnets(
            f"{name}-private", args, args.private_subnets, private_table.id
        )
        for service in GATEWAY_SERVICES:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                region=args.region,
                vpc_id=vpc.id,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{args.region}.{service}",
                route_table_ids=[public_table.id, private_table.id],
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self._security_groups(name, args)
        self._rules(name, args)

        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetIds": self.public_subnet_ids,
                "privateSubnetIds": self.private_subnet_ids,
                "ingressSecurityGroupId": self.ingress_security_group_id,
                "agentSecurityGroupId": self.agent_security_group_id,
                "limiterSecurityGroupId": self.limiter_security_group_id,
            }
        )

    def _public_routes(
        self, name: str, args: NetworkArgs, gateway: aws.ec2.InternetGateway
    ) -> aws.ec2.RouteTable:
        """A route table whose default route leads to the internet."""
        table = aws.ec2.RouteTable(
            f"{name}-public",
            region=args.region,
            vpc_id=self.vpc_id,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ec2.Route(
            f"{name}-internet",
            region=args.region,
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return table

    def _subnets(
        self,
        name: str,
        args: NetworkArgs,
        cidrs: Mapping[str, IPv4Network],
        route_table_id: pulumi.Output[str],
        *,
        after: tuple[pulumi.Resource, ...] = (),
    ) -> Mapping[str, pulumi.Output[str]]:
        """One subnet in each zone, on one route table, made after others; their ids by zone."""
        ids: dict[str, pulumi.Output[str]] = {}
        for zone, cidr in cidrs.items():
            subnet = aws.ec2.Subnet(
                f"{name}-{zone}",
                region=args.region,
                vpc_id=self.vpc_id,
                availability_zone=zone,
                cidr_block=str(cidr),
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self, depends_on=after),
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-{zone}",
                region=args.region,
                subnet_id=subnet.id,
                route_table_id=route_table_id,
                opts=pulumi.ResourceOptions(parent=self),
            )
            ids[zone] = subnet.id
        return ids

    def _security_groups(self, name: str, args: NetworkArgs) -> None:
        """One group for each kind of thing that listens. They start with no rule at all."""

        def group(what: str, description: str) -> pulumi.Output[str]:
            # No name of ours: a group is replaced before the old one can be let go.
            return aws.ec2.SecurityGroup(
                f"{name}-{what}",
                region=args.region,
                vpc_id=self.vpc_id,
                description=description,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            ).id

        self.ingress_security_group_id = group("ingress", "Users to the load balancer")
        self.agent_security_group_id = group("agents", "Load balancer to agents")
        self.limiter_security_group_id = group("limiter", "Agents to the rate-limit cluster")

    def _rules(self, name: str, args: NetworkArgs) -> None:
        """Who may connect to whom. What is not here is refused."""
        # A rule that names two groups has a side in each, and both must allow the connection.
        between = (
            ("ingress-agents", self.ingress_security_group_id, self.agent_security_group_id),
            ("agents-limiter", self.agent_security_group_id, self.limiter_security_group_id),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-users",
            region=args.region,
            security_group_id=self.ingress_security_group_id,
            description="Users",
            ip_protocol="tcp",
            from_port=args.ingress_port,
            to_port=args.ingress_port,
            cidr_ipv4=ANYWHERE,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for (rule, source, target), port in zip(
            between, (args.agent_port, args.limiter_port), strict=True
        ):
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-{rule}",
                region=args.region,
                security_group_id=source,
                description=rule,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                referenced_security_group_id=target,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-{rule}",
                region=args.region,
                security_group_id=target,
                description=rule,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                referenced_security_group_id=source,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-agents-https",
            region=args.region,
            security_group_id=self.agent_security_group_id,
            description="AWS APIs and model providers",
            ip_protocol="tcp",
            from_port=HTTPS_PORT,
            to_port=HTTPS_PORT,
            cidr_ipv4=ANYWHERE,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
