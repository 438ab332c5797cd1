"""Tables, and the items that a deployment writes."""

from typing import Final

from policies.world.kind import ANSWER, FIXED, LABEL, PRICE, TAGS, Kind, alike

_INDEX: Final = "an index lies where its table lies, and holds no more than it does"
_CEILING: Final = "writes beyond it are refused, those of leases among them: leave it out"

TABLE: Final = Kind(
    type="aws:dynamodb/table:Table",
    judged={
        "attributes[].type": "contract-tables",
        "billingMode": "table-capacity",
        "deletionProtectionEnabled": "table-deletion-protected",
        "globalTableWitness.regionName": "residency-replica",
        "hashKey": "contract-tables",
        "name": "contract-tables",
        "pointInTimeRecovery.enabled": "table-recoverable",
        "pointInTimeRecovery.recoveryPeriodInDays": "table-recoverable",
        "rangeKey": "contract-tables",
        "region": "residency-region",
        "replicas[].consistencyMode": "coordination-strong",
        "replicas[].deletionProtectionEnabled": "table-deletion-protected",
        "replicas[].kmsKeyArn": "table-encrypted",
        "replicas[].pointInTimeRecovery": "table-recoverable",
        "replicas[].regionName": "residency-replica",
        "serverSideEncryption.enabled": "table-encrypted",
        "serverSideEncryption.kmsKeyArn": "table-encrypted",
        "ttl.attributeName": "table-expiry",
        "ttl.enabled": "table-expiry",
    },
    neutral={
        "tags": TAGS,
        "replicas[].propagateTags": LABEL,
        "attributes[].name": FIXED,
        **alike(PRICE, "tableClass"),
        **alike(PRICE, "warmThroughput.readUnitsPerSecond", "warmThroughput.writeUnitsPerSecond"),
        **alike(
            "replication needs it, and who reads the stream needs a permission",
            "streamEnabled",
            "streamViewType",
        ),
        **alike(
            _INDEX,
            "globalSecondaryIndexes[].hashKey",
            "globalSecondaryIndexes[].keySchemas[].attributeName",
            "globalSecondaryIndexes[].keySchemas[].keyType",
            "globalSecondaryIndexes[].name",
            "globalSecondaryIndexes[].nonKeyAttributes",
            "globalSecondaryIndexes[].projectionType",
            "globalSecondaryIndexes[].rangeKey",
            "localSecondaryIndexes[].name",
            "localSecondaryIndexes[].nonKeyAttributes",
            "localSecondaryIndexes[].projectionType",
            "localSecondaryIndexes[].rangeKey",
        ),
        **alike(
            PRICE,
            "globalSecondaryIndexes[].warmThroughput.readUnitsPerSecond",
            "globalSecondaryIndexes[].warmThroughput.writeUnitsPerSecond",
        ),
    },
    refused={
        **alike(ANSWER, "replicas[].arn", "replicas[].streamArn", "replicas[].streamLabel"),
        **alike(
            _CEILING,
            "globalSecondaryIndexes[].onDemandThroughput",
            "globalSecondaryIndexes[].readCapacity",
            "globalSecondaryIndexes[].writeCapacity",
            "onDemandThroughput",
            "readCapacity",
            "writeCapacity",
        ),
        **alike(
            "it fills the table with data that no rule can place: restore beside the stack, "
            "and let the program adopt the table",
            "importTable",
            "restoreBackupArn",
            "restoreDateTime",
            "restoreSourceName",
            "restoreSourceTableArn",
            "restoreToLatestTime",
        ),
    },
)

TABLE_ITEM: Final = Kind(
    type="aws:dynamodb/tableItem:TableItem",
    judged=alike("kill-switch-present", "hashKey", "item", "region", "tableName"),
    refused={"rangeKey": "the flag is read by its partition key alone: leave it out"},
    ignorable={"item": "whoever trips the switch has the last word, not the next deployment"},
)

KINDS: Final = (TABLE, TABLE_ITEM)
