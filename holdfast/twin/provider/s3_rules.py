"""S3: a bucket's rules, of what expires and of what is copied where."""

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.naming_map import TAGS, NameMap, from_api, to_api
from holdfast.twin.provider.s3_settings import ONE_ACCOUNT, BucketSetting
from holdfast.twin.provider.spec import declared, kept, recorded, refused
from holdfast.twin.provider.values import Doc, Object

_SIZES: NameMap = {
    "objectSizeGreaterThan": "ObjectSizeGreaterThan",
    "objectSizeLessThan": "ObjectSizeLessThan",
    "prefix": "Prefix",
}
_TAG: NameMap = {"key": "Key", "value": "Value"}
_LIFECYCLE: NameMap = {
    "id": "ID",
    "status": "Status",
    "filter": (
        "Filter",
        {**_SIZES, "tag": ("Tag", _TAG), "and": ("And", {**_SIZES, "tags": ("Tags", TAGS)})},
    ),
    "abortIncompleteMultipartUpload": (
        "AbortIncompleteMultipartUpload",
        {"daysAfterInitiation": "DaysAfterInitiation"},
    ),
    "expiration": (
        "Expiration",
        {
            "date": "Date",
            "days": "Days",
            "expiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
        },
    ),
    "noncurrentVersionExpiration": (
        "NoncurrentVersionExpiration",
        {
            "noncurrentDays": "NoncurrentDays",
            "newerNoncurrentVersions": "NewerNoncurrentVersions",
        },
    ),
    "noncurrentVersionTransitions": (
        "NoncurrentVersionTransitions",
        {
            "noncurrentDays": "NoncurrentDays",
            "newerNoncurrentVersions": "NewerNoncurrentVersions",
            "storageClass": "StorageClass",
        },
    ),
    "transitions": (
        "Transitions",
        {"date": "Date", "days": "Days", "storageClass": "StorageClass"},
    ),
}


class BucketLifecycleConfiguration(BucketSetting):
    """When objects and old versions go. The emulator keeps the rules and removes nothing."""

    type_name = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    unset = ("NoSuchLifecycleConfiguration",)
    remove = "delete_bucket_lifecycle"
    properties = declared(
        {
            "bucket": kept(replaces=True),
            "expectedBucketOwner": refused(ONE_ACCOUNT),
            "rules": kept(),
            "rules.prefix": refused("deprecated; use `filter`"),
            "timeouts": recorded("nothing takes long in the twin"),
            "transitionDefaultMinimumObjectSize": refused("the emulator drops it"),
        }
    )

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutBucketLifecycleConfiguration``."""
        rules = [to_api(rule, _LIFECYCLE) for rule in inputs.docs("rules")]
        for rule in rules:
            rule.setdefault("Filter", {"Prefix": ""})
        site.call(
            "s3",
            "put_bucket_lifecycle_configuration",
            Bucket=bucket,
            LifecycleConfiguration={"Rules": rules},
        )

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetBucketLifecycleConfiguration``."""
        answer = self.look(site, "get_bucket_lifecycle_configuration", bucket)
        if answer is None:
            return None
        return {
            "rules": [from_api(rule, _LIFECYCLE) for rule in answer.docs("Rules")],
            "transitionDefaultMinimumObjectSize": answer.maybe_text(
                "TransitionDefaultMinimumObjectSize"
            )
            or "all_storage_classes_128K",
        }


_STATUS: NameMap = {"status": "Status"}
_REPLICATION: NameMap = {
    "id": "ID",
    "priority": "Priority",
    "status": "Status",
    "deleteMarkerReplication": ("DeleteMarkerReplication", _STATUS),
    "filter": (
        "Filter",
        {
            "prefix": "Prefix",
            "tag": ("Tag", _TAG),
            "and": ("And", {"prefix": "Prefix", "tags": ("Tags", TAGS)}),
        },
    ),
    "sourceSelectionCriteria": (
        "SourceSelectionCriteria",
        {
            "replicaModifications": ("ReplicaModifications", _STATUS),
            "sseKmsEncryptedObjects": ("SseKmsEncryptedObjects", _STATUS),
        },
    ),
    "destination": (
        "Destination",
        {
            "bucket": "Bucket",
            "account": "Account",
            "storageClass": "StorageClass",
            "accessControlTranslation": ("AccessControlTranslation", {"owner": "Owner"}),
            "encryptionConfiguration": (
                "EncryptionConfiguration",
                {"replicaKmsKeyId": "ReplicaKmsKeyID"},
            ),
            "metrics": (
                "Metrics",
                {"status": "Status", "eventThreshold": ("EventThreshold", {"minutes": "Minutes"})},
            ),
            "replicationTime": (
                "ReplicationTime",
                {"status": "Status", "time": ("Time", {"minutes": "Minutes"})},
            ),
        },
    ),
}


class BucketReplicationConfig(BucketSetting):
    """Where copies of a bucket's objects go. The twin copies them, after its lag."""

    type_name = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
    unset = ("ReplicationConfigurationNotFoundError",)
    remove = "delete_bucket_replication"
    properties = declared(
        {
            "bucket": kept(replaces=True),
            "role": kept(),
            "rules": kept(),
            "rules.existingObjectReplication": refused("the emulator drops it"),
            "rules.id": kept(computed=True),
            "rules.prefix": refused("deprecated; use `filter`"),
            "token": refused("the twin's buckets have no object lock"),
            "rules.destination.account": refused(ONE_ACCOUNT),
        }
    )

    def put(self, site: Site, bucket: str, inputs: Doc) -> None:
        """``PutBucketReplication``."""
        rules = [to_api(rule, _REPLICATION) for rule in inputs.docs("rules")]
        for rule in rules:
            rule.setdefault("Filter", {"Prefix": ""})
        site.call(
            "s3",
            "put_bucket_replication",
            Bucket=bucket,
            ReplicationConfiguration={"Role": inputs.text("role"), "Rules": rules},
        )

    def get(self, site: Site, bucket: str) -> Object | None:
        """``GetBucketReplication``."""
        answer = self.look(site, "get_bucket_replication", bucket)
        if answer is None:
            return None
        found = answer.doc("ReplicationConfiguration")
        return {
            "role": found.text("Role"),
            "rules": [from_api(rule, _REPLICATION) for rule in found.docs("Rules")],
        }
