"""The resource types that rules know, by what they are to the checklist.

Tests compare every token, and every property that a rule reads, with the installed SDK.
"""

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

LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
LIMITER: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
QUEUE: Final = "aws:sqs/queue:Queue"
LIMITER_PARAMETERS: Final = "aws:elasticache/parameterGroup:ParameterGroup"
LIMITER_SUBNETS: Final = "aws:elasticache/subnetGroup:SubnetGroup"
SECRET_VERSION: Final = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105 - as above
KEY_ALIAS: Final = "aws:kms/alias:Alias"
BUCKET_PUBLIC_ACCESS: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_OWNERSHIP: Final = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
BUCKET_LOGGING: Final = "aws:s3/bucketLogging:BucketLogging"
BUCKET_NOTIFICATION: Final = "aws:s3/bucketNotification:BucketNotification"
VPC: Final = "aws:ec2/vpc:Vpc"
SUBNET: Final = "aws:ec2/subnet:Subnet"
INTERNET_GATEWAY: Final = "aws:ec2/internetGateway:InternetGateway"
ROUTE: Final = "aws:ec2/route:Route"
ROUTE_TABLE: Final = "aws:ec2/routeTable:RouteTable"
ROUTE_TABLE_ASSOCIATION: Final = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SECURITY_GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
INGRESS_RULE: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
FLOW_LOG: Final = "aws:ec2/flowLog:FlowLog"
LISTENER: Final = "aws:lb/listener:Listener"
TARGET_GROUP: Final = "aws:lb/targetGroup:TargetGroup"
ZONE: Final = "aws:route53/zone:Zone"
HEALTH_CHECK: Final = "aws:route53/healthCheck:HealthCheck"
EVENT_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
REPOSITORY: Final = "aws:ecr/repository:Repository"
PARAMETER: Final = "aws:ssm/parameter:Parameter"

KEYS: Final = (KEY, REPLICA_KEY)

DATA: Final = (
    TABLE,
    BUCKET,
    SECRET,
    LOG_GROUP,
    LIMITER,
    QUEUE,
    PARAMETER,
)
"""Types that hold tenants' data or what opens it; each must carry the jurisdiction's tag."""

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
