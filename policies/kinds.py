"""The resource types that rules know, by what they are to the checklist.

Tests compare every token, and every property that a rule reads, with the installed SDK.
"""

from typing import Final

TABLE: Final = "aws:dynamodb/table:Table"
TABLE_ITEM: Final = "aws:dynamodb/tableItem:TableItem"
BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_VERSIONING: Final = "aws:s3/bucketVersioning:BucketVersioning"
BUCKET_REPLICATION: Final = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
BUCKET_ENCRYPTION: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
KEY: Final = "aws:kms/key:Key"
REPLICA_KEY: Final = "aws:kms/replicaKey:ReplicaKey"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
ROLE_ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ROLE_ATTACHMENTS_EXCLUSIVE: Final = (
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive"
)
POLICY_ATTACHMENT: Final = "aws:iam/policyAttachment:PolicyAttachment"
POLICY: Final = "aws:iam/policy:Policy"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC: Final = "aws:sns/topic:Topic"
TOPIC_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
SECRET: Final = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type token

KEYS: Final = (KEY, REPLICA_KEY)

DATA: Final = (
    TABLE,
    BUCKET,
    SECRET,
    "aws:backup/vault:Vault",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:dsql/cluster:Cluster",
    "aws:dynamodb/tableReplica:TableReplica",
    "aws:ebs/volume:Volume",
    "aws:efs/fileSystem:FileSystem",
    "aws:elasticache/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/serverlessCache:ServerlessCache",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "aws:kinesis/stream:Stream",
    "aws:memorydb/cluster:Cluster",
    "aws:msk/cluster:Cluster",
    "aws:msk/serverlessCluster:ServerlessCluster",
    "aws:opensearch/domain:Domain",
    "aws:rds/cluster:Cluster",
    "aws:rds/instance:Instance",
    "aws:sqs/queue:Queue",
    "aws:ssm/parameter:Parameter",
)
"""Types that hold tenants' data or what opens it; each must carry the jurisdiction's tag."""

CARRIERS: Final = (KEY, REPLICA_KEY, TOPIC)
"""Types that only touch it: judged by their tag where they carry one."""

BEDROCK: Final = (
    "aws:bedrock/agentAgent:AgentAgent",
    "aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase",
    "aws:bedrock/agentPrompt:AgentPrompt",
    "aws:bedrock/inferenceProfile:InferenceProfile",
)
"""Types that name a model."""
