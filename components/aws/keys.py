"""The keys that encrypt everything a jurisdiction keeps, one key with a copy in each region.

Guarantees:
    A region that is cut off can still decrypt what it holds: its copy of the key needs no other
    region. The key's own policy lets nobody copy it outside the listed regions, nor use it other
    than through the AWS services that keep the platform's data, nor from another account.
    Key material rotates every year.

Does not guarantee:
    Data that was deleted with its key: a key can be restored for ``deletion_days`` after its
    deletion was asked for, and never later. The witness of a strongly consistent table keeps
    its log under a key that AWS owns.

Costs:
    1 USD a month for each region, another for each of the first two rotations, and 0.03 USD for
    10,000 requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import arns
from components.aws.documents import Statement, document

ROTATION_PERIOD_DAYS = 365
SERVICES = ("dynamodb", "elasticache", "s3", "secretsmanager", "sns", "ssm")
"""The services that encrypt the platform's data with these keys."""

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_THIS_KEY = "in a key's own policy * is that key, which has no ARN before it exists"


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    """Where a key and its copies live.

    Attributes:
        account_id: Twelve digits.
        home_region: Region of the primary key.
        replica_regions: Regions of its copies, all in the same jurisdiction. None: the key
            stays in its region for good.
        alias: ``alias/...``, the same in every region.
        description: What the key encrypts.
        deletion_days: How long a deleted key can still be saved; 7 to 30.
        protected: Whether Pulumi refuses to delete the keys.
        tags: For every key.
    """

    account_id: str
    home_region: str
    replica_regions: tuple[str, ...]
    alias: str
    description: str
    deletion_days: int
    protected: bool
    tags: Mapping[str, str]


class Keys(pulumi.ComponentResource):
    """One customer managed key and its copies.

    Attributes:
        arns: ARN of the key or copy, by region.
    """

    arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: KeysArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:Keys", name, None, opts)

        policy = _policy(args)
        primary = aws.kms.Key(
            f"{name}-{args.home_region}",
            region=args.home_region,
            description=args.description,
            multi_region=bool(args.replica_regions),
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_PERIOD_DAYS,
            deletion_window_in_days=args.deletion_days,
            policy=policy,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        key_arns = {args.home_region: primary.arn}
        key_ids = {args.home_region: primary.key_id}
        for region in args.replica_regions:
            replica = aws.kms.ReplicaKey(
                f"{name}-{region}",
                region=region,
                primary_key_arn=primary.arn,
                description=args.description,
                deletion_window_in_days=args.deletion_days,
                policy=policy,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
            )
            key_arns[region] = replica.arn
            key_ids[region] = replica.key_id
        for region, key_id in key_ids.items():
            aws.kms.Alias(
                f"{name}-{region}",
                region=region,
                name=args.alias,
                target_key_id=key_id,
                opts=pulumi.ResourceOptions(parent=self),
            )

        self.arns = key_arns
        self.register_outputs({"arns": self.arns})


def _policy(args: KeysArgs) -> str:
    """What the key allows in each region; the account's IAM policies choose among it."""
    account = {"AWS": (arns.account_root(args.account_id),)}
    through_services: Mapping[str, tuple[str, ...]] = {
        "kms:CallerAccount": (args.account_id,),
        # DynamoDB makes a replica, with the key there, on a request to the table's home region.
        "kms:ViaService": tuple(
            f"{service}.{place}.amazonaws.com"
            for place in (args.home_region, *args.replica_regions)
            for service in SERVICES
        ),
    }
    statements = [
        Statement(
            sid="AdministerTheKey",
            principals=account,
            actions=ADMINISTRATION,
            resources=("*",),
            every_resource_because=_THIS_KEY,
        ),
        Statement(
            sid="UseItThroughServicesOnly",
            principals=account,
            actions=USE,
            resources=("*",),
            conditions={"StringEquals": through_services},
            every_resource_because=_THIS_KEY,
        ),
        Statement(
            sid="LetServicesKeepUsingIt",
            principals=account,
            actions=("kms:CreateGrant",),
            resources=("*",),
            conditions={
                "Bool": {"kms:GrantIsForAWSResource": ("true",)},
                "StringEquals": through_services,
            },
            every_resource_because=_THIS_KEY,
        ),
        Statement(
            sid="LetAlarmsPublish",
            principals={"Service": ("cloudwatch.amazonaws.com",)},
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            resources=("*",),
            conditions={"StringEquals": {"aws:SourceAccount": (args.account_id,)}},
            every_resource_because=_THIS_KEY,
        ),
    ]
    if args.replica_regions:
        statements += _copying(args.replica_regions, account)
    return document(*statements)


def _copying(regions: tuple[str, ...], account: Mapping[str, tuple[str, ...]]) -> list[Statement]:
    """What a key with copies allows besides: to make them, and to keep them alike."""
    return [
        Statement(
            sid="CopyItInsideTheJurisdictionOnly",
            principals=account,
            actions=("kms:ReplicateKey",),
            resources=("*",),
            conditions={"StringEquals": {"kms:ReplicaRegion": regions}},
            every_resource_because=_THIS_KEY,
        ),
        # Rotation reaches the copies by a service-linked role of the account, and a policy of
        # IAM counts for a key only as far as the key's own policy says so.
        Statement(
            sid="LetKmsKeepTheCopiesAlike",
            principals=account,
            actions=("kms:SynchronizeMultiRegionKey",),
            resources=("*",),
            every_resource_because=_THIS_KEY,
        ),
    ]
