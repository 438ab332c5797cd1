"""The table of types against what pulumi-aws declares, and against the AWS provider's habits."""

import pytest

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider.limits import LIMITS, fates
from holdfast.twin.provider.registry import REALISED, realised
from holdfast.twin.provider.schema import Shape, schema_of
from holdfast.twin.provider.spec import Fate

TOKENS = sorted(REALISED)


def test_a_type_that_is_not_realised_is_refused_with_what_is() -> None:
    with pytest.raises(UnsupportedResourceError, match=r"aws:eks/cluster:Cluster.*aws:kms/key:Key"):
        realised("aws:eks/cluster:Cluster")


@pytest.mark.parametrize("token", TOKENS)
def test_every_input_property_has_a_fate_and_no_other_has(token: str) -> None:
    declared = {path for path in REALISED[token].properties if "." not in path}
    assert declared == set(schema_of(token).inputs) - {"region"}


@pytest.mark.parametrize("token", TOKENS)
def test_every_nested_rule_is_about_a_property_that_exists(token: str) -> None:
    for path in REALISED[token].properties:
        shape = Shape("object", members=schema_of(token).inputs)
        for name in path.split("."):
            while shape.item is not None:
                shape = shape.item
            assert shape.members is not None, path
            assert name in shape.members, path
            shape = shape.members[name]


@pytest.mark.parametrize("token", TOKENS)
def test_what_is_not_sent_says_why(token: str) -> None:
    for path, rule in REALISED[token].properties.items():
        if rule.fate in (Fate.RECORDED, Fate.REFUSED):
            assert rule.reason, path


@pytest.mark.parametrize("token", TOKENS)
def test_a_property_that_is_sent_as_a_whole_has_no_parts_that_could_be_lost(token: str) -> None:
    # What is kept is compared part by part; what is only sent is not, and so must be plain.
    for path, rule in REALISED[token].properties.items():
        if rule.fate is Fate.SENT:
            assert schema_of(token).inputs[path].kind not in ("object", "list", "map"), path


def test_the_tables_for_docs_and_reports_are_complete() -> None:
    assert set(fates()) == set(REALISED)
    assert len({(limit.subject, limit.text) for limit in LIMITS}) == len(LIMITS)
    assert all(limit.text.endswith(".") for limit in LIMITS)


REPLACING = {
    # From the ForceNew marks of terraform-provider-aws 6, which pulumi-aws 7 wraps; only of
    # properties that the twin takes.
    "budgets/budget:Budget": "accountId name",
    "cloudwatch/metricAlarm:MetricAlarm": "name",
    "dynamodb/table:Table": "hashKey localSecondaryIndexes name rangeKey",
    "dynamodb/tableItem:TableItem": "hashKey rangeKey tableName",
    "ec2/internetGateway:InternetGateway": "",
    "ec2/route:Route": "destinationCidrBlock routeTableId",
    "ec2/routeTable:RouteTable": "vpcId",
    "ec2/routeTableAssociation:RouteTableAssociation": "subnetId",
    "ec2/securityGroup:SecurityGroup": "description name vpcId",
    "ec2/subnet:Subnet": "availabilityZone availabilityZoneId cidrBlock vpcId",
    "ec2/vpc:Vpc": "cidrBlock instanceTenancy",
    "ec2/vpcEndpoint:VpcEndpoint": "serviceName vpcEndpointType vpcId",
    "elasticache/parameterGroup:ParameterGroup": "description family name",
    "elasticache/replicationGroup:ReplicationGroup": (
        "atRestEncryptionEnabled kmsKeyId port replicationGroupId subnetGroupName"
    ),
    "elasticache/subnetGroup:SubnetGroup": "name",
    "iam/policy:Policy": "description name path",
    "iam/role:Role": "name path",
    "iam/rolePolicy:RolePolicy": "name role",
    "iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn role",
    "kms/alias:Alias": "name",
    "kms/key:Key": "customerMasterKeySpec keyUsage multiRegion",
    "kms/replicaKey:ReplicaKey": "primaryKeyArn",
    "lb/listener:Listener": "loadBalancerArn",
    "lb/loadBalancer:LoadBalancer": "internal loadBalancerType name",
    "lb/targetGroup:TargetGroup": "name port protocol targetType vpcId",
    "route53/healthCheck:HealthCheck": "referenceName requestInterval type",
    "route53/record:Record": "name zoneId",
    "route53/zone:Zone": "name",
    "s3/bucket:Bucket": "bucket",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "s3/bucketPolicy:BucketPolicy": "bucket",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "s3/bucketReplicationConfig:BucketReplicationConfig": "bucket",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "bucket",
    "s3/bucketVersioning:BucketVersioning": "bucket",
    "secretsmanager/secret:Secret": "name",
    "secretsmanager/secretVersion:SecretVersion": "secretBinary secretId secretString",
    "sns/topic:Topic": "fifoTopic name",
    "sns/topicPolicy:TopicPolicy": "arn",
    "sns/topicSubscription:TopicSubscription": "endpoint protocol topic",
    "ssm/parameter:Parameter": "dataType name",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "securityGroupId",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "securityGroupId",
}


def test_what_replaces_is_what_the_aws_provider_replaces() -> None:
    found = {
        token.removeprefix("aws:"): " ".join(
            sorted(path for path, rule in kind.properties.items() if rule.replaces)
        )
        for token, kind in REALISED.items()
    }
    assert found == REPLACING
