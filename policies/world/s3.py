"""Buckets, and the resources that set each of their properties."""

from typing import Final

from policies.world.kind import ELSEWHERE, LABEL, MORE, SETTING, TAGS, Kind, alike

_OWNER: Final = "it only makes AWS refuse a bucket of another account"
_BY_PROJECT: Final = "which of a bucket's objects a rule is about"

BUCKET: Final = Kind(
    type="aws:s3/bucket:Bucket",
    judged={
        "bucket": "contract-buckets",
        "forceDestroy": "bucket-deletion-protected",
        "region": "residency-region",
    },
    neutral={"tags": TAGS, "objectLockEnabled": MORE},
    refused={
        "accelerationStatus": "uploads would enter at edge locations of any country: leave it out",
        "bucketNamespace": "the contract names the bucket in the global namespace: leave it out",
        "bucketPrefix": "permissions name buckets, so their names must be known: use `bucket`",
        "requestPayer": "agents' reads would be refused: leave it out",
        **alike("lists of grants are off: permissions stand in policies", "acl", "grants"),
        "corsRules": "browsers have no business here: leave it out",
        "website": "a website is public: serve it from another account",
        "lifecycleRules": f"{ELSEWHERE}: use a BucketLifecycleConfiguration",
        "logging": f"{ELSEWHERE}: use a BucketLogging",
        "objectLockConfiguration": "a lock that outlives a tenant's wish breaks GDPR Art. 17",
        "policy": f"{ELSEWHERE}: use a BucketPolicy",
        "replicationConfiguration": f"{ELSEWHERE}: use a BucketReplicationConfig",
        "serverSideEncryptionConfiguration": (
            f"{ELSEWHERE}: use a BucketServerSideEncryptionConfiguration"
        ),
        "versioning": f"{ELSEWHERE}: use a BucketVersioning",
    },
)

VERSIONING: Final = Kind(
    type="aws:s3/bucketVersioning:BucketVersioning",
    judged=alike("bucket-versioned", "bucket", "versioningConfiguration.status"),
    neutral={"expectedBucketOwner": _OWNER, "region": SETTING},
    refused=alike(
        "a deployment has no second factor: leave it out",
        "mfa",
        "versioningConfiguration.mfaDelete",
    ),
)

LIFECYCLE: Final = Kind(
    type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    judged={
        "bucket": "bucket-versions-kept",
        **alike(
            "bucket-objects-kept",
            "rules[].expiration.date",
            "rules[].expiration.days",
            "rules[].noncurrentVersionTransitions[].storageClass",
            "rules[].status",
            "rules[].transitions[].storageClass",
        ),
        "rules[].noncurrentVersionExpiration.noncurrentDays": "bucket-versions-kept",
    },
    neutral={
        "region": SETTING,
        "expectedBucketOwner": _OWNER,
        "rules[].id": LABEL,
        "rules[].abortIncompleteMultipartUpload.daysAfterInitiation": "no object comes of it",
        "rules[].expiration.expiredObjectDeleteMarker": "a marker of nothing is no object",
        "rules[].noncurrentVersionExpiration.newerNoncurrentVersions": MORE,
        **alike(
            _BY_PROJECT,
            "rules[].filter.and.objectSizeGreaterThan",
            "rules[].filter.and.objectSizeLessThan",
            "rules[].filter.and.prefix",
            "rules[].filter.and.tags",
            "rules[].filter.objectSizeGreaterThan",
            "rules[].filter.objectSizeLessThan",
            "rules[].filter.prefix",
            "rules[].filter.tag.key",
            "rules[].filter.tag.value",
            "rules[].prefix",
            "transitionDefaultMinimumObjectSize",
        ),
        **alike(
            "when objects move to a class that is read at once",
            "rules[].noncurrentVersionTransitions[].newerNoncurrentVersions",
            "rules[].noncurrentVersionTransitions[].noncurrentDays",
            "rules[].transitions[].date",
            "rules[].transitions[].days",
        ),
        **alike("how long a deployment waits", "timeouts.create", "timeouts.update"),
    },
)

REPLICATION: Final = Kind(
    type="aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    judged={
        "bucket": "residency-bucket-replication",
        "role": "bucket-replicating",
        "rules[].destination.metrics.status": "bucket-replicating",
        "rules[].destination.bucket": "residency-bucket-replication",
        **alike(
            "bucket-replicated",
            "rules[].deleteMarkerReplication.status",
            "rules[].destination.encryptionConfiguration.replicaKmsKeyId",
            "rules[].filter.and.prefix",
            "rules[].filter.and.tags",
            "rules[].filter.prefix",
            "rules[].filter.tag.key",
            "rules[].filter.tag.value",
            "rules[].prefix",
            "rules[].sourceSelectionCriteria.sseKmsEncryptedObjects.status",
            "rules[].status",
        ),
    },
    neutral={
        "region": SETTING,
        "rules[].id": LABEL,
        "rules[].priority": "it chooses among rules that all lead to where they may",
        **alike(
            "what else is copied, or when: to where it may",
            "rules[].destination.metrics.eventThreshold.minutes",
            "rules[].destination.replicationTime.status",
            "rules[].destination.replicationTime.time.minutes",
            "rules[].existingObjectReplication.status",
            "rules[].sourceSelectionCriteria.replicaModifications.status",
        ),
    },
    refused={
        **alike(
            "another account would own the copies: leave it out",
            "rules[].destination.accessControlTranslation",
            "rules[].destination.account",
        ),
        "rules[].destination.storageClass": "copies are read after a failover, at once: leave it",
        "token": "a token of support that allows what AWS refuses: leave it out",
    },
)

ENCRYPTION: Final = Kind(
    type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    judged=alike(
        "bucket-encrypted",
        "bucket",
        "rules[].applyServerSideEncryptionByDefault.kmsMasterKeyId",
        "rules[].applyServerSideEncryptionByDefault.sseAlgorithm",
    ),
    neutral={
        "region": SETTING,
        "expectedBucketOwner": _OWNER,
        "rules[].blockedEncryptionTypes": "it only refuses uploads of a weaker kind",
        "rules[].bucketKeyEnabled": "how many calls of the same key are billed",
    },
)

PUBLIC_ACCESS: Final = Kind(
    type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    judged=alike(
        "bucket-private",
        "blockPublicAcls",
        "blockPublicPolicy",
        "bucket",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    ),
    neutral={"region": SETTING, "skipDestroy": MORE},
)

OWNERSHIP: Final = Kind(
    type="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    judged=alike("bucket-owned", "bucket", "rule.objectOwnership"),
    neutral={"region": SETTING},
)

POLICY: Final = Kind(
    type="aws:s3/bucketPolicy:BucketPolicy",
    judged=alike("bucket-in-transit", "bucket", "policy"),
    neutral={"region": SETTING},
)

LOGGING: Final = Kind(
    type="aws:s3/bucketLogging:BucketLogging",
    judged=alike("residency-flow", "bucket", "targetBucket"),
    neutral={
        "region": SETTING,
        "expectedBucketOwner": _OWNER,
        "targetPrefix": LABEL,
        "targetObjectKeyFormat.partitionedPrefix.partitionDateSource": LABEL,
    },
    refused={"targetGrants": "lists of grants are off: permissions stand in policies"},
)

NOTIFICATION: Final = Kind(
    type="aws:s3/bucketNotification:BucketNotification",
    judged=alike(
        "residency-flow",
        "bucket",
        "lambdaFunctions[].lambdaFunctionArn",
        "queues[].queueArn",
        "topics[].topicArn",
    ),
    neutral={
        "region": SETTING,
        "eventbridge": "the region's own bus, whose rules are edges themselves",
        **alike(
            _BY_PROJECT,
            *(
                f"{target}[].{name}"
                for target in ("lambdaFunctions", "queues", "topics")
                for name in ("events", "filterPrefix", "filterSuffix", "id")
            ),
        ),
    },
)

OBJECT: Final = Kind(
    type="aws:s3/bucketObjectv2:BucketObjectv2",
    neutral={
        "tags": TAGS,
        "region": SETTING,
        "bucket": "it lies where its bucket lies, under what rules ask of that",
        **alike(
            "what the program writes, as its source shows",
            "bucketKeyEnabled",
            "cacheControl",
            "checksumAlgorithm",
            "content",
            "contentBase64",
            "contentDisposition",
            "contentEncoding",
            "contentLanguage",
            "contentType",
            "etag",
            "key",
            "metadata",
            "overrideProvider.defaultTags.tags",
            "source",
            "sourceHash",
        ),
        **alike(MORE, "objectLockLegalHoldStatus", "objectLockMode", "objectLockRetainUntilDate"),
    },
    refused={
        "acl": "lists of grants are off: permissions stand in policies",
        "kmsKeyId": "the bucket encrypts by default, with its own key: leave it out",
        "forceDestroy": "a locked object is not deleted: leave it out",
        "serverSideEncryption": "the bucket encrypts by default, with its own key: leave it out",
        "storageClass": "objects are read at once: leave it out",
        "websiteRedirect": "a website is public: serve it from another account",
    },
)

KINDS: Final = (
    BUCKET,
    VERSIONING,
    LIFECYCLE,
    REPLICATION,
    ENCRYPTION,
    PUBLIC_ACCESS,
    OWNERSHIP,
    POLICY,
    LOGGING,
    NOTIFICATION,
    OBJECT,
)
