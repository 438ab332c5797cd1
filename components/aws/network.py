"""A region's own network: public subnets for what users reach, private ones for what they don't.

Guarantees:
    DynamoDB and S3 are reached by gateway endpoints, so data and coordination never cross the
    internet nor a NAT gateway that could fail. Where agents run in private subnets, interface
    endpoints in every zone answer by the names of the services that are asked for, and accept
    connections from agents only. The rate-limit cluster accepts connections from agents and
    from nothing else; agents accept connections from the load balancer and from nothing else.
    Agents may ask the network's resolver. Regions share no link: losing one takes nothing from
    another.

Does not guarantee:
    A way out of the private subnets: there is no NAT gateway, so what runs there reaches its
    own network and the endpoints only. Images, logs and tools of a team's own need endpoints
    more (``ecr.api``, ``ecr.dkr``, ``logs``), and a cluster's own name server a rule of its
    own. In public subnets, an agent reaches the internet by a public address, and only its
    security group keeps others out. Traffic is not recorded (VPC flow logs): the platform's
    audit trail is of actions, and packets would cost more to keep than everything else in a
    small environment.

Costs:
    Gateway endpoints are free. Each interface endpoint costs 7.30 USD a month for each zone,
    and 0.01 USD for each GB; a public address 3.65 USD a month for each agent that has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from holdfast.errors import ConfigurationError

ANYWHERE = "0.0.0.0/0"
HTTPS_PORT = 443
DNS_PORT = 53
RESOLVER_LINK_LOCAL = "169.254.169.253"
"""Where every network's resolver answers, beside the third address of the network itself."""

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
        endpoint_services: Short names of the AWS services that private subnets reach by
            interface endpoints, such as ``ssm``.
        agents_are_public: Whether agents run in the public subnets, with public addresses.
        tags: For everything here.

    Raises:
        ConfigurationError: If agents would run where they reach nothing, or pay for endpoints
            that they do not need.
    """

    region: str
    cidr: IPv4Network
    public_subnets: Mapping[str, IPv4Network]
    private_subnets: Mapping[str, IPv4Network]
    ingress_port: int
    agent_port: int
    limiter_port: int
    endpoint_services: tuple[str, ...]
    agents_are_public: bool
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.agents_are_public == bool(self.endpoint_services):
            raise ConfigurationError(
                f"Agents of {self.region} are to run in "
                f"{'public' if self.agents_are_public else 'private'} subnets with "
                f"{len(self.endpoint_services)} interface endpoints. Allowed are public subnets "
                "without any, or private ones with an endpoint for each service that agents use."
            )

    @property
    def resolvers(self) -> Mapping[str, str]:
        """Addresses of the network's resolver, by what they are."""
        return {"network": str(self.cidr[2]), "link": RESOLVER_LINK_LOCAL}


class Network(pulumi.ComponentResource):
    """The network of one region.

    Attributes:
        vpc_id: Of the network.
        public_subnet_ids: By availability zone.
        private_subnet_ids: By availability zone.
        agent_subnet_ids: Where agents run: one or the other of these.
        ingress_security_group_id: For the load balancer.
        agent_security_group_id: For agents.
        limiter_security_group_id: For the rate-limit cluster.
    """

    vpc_id: pulumi.Output[str]
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    agent_subnet_ids: Mapping[str, pulumi.Output[str]]
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
            public_addresses=args.agents_are_public,
        )
        self.private_subnet_ids = self._subnets(
            f"{name}-private", args, args.private_subnets, private_table.id
        )
        self.agent_subnet_ids = (
            self.public_subnet_ids if args.agents_are_public else self.private_subnet_ids
        )
        self._gateways(name, args, (public_table, private_table))
        self._security_groups(name, args)
        self._rules(name, args)
        self._agents_leave(name, args)
        if args.endpoint_services:
            self._interfaces(name, args)

        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetIds": self.public_subnet_ids,
                "privateSubnetIds": self.private_subnet_ids,
                "agentSubnetIds": self.agent_subnet_ids,
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
        public_addresses: bool = False,
    ) -> Mapping[str, pulumi.Output[str]]:
        """One subnet in each zone, on one route table, made after others; their ids by zone.

        With ``public_addresses``, what starts in them gets one: without, nothing there reaches
        the internet, whatever the routes.
        """
        ids: dict[str, pulumi.Output[str]] = {}
        for zone, cidr in cidrs.items():
            subnet = aws.ec2.Subnet(
                f"{name}-{zone}",
                region=args.region,
                vpc_id=self.vpc_id,
                availability_zone=zone,
                cidr_block=str(cidr),
                map_public_ip_on_launch=public_addresses,
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

    def _gateways(
        self, name: str, args: NetworkArgs, tables: tuple[aws.ec2.RouteTable, ...]
    ) -> None:
        """Ways to tables and buckets, for every subnet."""
        for service in GATEWAY_SERVICES:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                region=args.region,
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{args.region}.{service}",
                route_table_ids=[table.id for table in tables],
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _interfaces(self, name: str, args: NetworkArgs) -> None:
        """Ways to AWS's other services for agents in private subnets, in every zone."""
        group = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            region=args.region,
            vpc_id=self.vpc_id,
            description="Agents to the interface endpoints",
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-agents-endpoints",
            region=args.region,
            security_group_id=group.id,
            description="agents-endpoints",
            ip_protocol="tcp",
            from_port=HTTPS_PORT,
            to_port=HTTPS_PORT,
            referenced_security_group_id=self.agent_security_group_id,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for service in args.endpoint_services:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                region=args.region,
                vpc_id=self.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{args.region}.{service}",
                subnet_ids=list(self.private_subnet_ids.values()),
                security_group_ids=[group.id],
                # Clients ask for the service's own name, and know of no endpoint.
                private_dns_enabled=True,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )

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

    def _agents_leave(self, name: str, args: NetworkArgs) -> None:
        """Where agents may go beside the limiter. Routes decide how far it leads."""
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
        # Answers too long for UDP are asked for again over TCP.
        for protocol in ("tcp", "udp"):
            for what, address in args.resolvers.items():
                aws.vpc.SecurityGroupEgressRule(
                    f"{name}-agents-dns-{what}-{protocol}",
                    region=args.region,
                    security_group_id=self.agent_security_group_id,
                    description="DNS",
                    ip_protocol=protocol,
                    from_port=DNS_PORT,
                    to_port=DNS_PORT,
                    cidr_ipv4=f"{address}/32",
                    tags=args.tags,
                    opts=pulumi.ResourceOptions(parent=self),
                )
