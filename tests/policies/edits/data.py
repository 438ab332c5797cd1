"""Edits that let state vanish, be read, or be forgotten: tables, buckets, keys, secrets, limits."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from holdfast.graph import UNKNOWN, Options
from tests.policies.shipped import Harm, adding, optioned, removing, setting, together, without

TABLE: Final = "aws:dynamodb/table:Table::"
GROUP: Final = "aws:elasticache/replicationGroup:ReplicationGroup::"
PARAMETERS: Final = "aws:elasticache/parameterGroup:ParameterGroup::"
KEY: Final = "aws:kms/key:Key::"
SECRET: Final = "aws:secretsmanager/secret:Secret::"
BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::"
LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::"
OPEN_BUCKET_POLICY: Final = json.dumps({"Version": "2012-10-17", "Statement": []})
EU_TAGS: Final = {
    "holdfast:jurisdiction": "eu",
    "holdfast:environment": "prod",
    "holdfast:component": "new",
}


def _unprotected(options: Options) -> Options:
    return replace(options, protect=False)


def _leaving(name: str) -> Callable[[Options], Options]:
    return lambda options: replace(options, ignore_changes=(name,))


_TABLES: Final = (
    Harm(
        name="leases expire by a clock",
        edit=setting(f"{TABLE}eu-coordination", "ttl", {"attributeName": "at", "enabled": True}),
        rule="table-expiry",
        at="eu-coordination",
    ),
    Harm(
        name="tenants' records expire by a clock",
        edit=setting(f"{TABLE}us-store", "ttl", {"attributeName": "at", "enabled": True}),
        rule="table-expiry",
        at="us-store",
    ),
    Harm(
        name="leases have a capacity of five writes a second",
        edit=setting(f"{TABLE}us-coordination", "billingMode", "PROVISIONED"),
        rule="table-capacity",
        at="us-coordination",
    ),
    Harm(
        name="nobody says how the lease table is billed",
        edit=removing(f"{TABLE}us-coordination", "billingMode"),
        rule="table-capacity",
        at="us-coordination",
    ),
    Harm(
        name="writes of leases have a ceiling",
        edit=setting(f"{TABLE}eu-coordination", "onDemandThroughput", {"maxWriteRequestUnits": 1}),
        rule="environment-property-known",
        at="eu-coordination",
    ),
    Harm(
        name="a table is filled from a backup that nobody can place",
        edit=setting(f"{TABLE}eu-store", "restoreSourceTableArn", UNKNOWN),
        rule="environment-property-known",
        at="eu-store",
    ),
    Harm(
        name="the lease table is eventually consistent",
        edit=setting(f"{TABLE}eu-coordination", "replicas.0.consistencyMode", "EVENTUAL"),
        rule="coordination-strong",
        at="eu-coordination",
    ),
    Harm(
        name="a replica can be deleted",
        edit=setting(f"{TABLE}eu-store", "replicas.0.deletionProtectionEnabled", value=False),
        rule="table-deletion-protected",
        at="eu-store",
    ),
    Harm(
        name="a replica cannot go back in time",
        edit=setting(f"{TABLE}eu-store", "replicas.0.pointInTimeRecovery", value=False),
        rule="table-recoverable",
        at="eu-store",
    ),
    Harm(
        name="the engine may delete the lease table",
        edit=optioned(f"{TABLE}eu-coordination", _unprotected),
        rule="table-deletion-protected",
        at="eu-coordination",
    ),
    Harm(
        name="the engine leaves replicas as they are",
        edit=optioned(f"{TABLE}eu-store", _leaving("replicas")),
        rule="environment-property-known",
        at="eu-store",
    ),
)

_BUCKETS: Final = (
    Harm(
        name="a bucket grants everybody to read",
        edit=setting("aws:s3/bucket:Bucket::eu-store-eu-west-1", "acl", "public-read"),
        rule="environment-property-known",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="a list of grants stands beside a bucket",
        edit=adding(
            "aws:s3/bucketAcl:BucketAcl",
            "public",
            {"bucket": "holdfast-prod-eu-west-1-objects-123456789012", "acl": "public-read"},
        ),
        rule="environment-type-known",
        at="public",
    ),
    *(
        Harm(
            name=f"{name} is off",
            edit=setting(f"{BLOCK}us-store-us-east-1", name, value=False),
            rule="bucket-private",
            at="us-store-us-east-1",
        )
        for name in (
            "blockPublicAcls",
            "blockPublicPolicy",
            "ignorePublicAcls",
            "restrictPublicBuckets",
        )
    ),
    Harm(
        name="a bucket has no public access block",
        edit=without(f"{BLOCK}eu-store-eu-central-1"),
        rule="bucket-private",
        at="eu-store-eu-central-1",
    ),
    Harm(
        name="writers own what they write",
        edit=setting(
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls::eu-store-eu-west-1",
            "rule.objectOwnership",
            "ObjectWriter",
        ),
        rule="bucket-owned",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="a bucket takes plain connections",
        edit=setting(
            "aws:s3/bucketPolicy:BucketPolicy::us-store-us-west-2", "policy", OPEN_BUCKET_POLICY
        ),
        rule="bucket-in-transit",
        at="us-store-us-west-2",
    ),
    Harm(
        name="objects are deleted after a month",
        edit=setting(f"{LIFECYCLE}eu-store-eu-west-1", "rules.0.expiration", {"days": 30}),
        rule="bucket-objects-kept",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="objects move to an archive",
        edit=setting(
            f"{LIFECYCLE}eu-store-eu-west-1",
            "rules.0.transitions",
            [{"days": 1, "storageClass": "DEEP_ARCHIVE"}],
        ),
        rule="bucket-objects-kept",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="old versions are forgotten after a day",
        edit=setting(
            f"{LIFECYCLE}eu-store-eu-west-1",
            "rules.0.noncurrentVersionExpiration.noncurrentDays",
            1,
        ),
        rule="bucket-versions-kept",
        at="eu-store-eu-west-1",
    ),
    Harm(
        name="replication has a role that nobody allows anything",
        edit=without("aws:iam/rolePolicy:RolePolicy::eu-store-replication"),
        rule="bucket-replicating",
        at="eu-store-eu-*",
    ),
    Harm(
        name="copies land in an archive",
        edit=setting(
            "aws:s3/bucketReplicationConfig:BucketReplicationConfig::eu-store-eu-west-1",
            "rules.0.destination.storageClass",
            "DEEP_ARCHIVE",
        ),
        rule="environment-property-known",
        at="eu-store-eu-west-1",
    ),
)

_SECRETS: Final = (
    Harm(
        name="a key is never replaced",
        edit=setting(f"{KEY}eu-keys-eu-west-1", "enableKeyRotation", value=False),
        rule="key-rotated",
        at="eu-keys-eu-west-1",
    ),
    Harm(
        name="a key is replaced every seven years",
        edit=setting(f"{KEY}us-keys-us-east-1", "rotationPeriodInDays", 2560),
        rule="key-rotated",
        at="us-keys-us-east-1",
    ),
    Harm(
        name="a key's policy can lock everybody out",
        edit=setting(f"{KEY}us-keys-us-east-1", "bypassPolicyLockoutSafetyCheck", value=True),
        rule="environment-property-known",
        at="us-keys-us-east-1",
    ),
    Harm(
        name="an alias of the EU names a key of the US",
        edit=together(
            setting(
                "aws:kms/alias:Alias::eu-keys-eu-west-1", "name", "alias/holdfast-prod-us-data"
            ),
        ),
        rule="key-named",
        at="eu-keys-eu-west-1",
    ),
    Harm(
        name="a key has no alias",
        edit=without("aws:kms/alias:Alias::us-keys-us-west-2"),
        rule="key-named",
        at="us-keys-us-west-2",
    ),
    Harm(
        name="a secret is encrypted with AWS's own key",
        edit=removing(f"{SECRET}eu-west-1-limiter", "kmsKeyId"),
        rule="secret-encrypted",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="a secret that is deleted is gone at once",
        edit=setting(f"{SECRET}eu-west-1-limiter", "recoveryWindowInDays", 0),
        rule="secret-recoverable",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="a secret has a replica abroad",
        edit=setting(
            f"{SECRET}eu-west-1-limiter", "replicas", [{"region": "us-east-1", "kmsKeyId": "k"}]
        ),
        rule="residency-replica",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the contract can be read in plain",
        edit=setting("aws:ssm/parameter:Parameter::global-platform-eu-west-1", "type", "String"),
        rule="parameter-encrypted",
        at="global-platform-eu-west-1",
    ),
    Harm(
        name="alarms lie in plain with SNS",
        edit=removing("aws:sns/topic:Topic::eu-kill-switch-eu-west-1", "kmsMasterKeyId"),
        rule="topic-encrypted",
        at="eu-kill-switch-eu-west-1",
    ),
)

_LIMITER: Final = (
    Harm(
        name="the limiter speaks plain text",
        edit=setting(f"{GROUP}eu-west-1-limiter", "transitEncryptionEnabled", value=False),
        rule="limiter-encrypted",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the limiter takes plain text as well",
        edit=setting(f"{GROUP}eu-west-1-limiter", "transitEncryptionMode", "preferred"),
        rule="limiter-encrypted",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the limiter's disks are plain",
        edit=setting(f"{GROUP}eu-west-1-limiter", "atRestEncryptionEnabled", value=False),
        rule="limiter-encrypted",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the limiter is encrypted with AWS's own key",
        edit=removing(f"{GROUP}eu-west-1-limiter", "kmsKeyId"),
        rule="limiter-encrypted",
        at="eu-west-1-limiter",
    ),
    Harm(
        name="the limiter asks for no token",
        edit=removing(f"{GROUP}us-east-1-limiter", "authToken"),
        rule="limiter-authenticated",
        at="us-east-1-limiter",
    ),
    Harm(
        name="a full limiter forgets",
        edit=setting(f"{PARAMETERS}us-east-1-limiter", "parameters.0.value", "allkeys-lru"),
        rule="limiter-never-evicts",
        at="us-east-1-limiter",
    ),
    Harm(
        name="the limiter's parameters are AWS's own",
        edit=setting(f"{GROUP}us-east-1-limiter", "parameterGroupName", "default.valkey8"),
        rule="limiter-never-evicts",
        at="us-east-1-limiter",
    ),
    Harm(
        name="the limiter has one node",
        edit=setting(f"{GROUP}us-east-1-limiter", "numCacheClusters", 1),
        rule="limiter-available",
        at="us-east-1-limiter",
    ),
    *(
        Harm(
            name=f"{name} of the limiter is off",
            edit=setting(f"{GROUP}us-west-2-limiter", name, value=False),
            rule="limiter-available",
            at="us-west-2-limiter",
        )
        for name in ("automaticFailoverEnabled", "multiAzEnabled")
    ),
    Harm(
        name="the engine may delete the limiter",
        edit=optioned(f"{GROUP}us-west-2-limiter", _unprotected),
        rule="limiter-available",
        at="us-west-2-limiter",
    ),
    Harm(
        name="the engine may delete the limiter's token",
        edit=optioned(f"{SECRET}us-west-2-limiter", _unprotected),
        rule="secret-recoverable",
        at="us-west-2-limiter",
    ),
    Harm(
        name="the limiter stands in AWS's own subnets",
        edit=setting(f"{GROUP}us-west-2-limiter", "subnetGroupName", "default"),
        rule="limiter-private",
        at="us-west-2-limiter",
    ),
    Harm(
        name="the limiter's counts are another cluster's",
        edit=setting(f"{GROUP}us-west-2-limiter", "globalReplicationGroupId", "g"),
        rule="environment-property-known",
        at="us-west-2-limiter",
    ),
)

_MORE: Final = (
    Harm(
        name="a queue of tasks is encrypted with SQS's own key",
        edit=adding(
            "aws:sqs/queue:Queue", "tasks", {"region": "eu-west-1", "name": "t", "tags": EU_TAGS}
        ),
        rule="queue-encrypted",
        at="tasks",
    ),
    Harm(
        name="logs of agents are plain",
        edit=adding(
            "aws:cloudwatch/logGroup:LogGroup",
            "logs",
            {"region": "eu-west-1", "name": "l", "tags": EU_TAGS},
        ),
        rule="log-encrypted",
        at="logs",
    ),
    Harm(
        name="logs are gone tomorrow",
        edit=adding(
            "aws:cloudwatch/logGroup:LogGroup",
            "logs",
            {"region": "eu-west-1", "name": "l", "retentionInDays": 1, "tags": EU_TAGS},
        ),
        rule="log-kept",
        at="logs",
    ),
    Harm(
        name="a tag of an image moves",
        edit=adding(
            "aws:ecr/repository:Repository",
            "images",
            {"region": "eu-west-1", "name": "i", "tags": EU_TAGS},
        ),
        rule="image-fixed",
        at="images",
    ),
)

DATA_EDITS: Final[tuple[Harm, ...]] = (*_TABLES, *_BUCKETS, *_SECRETS, *_LIMITER, *_MORE)
