"""Everything that an emulator holds, by listing every service that the twin realises types of.

What an emulator holds from the start (default networks, AWS's own policies and parameter
groups) is in every inventory, so two inventories are compared, not one with nothing.
"""

from collections.abc import Iterable

from holdfast.twin.provider.cloud import Cloud, Site

_EC2 = (
    ("describe_vpcs", "Vpcs", "VpcId"),
    ("describe_subnets", "Subnets", "SubnetId"),
    ("describe_route_tables", "RouteTables", "RouteTableId"),
    ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("describe_security_groups", "SecurityGroups", "GroupId"),
    ("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"),
    ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
)
_REGIONAL = (
    *(("ec2", *row) for row in _EC2),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    ("kms", "list_aliases", "Aliases", "AliasName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("elasticache", "describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"),
    ("elasticache", "describe_cache_clusters", "CacheClusters", "CacheClusterId"),
    ("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", "CacheSubnetGroupName"),
    (
        "elasticache",
        "describe_cache_parameter_groups",
        "CacheParameterGroups",
        "CacheParameterGroupName",
    ),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("secretsmanager", "list_secrets", "SecretList", "ARN"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
)
_GLOBAL = (
    ("iam", "list_roles", "Roles", "Arn"),
    ("iam", "list_users", "Users", "Arn"),
    ("route53", "list_hosted_zones", "HostedZones", "Id"),
    ("route53", "list_health_checks", "HealthChecks", "Id"),
)


def inventory(cloud: Cloud, regions: Iterable[str]) -> frozenset[str]:
    """One line for each thing in any of the regions."""
    found: set[str] = set()
    for region in regions:
        site = Site(cloud, region)
        found.update(f"{region} {line}" for line in _in_region(site))
    site = Site(cloud, "us-east-1")
    for service, operation, key, name in _GLOBAL:
        found.update(
            f"{service} {item.text(name)}" for item in site.call(service, operation).docs(key)
        )
    policies = site.call("iam", "list_policies", Scope="Local").docs("Policies")
    found.update(f"iam {item.text('Arn')}" for item in policies)
    budgets = site.call("budgets", "describe_budgets", AccountId=cloud.account).docs("Budgets")
    found.update(f"budgets {item.text('BudgetName')}" for item in budgets)
    return frozenset(found)


def _in_region(site: Site) -> Iterable[str]:
    for service, operation, key, name in _REGIONAL:
        for item in site.call(service, operation).docs(key):
            yield f"{service} {item.text(name)}"
    for table in site.call("dynamodb", "list_tables").texts("TableNames"):
        yield f"dynamodb {table}"
    for item in site.call("kms", "list_keys").docs("Keys"):
        metadata = site.call("kms", "describe_key", KeyId=item.text("KeyId")).doc("KeyMetadata")
        # Waiting to be deleted is as gone as a key can be on AWS.
        if not metadata.text("KeyState").startswith("Pending"):
            yield f"kms {item.text('KeyId')}"
