"""The services and operations that a region has. What is not declared here does not exist.

The emulator knows many more, and some of them run code for whoever may call them. They are never
asked: a request is taken apart here, and only the handler of a declared service sees it.

Whoever needs another operation adds its name, and sees to it that the emulator obeys every
parameter of it (``refusals`` names those that it drops).
"""

from dataclasses import dataclass
from typing import Literal

_DYNAMODB = """
    BatchExecuteStatement BatchGetItem BatchWriteItem CreateTable DeleteItem DeleteTable
    DescribeContinuousBackups DescribeEndpoints DescribeLimits DescribeTable DescribeTimeToLive
    ExecuteStatement ExecuteTransaction GetItem ListTables ListTagsOfResource PutItem Query Scan
    TagResource TransactGetItems TransactWriteItems UntagResource UpdateContinuousBackups
    UpdateItem UpdateTable UpdateTimeToLive
"""
_EC2 = """
    AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress
    AuthorizeSecurityGroupIngress CreateInternetGateway CreateRoute CreateRouteTable
    CreateSecurityGroup CreateSubnet CreateTags CreateVpc CreateVpcEndpoint DeleteInternetGateway
    DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteTags DeleteVpc
    DeleteVpcEndpoints DescribeAvailabilityZones DescribeInternetGateways DescribeNetworkAcls
    DescribePrefixLists
    DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets
    DescribeTags DescribeVpcAttribute DescribeVpcEndpoints DescribeVpcs DetachInternetGateway
    DisassociateRouteTable ModifySecurityGroupRules ModifySubnetAttribute ModifyVpcAttribute
    ModifyVpcEndpoint ReplaceRoute ReplaceRouteTableAssociation RevokeSecurityGroupEgress
    RevokeSecurityGroupIngress
"""
_ELASTICACHE = """
    AddTagsToResource CreateCacheCluster CreateCacheParameterGroup CreateCacheSubnetGroup
    CreateGlobalReplicationGroup CreateReplicationGroup CreateServerlessCache DecreaseReplicaCount
    DeleteCacheParameterGroup DeleteCacheSubnetGroup DeleteReplicationGroup DescribeCacheClusters
    DescribeCacheParameterGroups DescribeCacheParameters DescribeCacheSubnetGroups
    DescribeReplicationGroups IncreaseReplicaCount ListTagsForResource ModifyCacheParameterGroup
    ModifyCacheSubnetGroup ModifyReplicationGroup RemoveTagsFromResource ResetCacheParameterGroup
"""
_ELB = """
    AddTags CreateListener CreateLoadBalancer CreateTargetGroup DeleteListener DeleteLoadBalancer
    DeleteTargetGroup DescribeListenerAttributes DescribeListeners DescribeLoadBalancerAttributes
    DescribeLoadBalancers DescribeTags DescribeTargetGroupAttributes DescribeTargetGroups
    ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes ModifyTargetGroup
    ModifyTargetGroupAttributes RemoveTags SetIpAddressType SetSecurityGroups SetSubnets
"""
_IAM = """
    AttachRolePolicy CreatePolicy CreatePolicyVersion CreateRole DeletePolicy DeletePolicyVersion
    DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy DetachRolePolicy GetPolicy
    GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies ListPolicies ListPolicyTags
    ListPolicyVersions ListRolePolicies ListRoles ListRoleTags
    ListUsers PutRolePermissionsBoundary
    PutRolePolicy TagPolicy TagRole UntagPolicy UntagRole UpdateAssumeRolePolicy UpdateRole
    UpdateRoleDescription
"""
_KMS = """
    CreateAlias CreateKey Decrypt DeleteAlias DescribeKey DisableKey DisableKeyRotation EnableKey
    EnableKeyRotation Encrypt GenerateDataKey GetKeyPolicy GetKeyRotationStatus ListAliases ListKeys
    ListResourceTags PutKeyPolicy ReplicateKey ScheduleKeyDeletion TagResource UntagResource
    UpdateAlias UpdateKeyDescription UpdatePrimaryRegion
"""
_SECRETS = """
    CreateSecret DeleteSecret DescribeSecret GetRandomPassword GetSecretValue ListSecrets
    PutSecretValue ReplicateSecretToRegions TagResource UntagResource UpdateSecret
"""
_SNS = """
    CreateTopic DeleteTopic GetSubscriptionAttributes GetTopicAttributes ListSubscriptions
    ListSubscriptionsByTopic
    ListTagsForResource ListTopics Publish SetSubscriptionAttributes SetTopicAttributes Subscribe
    TagResource Unsubscribe UntagResource
"""
_SSM = """
    AddTagsToResource DeleteParameter DescribeParameters GetParameter GetParameters
    GetParametersByPath ListTagsForResource PutParameter RemoveTagsFromResource
"""
_CLOUDWATCH = """
    DeleteAlarms DescribeAlarms GetMetricData GetMetricStatistics ListMetrics ListTagsForResource
    PutMetricAlarm PutMetricData TagResource UntagResource
"""
_BUDGETS = """
    CreateBudget CreateNotification DeleteBudget DeleteNotification DescribeBudget DescribeBudgets
    DescribeNotificationsForBudget DescribeSubscribersForNotification ListTagsForResource
    TagResource UntagResource UpdateBudget
"""
_S3 = """
    AbortMultipartUpload CompleteMultipartUpload CopyObject CreateBucket CreateMultipartUpload
    DeleteBucket DeleteBucketEncryption DeleteBucketLifecycle DeleteBucketOwnershipControls
    DeleteBucketPolicy DeleteBucketReplication DeleteBucketTagging DeleteObject
    DeleteObjectTagging DeleteObjects DeletePublicAccessBlock GetBucketEncryption
    GetBucketLifecycleConfiguration GetBucketLocation GetBucketOwnershipControls GetBucketPolicy
    GetBucketReplication GetBucketTagging GetBucketVersioning GetObject GetObjectTagging
    GetPublicAccessBlock HeadBucket HeadObject ListBuckets ListMultipartUploads
    ListObjectVersions ListObjects ListObjectsV2 ListParts PutBucketEncryption
    PutBucketLifecycleConfiguration PutBucketOwnershipControls PutBucketPolicy
    PutBucketReplication PutBucketTagging PutBucketVersioning PutObject PutObjectTagging
    PutPublicAccessBlock UploadPart UploadPartCopy
"""
_ROUTE53 = """
    ChangeResourceRecordSets ChangeTagsForResource CreateHealthCheck CreateHostedZone
    DeleteHealthCheck DeleteHostedZone GetChange GetHealthCheck GetHostedZone ListHealthChecks
    ListHostedZones ListHostedZonesByName ListResourceRecordSets ListTagsForResource
    UpdateHealthCheck UpdateHostedZoneComment
"""
_STREAMS = "DescribeStream GetRecords GetShardIterator ListStreams"


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One service of a region.

    Attributes:
        handler: The emulator's name for it.
        signed_as: Its name in a signature's scope.
        protocol: How a request names the operation: ``json`` by a header, ``query`` by a form,
            ``cbor`` by its path, ``s3`` and ``route53`` by method, path and query.
        name: What stands before the operation (``json``, ``cbor``), or the API's version
            (``query``).
        operations: Those that it answers.
    """

    handler: str
    signed_as: str
    protocol: Literal["json", "query", "cbor", "s3", "route53"]
    name: str
    operations: frozenset[str]


def _json(handler: str, name: str, operations: str, signed_as: str = "") -> Service:
    return Service(
        handler=handler,
        signed_as=signed_as or handler,
        protocol="json",
        name=name,
        operations=frozenset(operations.split()),
    )


def _query(handler: str, version: str, operations: str) -> Service:
    return Service(
        handler=handler,
        signed_as=handler,
        protocol="query",
        name=version,
        operations=frozenset(operations.split()),
    )


S3 = Service(
    handler="s3",
    signed_as="s3",
    protocol="s3",
    name="",
    operations=frozenset(_S3.split()),
)
ROUTE53 = Service(
    handler="route53",
    signed_as="route53",
    protocol="route53",
    name="2013-04-01",
    operations=frozenset(_ROUTE53.split()),
)

SERVICES = (
    _json("dynamodb", "DynamoDB_20120810", _DYNAMODB),
    _json("dynamodbstreams", "DynamoDBStreams_20120810", _STREAMS, "dynamodb"),
    _json("kms", "TrentService", _KMS),
    _json("secretsmanager", "secretsmanager", _SECRETS),
    _json("ssm", "AmazonSSM", _SSM),
    _json("budgets", "AWSBudgetServiceGateway", _BUDGETS),
    _json("monitoring", "GraniteServiceVersion20100801", _CLOUDWATCH),
    Service(
        handler="monitoring",
        signed_as="monitoring",
        protocol="cbor",
        name="GraniteServiceVersion20100801",
        operations=frozenset(_CLOUDWATCH.split()),
    ),
    _query("monitoring", "2010-08-01", _CLOUDWATCH),
    _query("ec2", "2016-11-15", _EC2),
    _query("elasticache", "2015-02-02", _ELASTICACHE),
    _query("elasticloadbalancing", "2015-12-01", _ELB),
    _query("iam", "2010-05-08", _IAM),
    _query("sns", "2010-03-31", _SNS),
    _query("sts", "2011-06-15", "GetCallerIdentity"),
    S3,
    ROUTE53,
)
