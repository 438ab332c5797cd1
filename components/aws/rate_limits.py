"""A region's own Valkey cluster for rate limits and budgets.

Guarantees:
    Connections are encrypted and need a token that is drawn once, when the secret is made, and
    kept in Secrets Manager; the stack's state holds it encrypted only. No entry is ever evicted
    to make room: a full cluster refuses writes, so a limit is never forgotten silently. With two
    nodes or more, the loss of a zone costs seconds.

Does not guarantee:
    Counts across regions: each region limits what it serves. New minor versions of Valkey on
    their own: the code says which. Durability: a failover may lose
    the last writes, and the loss of all nodes loses every count. Rotation on its own: replace
    the secret's version (``pulumi up --replace <its URN>``) and the cluster takes the new token
    beside the old. For the minutes that it needs, who reads the secret anew is refused; with
    ``--target-replace`` that would last until the next ``pulumi up``, because the cluster is no
    target.

Costs:
    For each node 9.34 USD a month (``cache.t4g.micro``), 37.96 USD (``cache.t4g.medium``) or
    92.27 USD (``cache.m7g.large``), and 0.40 USD for the secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

TOKEN_CHARACTERS = 64
RECOVERY_WINDOW_DAYS = 30
ENGINE_VERSION = "8.2"
"""The provider takes ``major.minor`` of Valkey, nothing wider, and replaces a cluster that is ahead
of it. So AWS does not upgrade a minor version behind it (it patches within one on its own): raise
this, and let the environments before prod have it first."""

PARAMETER_FAMILY = "valkey8"


@dataclass(frozen=True, kw_only=True)
class RateLimitsArgs:
    """One region's cluster.

    Attributes:
        region: AWS name.
        cluster_name: At most 40 characters, lower case, letters, digits and hyphens.
        subnet_group_name: Of the cluster's subnets.
        parameter_group_name: Of its settings; the engine's family is added to it.
        secret_name: Of the secret that holds the token.
        node_type: Such as ``cache.t4g.micro``.
        nodes: One primary and its replicas. Two or more spread over zones.
        port: TCP port.
        subnet_ids: Private subnet of each zone.
        security_group_id: Lets agents in.
        key_arn: Customer managed key of the region.
        protected: Whether Pulumi refuses to delete the cluster, and a deleted secret can be
            had back.
        tags: For everything here.
    """

    region: str
    cluster_name: str
    subnet_group_name: str
    parameter_group_name: str
    secret_name: str
    node_type: str
    nodes: int
    port: int
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    protected: bool
    tags: Mapping[str, str]


class RateLimits(pulumi.ComponentResource):
    """The cluster of one region, and the secret that opens it.

    Attributes:
        host: Primary endpoint.
        port: TCP port.
        tls: Whether connections are encrypted.
        secret_arn: Holds the token as its plain value.
    """

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    tls: pulumi.Output[bool]
    secret_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: RateLimitsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:RateLimits", name, None, opts)

        secret = aws.secretsmanager.Secret(
            name,
            region=args.region,
            name=args.secret_name,
            description="Token of the region's rate-limit cluster.",
            kms_key_id=args.key_arn,
            # Zero frees the name at once, so that the environment can be made again.
            recovery_window_in_days=RECOVERY_WINDOW_DAYS if args.protected else 0,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        token = self._token(name, args, secret)
        cluster = self._cluster(name, args, token)

        self.host = cluster.primary_endpoint_address
        # The provider's answers, not our requests: the twin has another port and no TLS.
        self.port = cluster.port.apply(_port)
        self.tls = cluster.transit_encryption_enabled.apply(bool)
        self.secret_arn = secret.arn
        self.register_outputs(
            {
                "host": self.host,
                "port": self.port,
                "tls": self.tls,
                "secretArn": self.secret_arn,
            }
        )

    def _token(
        self, name: str, args: RateLimitsArgs, secret: aws.secretsmanager.Secret
    ) -> pulumi.Output[str | None]:
        """Draws the token when the secret's version is made, and never again.

        Each run of the program draws one, but ``ignore_changes`` keeps the first: what the
        cluster gets is the version's own value, so the two cannot differ.
        """
        drawn = aws.secretsmanager.get_random_password_output(
            region=args.region,
            password_length=TOKEN_CHARACTERS,
            # ElastiCache refuses some marks; 64 letters and digits carry 380 bits without them.
            exclude_punctuation=True,
            # Not before the secret is there: so a first preview calls nothing and shows no draw.
            opts=pulumi.InvokeOutputOptions(parent=self, depends_on=[secret]),
        )
        version = aws.secretsmanager.SecretVersion(
            name,
            region=args.region,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(drawn.random_password),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["secretString"],
                additional_secret_outputs=["secretString"],
            ),
        )
        return version.secret_string

    def _cluster(
        self, name: str, args: RateLimitsArgs, token: pulumi.Output[str | None]
    ) -> aws.elasticache.ReplicationGroup:
        """One shard: limits of one tenant are read and written together."""
        subnets = aws.elasticache.SubnetGroup(
            name,
            region=args.region,
            name=args.subnet_group_name,
            subnet_ids=args.subnet_ids,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        parameters = aws.elasticache.ParameterGroup(
            name,
            region=args.region,
            # A group's family cannot change, and it cannot go while a cluster still uses it.
            name=f"{args.parameter_group_name}-{PARAMETER_FAMILY}",
            family=PARAMETER_FAMILY,
            parameters=[{"name": "maxmemory-policy", "value": "noeviction"}],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        several = args.nodes > 1
        return aws.elasticache.ReplicationGroup(
            name,
            region=args.region,
            replication_group_id=args.cluster_name,
            description="Rate limits and budgets.",
            engine="valkey",
            engine_version=ENGINE_VERSION,
            node_type=args.node_type,
            num_cache_clusters=args.nodes,
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=args.port,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=[args.security_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=args.key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=token,
            auto_minor_version_upgrade=False,
            apply_immediately=True,
            # Counts of a minute ago are worth nothing after a restore.
            snapshot_retention_limit=0,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )


def _port(port: int | None) -> int:
    """The provider answers with the port that it was given or chose."""
    if port is None:
        raise ValueError("the provider returned a replication group without a port")
    return port
