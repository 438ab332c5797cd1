"""One region's object store, locked down, versioned and encrypted.

Guarantees:
    Nothing in it is public or ever sent in the clear. Every object is encrypted under the
    jurisdiction's key: a writer who asks for any encryption is refused, and S3 itself blocks
    keys that customers bring (SSE-C). An overwritten or deleted object can be had back for as
    long as old versions are kept.

Does not guarantee:
    A copy anywhere else: :mod:`components.aws.geo_store` adds that.

Costs:
    0.023 USD per GB and month, old versions included; 0.005 USD for 1,000 writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws import arns
from components.aws.documents import Statement, document

ABANDONED_UPLOAD_DAYS = 7
ENCRYPTION_HEADERS = (
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-customer-algorithm",
)
"""With either a writer chooses an encryption; without both, the bucket's default applies."""


@dataclass(frozen=True, kw_only=True)
class RegionalBucketArgs:
    """One bucket.

    Attributes:
        region: AWS name.
        bucket_name: Physical name, unique among all accounts.
        key_arn: Customer managed key of the region.
        version_days: How long replaced and deleted versions are kept.
        protected: Whether Pulumi refuses to delete the bucket, and whether deleting it
            otherwise requires it to be empty.
        tags: For the bucket.
    """

    region: str
    bucket_name: str
    key_arn: pulumi.Input[str]
    version_days: int
    protected: bool
    tags: Mapping[str, str]


class RegionalBucket(pulumi.ComponentResource):
    """A bucket and everything that makes it safe to use.

    Attributes:
        bucket_name: Physical name, known once the bucket is there.
        bucket_arn: Of the bucket.
        versioning: Must be in force before objects can be copied to or from here.
    """

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    versioning: aws.s3.BucketVersioning

    def __init__(
        self,
        name: str,
        args: RegionalBucketArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:RegionalBucket", name, None, opts)

        bucket = aws.s3.Bucket(
            name,
            region=args.region,
            bucket=args.bucket_name,
            force_destroy=not args.protected,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        self.bucket_name = bucket.bucket
        self.bucket_arn = bucket.arn
        self.versioning = aws.s3.BucketVersioning(
            name,
            region=args.region,
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._encrypt(name, args)
        self._close(name, args)
        self._forget_old_versions(name, args)

        self.register_outputs({"bucketName": self.bucket_name, "bucketArn": self.bucket_arn})

    def _encrypt(self, name: str, args: RegionalBucketArgs) -> None:
        """Everything is encrypted under the jurisdiction's key by default."""
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            region=args.region,
            bucket=self.bucket_name,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": args.key_arn,
                    },
                    # One call to KMS for many objects, at about a hundredth of the price.
                    "bucket_key_enabled": True,
                    # Left out, S3 answers with a default of its own, which every later plan
                    # takes for a change.
                    "blocked_encryption_types": ["SSE-C"],
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _close(self, name: str, args: RegionalBucketArgs) -> None:
        """No public access, no access lists, no clear text, no other encryption."""
        block = aws.s3.BucketPublicAccessBlock(
            name,
            region=args.region,
            bucket=self.bucket_name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # S3 answers 409 to two changes of a bucket's access at once: one after the other.
        controls = aws.s3.BucketOwnershipControls(
            name,
            region=args.region,
            bucket=self.bucket_name,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        aws.s3.BucketPolicy(
            name,
            region=args.region,
            bucket=self.bucket_name,
            policy=_policy(args.bucket_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[controls]),
        )

    def _forget_old_versions(self, name: str, args: RegionalBucketArgs) -> None:
        """Old versions are kept long enough to undo a mistake, and no longer."""
        aws.s3.BucketLifecycleConfiguration(
            name,
            region=args.region,
            bucket=self.bucket_name,
            rules=[
                {
                    "id": "forget-old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": args.version_days},
                    "abort_incomplete_multipart_upload": {
                        "days_after_initiation": ABANDONED_UPLOAD_DAYS
                    },
                }
            ],
            # Rules about old versions mean nothing to S3 until there can be old versions.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.versioning]),
        )


def _policy(bucket_name: str) -> str:
    """What nobody may do to the bucket, whatever their own policies say."""
    everyone = {"AWS": ("*",)}
    return document(
        Statement(
            sid="NothingInTheClear",
            effect="Deny",
            principals=everyone,
            actions=("s3:*",),
            resources=(arns.bucket(bucket_name), arns.objects(bucket_name)),
            conditions={"Bool": {"aws:SecureTransport": ("false",)}},
        ),
        *(
            Statement(
                sid=f"NoOtherEncryption{number}",
                effect="Deny",
                principals=everyone,
                actions=("s3:PutObject",),
                resources=(arns.objects(bucket_name),),
                conditions={"Null": {header: ("false",)}},
            )
            # Conditions of one statement must all hold, and each of these alone is enough.
            for number, header in enumerate(ENCRYPTION_HEADERS, start=1)
        ),
    )
