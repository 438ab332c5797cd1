"""What agents of one jurisdiction may do on AWS, and nothing beyond it.

Guarantees:
    Every resource that the role names lies in the jurisdiction's serving regions. It can read
    the kill flag but not change it, so a runaway agent cannot arm what somebody tripped. It can
    change no resource, no policy and no key.

Does not guarantee:
    A wall between tenants: every agent of the jurisdiction uses this one role, and keeps them
    apart itself. That a pod gets the role: an association of EKS Pod Identity gives it.

Costs:
    Nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import arns
from components.aws.documents import Statement, key_use, role_document, trust_document

TABLE_ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
ITEM_WRITES = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
KEY_SERVICES = ("dynamodb", "s3", "secretsmanager", "ssm")


@dataclass(frozen=True, kw_only=True)
class AgentIdentityArgs:
    """What the role may touch. All names are physical.

    Attributes:
        account_id: Twelve digits.
        role_name: IAM name of the role.
        regions: The jurisdiction's serving regions.
        coordination_table: Strongly consistent table.
        kill_item_key: Partition key of the flag in it.
        state_table: Eventually consistent table.
        bucket_names: By region.
        secret_names: Secret of the rate-limit cluster, by region.
        parameter_name: Parameter that holds the contract.
        key_alias: ``alias/...`` of the jurisdiction's key.
        metric_namespace: The only one that agents publish metrics in.
        tags: For the role.
    """

    account_id: str
    role_name: str
    regions: tuple[str, ...]
    coordination_table: str
    kill_item_key: str
    state_table: str
    bucket_names: Mapping[str, str]
    secret_names: Mapping[str, str]
    parameter_name: str
    key_alias: str
    metric_namespace: str
    tags: Mapping[str, str]


class AgentIdentity(pulumi.ComponentResource):
    """The role of one jurisdiction's agents.

    Attributes:
        role_arn: Of the role.
    """

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: AgentIdentityArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:AgentIdentity", name, None, opts)

        role = aws.iam.Role(
            name,
            name=args.role_name,
            description="Agents of one jurisdiction.",
            assume_role_policy=_trust(args),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=_permission(args),
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.role_arn = role.arn
        self.register_outputs({"roleArn": self.role_arn})


def _trust(args: AgentIdentityArgs) -> str:
    """Pods of this account's clusters, by EKS Pod Identity."""
    return trust_document(
        Statement(
            sid="PodsOfThisAccount",
            principals={"Service": ("pods.eks.amazonaws.com",)},
            actions=("sts:AssumeRole", "sts:TagSession"),
            conditions={"StringEquals": {"aws:SourceAccount": (args.account_id,)}},
        )
    )


def _permission(args: AgentIdentityArgs) -> str:
    """Data, limits and contract of the jurisdiction's own regions."""
    return role_document(
        *_tables(args),
        *_objects(args),
        Statement(
            sid="OpenTheLimiter",
            actions=("secretsmanager:GetSecretValue",),
            resources=tuple(
                arns.secret(region, args.account_id, args.secret_names[region])
                for region in args.regions
            ),
        ),
        Statement(
            sid="ReadTheContract",
            actions=("ssm:GetParameter",),
            resources=tuple(
                arns.parameter(region, args.account_id, args.parameter_name)
                for region in args.regions
            ),
        ),
        Statement(
            sid="ReportTheKillSwitch",
            actions=("cloudwatch:PutMetricData",),
            resources=("*",),
            conditions={"StringEquals": {"cloudwatch:namespace": (args.metric_namespace,)}},
            every_resource_because="metrics have no ARN; the namespace confines them",
        ),
        *(
            key_use(
                sid=f"UseKeyIn{region.replace('-', '')}",
                region=region,
                key_pattern=arns.keys(region, args.account_id),
                alias=args.key_alias,
                services=KEY_SERVICES,
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
            )
            for region in args.regions
        ),
    )


def _tables(args: AgentIdentityArgs) -> tuple[Statement, ...]:
    """All items of both tables, except that the kill flag is read only."""
    coordination = tuple(
        arns.table(region, args.account_id, args.coordination_table) for region in args.regions
    )
    state = tuple(arns.table(region, args.account_id, args.state_table) for region in args.regions)
    return (
        Statement(sid="UseTables", actions=TABLE_ACTIONS, resources=(*coordination, *state)),
        Statement(
            sid="NeverTouchTheKillSwitch",
            effect="Deny",
            actions=ITEM_WRITES,
            resources=coordination,
            conditions={
                "ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": (args.kill_item_key,)}
            },
        ),
    )


def _objects(args: AgentIdentityArgs) -> tuple[Statement, ...]:
    """All objects of the jurisdiction's buckets."""
    names = tuple(args.bucket_names[region] for region in args.regions)
    return (
        Statement(
            sid="UseObjects",
            actions=("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            resources=tuple(arns.objects(bucket) for bucket in names),
        ),
        Statement(
            sid="ListObjects",
            actions=("s3:ListBucket",),
            resources=tuple(arns.bucket(bucket) for bucket in names),
        ),
    )
