"""The rate limiter's cluster, its subnets and its parameters."""

from typing import Final

from policies.world.kind import FIXED, LABEL, PRICE, TAGS, Kind, alike

_FILLED: Final = "counts of another cluster would decide here: leave it out"
_OUTPOST: Final = "an Outpost stands in somebody's cellar, which may be in any country"

REPLICATION_GROUP: Final = Kind(
    type="aws:elasticache/replicationGroup:ReplicationGroup",
    judged={
        "region": "residency-region",
        **alike(
            "limiter-encrypted",
            "atRestEncryptionEnabled",
            "kmsKeyId",
            "transitEncryptionEnabled",
            "transitEncryptionMode",
        ),
        "authToken": "limiter-authenticated",
        **alike(
            "limiter-available",
            "automaticFailoverEnabled",
            "multiAzEnabled",
            "numCacheClusters",
        ),
        "parameterGroupName": "limiter-never-evicts",
        **alike("limiter-private", "port", "securityGroupIds", "subnetGroupName"),
        **alike(
            "residency-flow",
            "logDeliveryConfigurations[].destination",
            "notificationTopicArn",
        ),
    },
    neutral={
        "tags": TAGS,
        **alike(LABEL, "description", "replicationGroupId"),
        **alike(PRICE, "dataTieringEnabled", "nodeType"),
        **alike(FIXED, "engine", "engineVersion", "ipDiscovery", "networkType"),
        **alike(
            "when AWS does its work",
            "applyImmediately",
            "autoMinorVersionUpgrade",
            "maintenanceWindow",
            "snapshotWindow",
        ),
        **alike(
            "what its own records look like",
            "logDeliveryConfigurations[].destinationType",
            "logDeliveryConfigurations[].logFormat",
            "logDeliveryConfigurations[].logType",
        ),
        **alike(
            "counts that are kept are worth nothing, and do no harm",
            "durability",
            "finalSnapshotIdentifier",
            "snapshotRetentionLimit",
        ),
        "preferredCacheClusterAzs": "AWS refuses zones outside of the subnets",
    },
    refused={
        **alike(
            "clients hold the token of the contract's secret: use `authToken`",
            "authTokenWo",
            "authTokenWoVersion",
            "userGroupIds",
        ),
        "authTokenUpdateStrategy": "clients know one token, which must be required: leave it out",
        **alike(
            "limits of one tenant are read and written together: keep one shard",
            "clusterMode",
            "nodeGroupConfigurations",
            "numNodeGroups",
            "replicasPerNodeGroup",
        ),
        **alike(_FILLED, "globalReplicationGroupId", "snapshotArns", "snapshotName"),
        "securityGroupNames": "names of EC2-Classic: use `securityGroupIds`",
    },
)

SUBNET_GROUP: Final = Kind(
    type="aws:elasticache/subnetGroup:SubnetGroup",
    judged={
        "region": "residency-region",
        "name": "limiter-private",
        "subnetIds": "limiter-private",
    },
    neutral={"tags": TAGS, "description": LABEL},
)

PARAMETER_GROUP: Final = Kind(
    type="aws:elasticache/parameterGroup:ParameterGroup",
    judged={
        "region": "residency-region",
        **alike("limiter-never-evicts", "name", "parameters[].name", "parameters[].value"),
    },
    neutral={"tags": TAGS, "description": LABEL, "family": FIXED},
)

KINDS: Final = (REPLICATION_GROUP, SUBNET_GROUP, PARAMETER_GROUP)
