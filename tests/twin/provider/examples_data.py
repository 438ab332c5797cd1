"""Examples of tables, buckets and caches."""

import json
from collections.abc import Mapping

from holdfast.twin.provider.values import Doc, Json
from tests.twin.provider.world import ALLOW, ALLOW_LESS, OTHER_TAGS, TAGS, Example, World


def _table(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "billingMode": "PROVISIONED",
        "readCapacity": 5,
        "writeCapacity": 6,
        "hashKey": "pk",
        "rangeKey": "sk",
        "attributes": [{"name": name, "type": "S"} for name in ("pk", "sk", "g", "l")],
        "globalSecondaryIndexes": [
            {
                "name": "by-g",
                "hashKey": "g",
                "rangeKey": "sk",
                "projectionType": "INCLUDE",
                "nonKeyAttributes": ["x"],
                "readCapacity": 2,
                "writeCapacity": 3,
            }
        ],
        "localSecondaryIndexes": [{"name": "by-l", "rangeKey": "l", "projectionType": "KEYS_ONLY"}],
        "deletionProtectionEnabled": False,
        "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7},
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": world["key"]},
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "tableClass": "STANDARD_INFREQUENT_ACCESS",
        "ttl": {"enabled": True, "attributeName": "expires"},
        "tags": TAGS,
    }


def _on_demand_table(_world: World) -> dict[str, Json]:
    return {
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "pk",
        "attributes": [{"name": "pk", "type": "S"}],
        "onDemandThroughput": {"maxReadRequestUnits": 10, "maxWriteRequestUnits": 20},
    }


def _group(world: World) -> dict[str, Json]:
    return {
        "replicationGroupId": "examples",
        "description": "examples",
        "engine": "valkey",
        "engineVersion": "8.0",
        "nodeType": "cache.t4g.micro",
        "numCacheClusters": 2,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "port": 6379,
        "parameterGroupName": world["parameters"],
        "subnetGroupName": world["subnets"],
        "securityGroupIds": [world["group"]],
        "atRestEncryptionEnabled": True,
        "kmsKeyId": world["key"],
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "authToken": "0123456789abcdef",
        "authTokenUpdateStrategy": "ROTATE",
        "autoMinorVersionUpgrade": True,
        "applyImmediately": True,
        "clusterMode": "disabled",
        "maintenanceWindow": "sun:05:00-sun:06:00",
        "snapshotRetentionLimit": 1,
        "snapshotWindow": "03:00-04:00",
        "tags": TAGS,
    }


def _sharded_group(world: World) -> dict[str, Json]:
    return {
        "description": "shards",
        "engine": "valkey",
        "numNodeGroups": 1,
        "replicasPerNodeGroup": 1,
        "automaticFailoverEnabled": True,
        "subnetGroupName": world["subnets"],
    }


_REPLICATION: list[Json] = [
    {
        "id": "copy",
        "priority": 3,
        "status": "Enabled",
        "filter": {"prefix": "data/"},
        "deleteMarkerReplication": {"status": "Enabled"},
        "sourceSelectionCriteria": {
            "replicaModifications": {"status": "Enabled"},
            "sseKmsEncryptedObjects": {"status": "Enabled"},
        },
    }
]


def _replication(world: World) -> dict[str, Json]:
    rule = dict(Doc({"rules": _REPLICATION}).docs("rules")[0].members)
    rule["destination"] = {
        "bucket": f"arn:aws:s3:::{world['copy']}",
        "storageClass": "STANDARD_IA",
        "encryptionConfiguration": {"replicaKmsKeyId": world["key"]},
        "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
        "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
    }
    return {"bucket": world["bucket"], "role": world["role-arn"], "rules": [rule]}


_LIFECYCLE: list[Json] = [
    {
        "id": "old",
        "status": "Enabled",
        "filter": {"and": {"prefix": "a/", "tags": {"k": "v"}, "objectSizeGreaterThan": 5}},
        "noncurrentVersionExpiration": {"noncurrentDays": 30, "newerNoncurrentVersions": 2},
        "noncurrentVersionTransitions": [{"noncurrentDays": 10, "storageClass": "GLACIER"}],
        "transitions": [{"days": 40, "storageClass": "STANDARD_IA"}],
    },
    {
        "id": "uploads",
        "status": "Disabled",
        "filter": {"tag": {"key": "k", "value": "v"}},
        "expiration": {"days": 50},
    },
    {
        "id": "all",
        "status": "Enabled",
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 3},
        "expiration": {"expiredObjectDeleteMarker": True},
    },
]

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "aws:dynamodb/table:Table": (
        Example(
            _table,
            edit={
                "billingMode": "PAY_PER_REQUEST",
                "attributes": [{"name": name, "type": "S"} for name in ("pk", "sk", "h", "l")],
                "globalSecondaryIndexes": [
                    {
                        "name": "by-h",
                        "keySchemas": [{"attributeName": "h", "keyType": "HASH"}],
                        "projectionType": "ALL",
                    }
                ],
                "pointInTimeRecovery": {"enabled": False},
                "serverSideEncryption": {"enabled": False},
                "streamViewType": "KEYS_ONLY",
                "tableClass": "STANDARD",
                "ttl": {"enabled": True, "attributeName": "until"},
                "deletionProtectionEnabled": True,
                "tags": OTHER_TAGS,
            },
            without=("readCapacity", "writeCapacity"),
        ),
        Example(_on_demand_table, edit={"onDemandThroughput": {"maxReadRequestUnits": 11}}),
    ),
    "aws:dynamodb/tableItem:TableItem": (
        Example(
            lambda world: {
                "tableName": world["table"],
                "hashKey": "pk",
                "rangeKey": "sk",
                "item": json.dumps({"pk": {"S": "kill"}, "sk": {"N": "1"}, "on": {"BOOL": False}}),
            },
            edit={
                "item": json.dumps({"pk": {"S": "kill"}, "sk": {"N": "2"}, "on": {"BOOL": True}})
            },
        ),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": (
        Example(
            lambda _: {
                "name": "examples",
                "family": "valkey8",
                "description": "an example",
                "parameters": [{"name": "maxmemory-policy", "value": "noeviction"}],
                "tags": TAGS,
            },
            edit={"parameters": [{"name": "timeout", "value": "7"}], "tags": OTHER_TAGS},
        ),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        Example(
            _group,
            edit={
                "description": "edited",
                "numCacheClusters": 3,
                "authToken": "fedcba9876543210",
                "tags": OTHER_TAGS,
            },
        ),
        Example(_sharded_group, edit={"description": "edited"}),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (
        Example(
            lambda world: {
                "name": "examples",
                "description": "an example",
                "subnetIds": [world["subnet-a"], world["subnet-b"]],
                "tags": TAGS,
            },
            edit={"description": "edited", "tags": OTHER_TAGS},
        ),
    ),
    "aws:s3/bucket:Bucket": (
        Example(
            lambda _: {"bucket": "holdfast-examples", "forceDestroy": True, "tags": TAGS},
            edit={"tags": OTHER_TAGS},
        ),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "rules": _LIFECYCLE,
                "timeouts": {"create": "5m"},
            },
            edit={"rules": _LIFECYCLE[:1]},
        ),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "rule": {"objectOwnership": "BucketOwnerEnforced"},
            },
            edit={"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        ),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        Example(
            lambda world: {"bucket": world["bucket"], "policy": ALLOW}, edit={"policy": ALLOW_LESS}
        ),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
                "skipDestroy": False,
            },
            edit={"blockPublicAcls": False},
        ),
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (Example(_replication),),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {
                            "sseAlgorithm": "aws:kms",
                            "kmsMasterKeyId": world["key"],
                        },
                        "bucketKeyEnabled": True,
                        "blockedEncryptionTypes": ["SSE-C"],
                    }
                ],
            },
            edit={
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
                        "blockedEncryptionTypes": ["NONE"],
                    }
                ]
            },
        ),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        Example(
            lambda world: {
                "bucket": world["plain"],
                "versioningConfiguration": {"status": "Enabled"},
            },
            edit={"versioningConfiguration": {"status": "Suspended"}},
        ),
    ),
}
