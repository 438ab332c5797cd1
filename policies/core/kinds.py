"""The resource types that rules know, by what they are to the checklist.

Tests compare every token, and every property that a rule reads, with the installed SDK.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TABLE: Final = "aws:dynamodb/table:Table"
TABLE_ITEM: Final = "aws:dynamodb/tableItem:TableItem"
BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_VERSIONING: Final = "aws:s3/bucketVersioning:BucketVersioning"
BUCKET_LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
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
USER_POLICY: Final = "aws:iam/userPolicy:UserPolicy"
GROUP_POLICY: Final = "aws:iam/groupPolicy:GroupPolicy"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC: Final = "aws:sns/topic:Topic"
TOPIC_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
LOAD_BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer"
RECORD: Final = "aws:route53/record:Record"
VPC_ENDPOINT: Final = "aws:ec2/vpcEndpoint:VpcEndpoint"
SECRET: Final = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type token

KEYS: Final = (KEY, REPLICA_KEY)

DATA: Final = (
    TABLE,
    BUCKET,
    SECRET,
    "aws:backup/vault:Vault",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:dsql/cluster:Cluster",
    "aws:ebs/volume:Volume",
    "aws:efs/fileSystem:FileSystem",
    "aws:elasticache/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/serverlessCache:ServerlessCache",
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

COPIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        BUCKET: ("replicationConfiguration",),
        TABLE: ("importTable", "restoreBackupArn", "restoreSourceTableArn"),
        "aws:dsql/cluster:Cluster": ("multiRegionProperties",),
        "aws:elasticache/cluster:Cluster": ("snapshotArns",),
        "aws:elasticache/replicationGroup:ReplicationGroup": (
            "globalReplicationGroupId",
            "snapshotArns",
        ),
        "aws:memorydb/cluster:Cluster": ("multiRegionClusterName",),
        "aws:rds/cluster:Cluster": (
            "globalClusterIdentifier",
            "replicationSourceIdentifier",
            "restoreToPointInTime",
            "s3Import",
        ),
        "aws:rds/instance:Instance": ("replicateSourceDb", "restoreToPointInTime", "s3Import"),
    }
)
"""Properties that fill a store from another, or keep both the same, where no rule can follow."""

REPLACEABLE: Final = (
    SECRET,
    "aws:backup/vault:Vault",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:elasticache/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/serverlessCache:ServerlessCache",
    "aws:sqs/queue:Queue",
    "aws:ssm/parameter:Parameter",
)
"""Data whose loss with its region ends nothing: it is made again, or was there to be consumed."""

CARRIERS: Final = (KEY, REPLICA_KEY, TOPIC, LOAD_BALANCER)
"""Types that only touch it: judged by their tag where they carry one."""

HARMLESS_POLICIES: Final = frozenset(
    f"arn:aws:iam::aws:policy/{name}"
    for name in (
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonSSMManagedInstanceCore",
        "CloudWatchAgentServerPolicy",
    )
)
"""AWS's own policies that let nobody write a table, nor call a model."""

BEDROCK: Final = (
    "aws:bedrock/agentAgent:AgentAgent",
    "aws:bedrock/agentKnowledgeBase:AgentKnowledgeBase",
    "aws:bedrock/agentPrompt:AgentPrompt",
    "aws:bedrock/inferenceProfile:InferenceProfile",
)
"""Types that name a model."""

NEUTRAL: Final = frozenset(
    {
        ALARM,
        BUCKET_ENCRYPTION,
        BUCKET_LIFECYCLE,
        BUCKET_VERSIONING,
        TABLE_ITEM,
        TOPIC_SUBSCRIPTION,
        VPC_ENDPOINT,
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:ec2/eip:Eip",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/networkAcl:NetworkAcl",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "aws:kms/alias:Alias",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sns/topicPolicy:TopicPolicy",
    }
)
"""Types that hold no tenants' data of their own, and copy none."""

NEUTRAL_SERVICES: Final = (
    "aws:budgets/",
    "aws:iam/",
    "aws:lb/",
    "aws:route53/",
    "aws:vpc/",
    "pulumi:",
)
"""What the types begin with of whole services that hold none."""

KNOWN: Final = NEUTRAL | {*DATA, *CARRIERS, *BEDROCK, BUCKET_REPLICATION}
"""Every type that a rule judges, or that needs no judging."""
