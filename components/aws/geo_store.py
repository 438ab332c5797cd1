"""Tenants' working data: a table and buckets that exist in every region of one jurisdiction.

Guarantees:
    Every serving region of the jurisdiction holds a copy, and no other region does. Every copy
    can be restored to any second (table) or version (objects) of the last ``recovery_days`` and
    ``version_days``, and refuses to be deleted where the environment says so.

Does not guarantee:
    Agreement between regions. The table is last writer wins: of two writes of one item in two
    regions within the replication lag (usually under a second), one disappears without a trace.
    Conditions are evaluated on the local copy. So nothing here may be a lock, a lease or a
    counter: those live in :mod:`components.aws.coordination_store`. Objects usually follow
    within a minute, with no promise (replication time control, at 0.015 USD per GB, is not used).
    That anybody notices when copies stop: :mod:`components.aws.replication_alarms` adds that.

Costs:
    Idle, storage only, once per region. A table write is billed in each region, and so is every
    object; traffic between regions is 0.01 to 0.02 USD per GB. What S3 reports of copying costs
    0.30 USD for each of its metrics and month, as long as there is something to report.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import arns
from components.aws.documents import Statement, key_use, role_document, trust_document
from components.aws.regional_bucket import RegionalBucket, RegionalBucketArgs
from holdfast.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class GeoStoreArgs:
    """Where a jurisdiction's data lives.

    Attributes:
        account_id: Twelve digits.
        table_name: Physical name, the same in every region.
        bucket_names: Physical name by region; its keys are the serving regions.
        home_region: Region that owns the table. One of the serving regions.
        replication_role_name: IAM name of the role that S3 copies objects with.
        key_alias: ``alias/...`` of the jurisdiction's key.
        key_arns: The key, by region.
        recovery_days: How far back the home region's table can be restored; replicas always
            keep 35 days.
        version_days: How long replaced and deleted versions of objects are kept.
        protected: Whether AWS and Pulumi refuse to delete tables and buckets.
        tags: For everything here.

    Raises:
        ConfigurationError: If the home region does not serve, or serves alone.
    """

    account_id: str
    table_name: str
    bucket_names: Mapping[str, str]
    home_region: str
    replication_role_name: str
    key_alias: str
    key_arns: Mapping[str, pulumi.Input[str]]
    recovery_days: int
    version_days: int
    protected: bool
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.home_region not in self.bucket_names or not self.replica_regions:
            raise ConfigurationError(
                f"The geo store {self.table_name} has its home in {self.home_region} and serves "
                f"from {', '.join(self.bucket_names)}. Its home must serve, and a second region "
                "must hold a copy."
            )

    @property
    def replica_regions(self) -> tuple[str, ...]:
        """Serving regions other than the home."""
        return tuple(region for region in self.bucket_names if region != self.home_region)


class GeoStore(pulumi.ComponentResource):
    """One jurisdiction's table and buckets.

    Attributes:
        table_name: Physical name, known once the table is there.
        bucket_names: Physical name by region, known once the bucket is there.
    """

    table_name: pulumi.Output[str]
    bucket_names: Mapping[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: GeoStoreArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:GeoStore", name, None, opts)

        self.table_name = self._table(name, args).name
        buckets = {
            region: RegionalBucket(
                f"{name}-{region}",
                RegionalBucketArgs(
                    region=region,
                    bucket_name=bucket_name,
                    key_arn=args.key_arns[region],
                    version_days=args.version_days,
                    protected=args.protected,
                    tags=args.tags,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for region, bucket_name in args.bucket_names.items()
        }
        self.bucket_names = {region: bucket.bucket_name for region, bucket in buckets.items()}
        self._replicate(name, args, buckets)

        self.register_outputs({"tableName": self.table_name, "bucketNames": self.bucket_names})

    def _table(self, name: str, args: GeoStoreArgs) -> aws.dynamodb.Table:
        """The table in its home region, with a replica in each other one."""
        return aws.dynamodb.Table(
            name,
            name=args.table_name,
            region=args.home_region,
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            attributes=[{"name": "pk", "type": "S"}],
            # Replication reads the stream, and needs both images in it.
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": args.recovery_days},
            deletion_protection_enabled=args.protected,
            server_side_encryption={
                "enabled": True,
                "kms_key_arn": args.key_arns[args.home_region],
            },
            replicas=[
                {
                    "region_name": region,
                    "consistency_mode": "EVENTUAL",
                    "kms_key_arn": args.key_arns[region],
                    "point_in_time_recovery": True,
                    "deletion_protection_enabled": args.protected,
                    "propagate_tags": True,
                }
                for region in args.replica_regions
            ],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )

    def _replicate(
        self, name: str, args: GeoStoreArgs, buckets: Mapping[str, RegionalBucket]
    ) -> None:
        """Every bucket copies to every other one, deletions and changes of copies included."""
        role = aws.iam.Role(
            f"{name}-replication",
            name=args.replication_role_name,
            description="Copies objects between the buckets of one jurisdiction.",
            assume_role_policy=_trust(),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        permission = aws.iam.RolePolicy(
            f"{name}-replication",
            role=role.name,
            policy=_permission(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # S3 accepts a rule only once both ends keep versions.
        versioning = [bucket.versioning for bucket in buckets.values()]
        for source in args.bucket_names:
            aws.s3.BucketReplicationConfig(
                f"{name}-{source}",
                region=source,
                bucket=buckets[source].bucket_name,
                role=role.arn,
                rules=[
                    _rule(target, priority, buckets[target].bucket_arn, args.key_arns[target])
                    for priority, target in enumerate(sorted({*args.bucket_names} - {source}))
                ],
                opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, *versioning]),
            )


def rule_id(target: str) -> str:
    """Name of the rule that copies a bucket to a region; S3 reports by it.

    Args:
        target: The region.
    """
    return f"to-{target}"


def _rule(
    target: str,
    priority: int,
    bucket_arn: pulumi.Output[str],
    key_arn: pulumi.Input[str],
) -> aws.s3.BucketReplicationConfigRuleArgsDict:
    """Copies everything to one other region. Each rule of a bucket needs its own priority."""
    return {
        "id": rule_id(target),
        "priority": priority,
        "status": "Enabled",
        "filter": {"prefix": ""},
        "delete_marker_replication": {"status": "Enabled"},
        "source_selection_criteria": {
            "replica_modifications": {"status": "Enabled"},
            "sse_kms_encrypted_objects": {"status": "Enabled"},
        },
        "destination": {
            "bucket": bucket_arn,
            "encryption_configuration": {"replica_kms_key_id": key_arn},
            "metrics": {"status": "Enabled"},
        },
    }


def _trust() -> str:
    """S3 takes the role.

    No condition on the sender: S3 documents none for this role, and one that it did not send would
    fail every copy silently. Only who may pass the role can make a bucket use it, and no role
    can be passed to another account's bucket.
    """
    return trust_document(
        Statement(
            sid="S3CopiesOurBuckets",
            principals={"Service": ("s3.amazonaws.com",)},
            actions=("sts:AssumeRole",),
        )
    )


def _permission(args: GeoStoreArgs) -> str:
    """Read any of the buckets, write copies to any of them, and use their keys through S3."""
    names = tuple(args.bucket_names.values())
    return role_document(
        Statement(
            sid="ReadRules",
            actions=("s3:GetReplicationConfiguration", "s3:ListBucket"),
            resources=tuple(arns.bucket(bucket) for bucket in names),
        ),
        Statement(
            sid="ReadVersions",
            actions=(
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ),
            resources=tuple(arns.objects(bucket) for bucket in names),
        ),
        Statement(
            sid="WriteCopies",
            actions=("s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"),
            resources=tuple(arns.objects(bucket) for bucket in names),
        ),
        *(
            key_use(
                sid=f"UseKeyIn{region.replace('-', '')}",
                region=region,
                key_pattern=arns.keys(region, args.account_id),
                alias=args.key_alias,
                services=("s3",),
                actions=("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
            )
            for region in args.bucket_names
        ),
    )
