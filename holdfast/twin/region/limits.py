"""What a region's server does not reproduce of AWS, for the tables that docs and reports print."""

from holdfast.twin.limits import Limit

LIMITS = (
    Limit(
        "DynamoDB",
        "Calls of the control plane are complete when they return: tables, replicas and witnesses "
        "are ACTIVE at once, and a replica cannot be added while one of its regions is down.",
    ),
    Limit(
        "DynamoDB",
        "Strongly consistent tables refuse PartiQL, which AWS allows on them, and one replica's "
        "overrides of throughput.",
    ),
    Limit(
        "DynamoDB",
        "A strongly consistent write waits for one round trip to the nearer of two other regions "
        "(two round trips when another region wrote the item last); AWS publishes no figure.",
    ),
    Limit(
        "DynamoDB",
        "Votes and tombstones of deleted items are kept for as long as their table exists.",
    ),
    Limit("DynamoDB", "Multi-account global tables do not exist: the twin is one account."),
    Limit(
        "Services",
        "Only those and only the operations that the twin declares exist: another is refused with "
        "UnknownOperationException, Lambda and STS's sessions among them. A body has at most "
        "16 MiB, an object 64 MiB.",
    ),
    Limit(
        "ElastiCache",
        "A replication group must have an AuthToken, and cannot lose it: without one, every user "
        "of the machine could read and write it.",
    ),
    Limit(
        "S3",
        "Copies between regions carry the object, its metadata and the tags of the write; later "
        "changes of tags and ACLs, and objects above 32 MiB, are not copied.",
    ),
    Limit(
        "ElastiCache",
        "One replication group per region, of one node; CreateCacheCluster and serverless caches "
        "are refused.",
    ),
    Limit("KMS", "UpdatePrimaryRegion is refused."),
    Limit("Secrets Manager", "Secrets are not replicated: AddReplicaRegions is refused."),
    Limit(
        "Durability",
        "What was acknowledged survives the death of a region's processes, not of the machine.",
    ),
    Limit(
        "Durability",
        "What queues, topics, event buses, streams, metrics and logs take in is written about once "
        "a second: what came in the last second is lost with its region. Records of DynamoDB's "
        "streams are lost with it whatever their age.",
    ),
    Limit(
        "Signatures",
        "Are verified with the one key of the twin; there are no sessions and no other users. A "
        "streamed upload to S3 is verified by its first signature, not chunk by chunk.",
    ),
)
