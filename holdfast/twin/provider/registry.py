"""Which AWS resource types the twin takes, and what becomes of each."""

from collections.abc import Mapping

from holdfast.errors import UnsupportedResourceError
from holdfast.twin.provider import (
    budgets,
    cloudwatch,
    dynamodb,
    dynamodb_items,
    elasticache,
    elasticache_groups,
    iam,
    kms,
    lb,
    lb_targets,
    route53,
    route53_records,
    routes,
    s3,
    s3_rules,
    s3_settings,
    secretsmanager,
    security_groups,
    sns,
    ssm,
    vpc,
    vpc_endpoints,
)
from holdfast.twin.provider.spec import ResourceType

REALISED: Mapping[str, ResourceType] = {
    kind.type_name: kind
    for kind in (
        budgets.Budget(),
        cloudwatch.MetricAlarm(),
        dynamodb.Table(),
        dynamodb_items.TableItem(),
        elasticache_groups.ParameterGroup(),
        elasticache.ReplicationGroup(),
        elasticache_groups.SubnetGroup(),
        iam.Policy(),
        iam.Role(),
        iam.RolePolicy(),
        iam.RolePolicyAttachment(),
        kms.Alias(),
        kms.Key(),
        kms.ReplicaKey(),
        lb.Listener(),
        lb.LoadBalancer(),
        lb_targets.TargetGroup(),
        route53.HealthCheck(),
        route53_records.Record(),
        route53.Zone(),
        routes.Route(),
        routes.RouteTable(),
        routes.RouteTableAssociation(),
        s3.Bucket(),
        s3_rules.BucketLifecycleConfiguration(),
        s3_settings.BucketOwnershipControls(),
        s3_settings.BucketPolicy(),
        s3_settings.BucketPublicAccessBlock(),
        s3_rules.BucketReplicationConfig(),
        s3_settings.BucketServerSideEncryptionConfiguration(),
        s3_settings.BucketVersioning(),
        secretsmanager.Secret(),
        secretsmanager.SecretVersion(),
        security_groups.SecurityGroup(),
        security_groups.SecurityGroupEgressRule(),
        security_groups.SecurityGroupIngressRule(),
        sns.Topic(),
        sns.TopicPolicy(),
        sns.TopicSubscription(),
        ssm.Parameter(),
        vpc.InternetGateway(),
        vpc.Subnet(),
        vpc.Vpc(),
        vpc_endpoints.VpcEndpoint(),
    )
}
"""Types that become real things in an emulator, by token."""


def realised(token: str) -> ResourceType:
    """How a resource type is realised.

    Raises:
        UnsupportedResourceError: If it is not.
    """
    kind = REALISED.get(token)
    if kind is None:
        raise UnsupportedResourceError(
            f"the twin does not take resources of type {token}; it takes "
            f"{', '.join(sorted(REALISED))}. Leave the resource out of this stack, "
            "or deploy the stack to AWS."
        )
    return kind
