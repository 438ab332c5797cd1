"""Edits of one property each, as a careless hand or a pull request would make them."""

from collections.abc import Mapping
from typing import Final

from holdfast.graph import Value
from tests.policies.shipped import Harm, setting

_DNS_OUT: Final = (
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::eu-west-1-network-agents-dns-link-udp"
)
_ENCRYPTION: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:"
    "BucketServerSideEncryptionConfiguration::eu-store-eu-west-1"
)
_SUBSCRIPTION: Final = (
    "aws:sns/topicSubscription:TopicSubscription::eu-kill-switch-eu-west-1-oncall@holdfast.example"
)
_SETTINGS: Final[Mapping[str, tuple[tuple[str, Value, str], ...]]] = {
    "aws:iam/role:Role::eu-kill-switch": (
        (
            "permissionsBoundary",
            "arn:aws:iam::123456789012:policy/readonly",
            "kill-switch-attached",
        ),
    ),
    "aws:kms/key:Key::eu-keys-eu-west-1": (
        ("rotationPeriodInDays", 2560, "key-rotated"),
        ("deletionWindowInDays", 7, "key-deletion-protected"),
        ("isEnabled", False, "key-enabled"),
        ("bypassPolicyLockoutSafetyCheck", True, "environment-property-known"),
        ("keyUsage", "SIGN_VERIFY", "environment-property-known"),
    ),
    "aws:kms/replicaKey:ReplicaKey::eu-keys-eu-central-1": (("enabled", False, "key-enabled"),),
    "aws:dynamodb/table:Table::eu-coordination": (
        ("ttl", {"enabled": True, "attributeName": "expires"}, "table-expiry"),
        ("pointInTimeRecovery", {"enabled": True, "recoveryPeriodInDays": 1}, "table-recoverable"),
        ("globalTableWitness.regionName", "us-east-2", "residency-replica"),
        (
            "onDemandThroughput",
            {"maxReadRequestUnits": 1, "maxWriteRequestUnits": 1},
            "environment-property-known",
        ),
        ("attributes.0.type", "N", "contract-tables"),
        ("rangeKey", "sk", "contract-tables"),
        (
            "restoreSourceTableArn",
            "arn:aws:dynamodb:us-east-1:999988887777:table/x",
            "environment-property-known",
        ),
    ),
    "aws:dynamodb/table:Table::eu-store": (
        ("replicas.0.regionName", "us-east-1", "residency-replica"),
        ("tags.holdfast:jurisdiction", "us", "residency-keys"),
    ),
    "aws:dynamodb/tableItem:TableItem::eu-kill-switch": (
        ("item", '{"pk": {"S": "kill"}, "state": {"S": "running"}}', "kill-switch-final"),
        ("item", '{"pk": {"S": "kill "}}', "kill-switch-only-trips"),
        ("tableName", "holdfast-prod-eu-state", "kill-switch-only-trips"),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::eu-store-eu-west-1": (
        ("blockPublicAcls", False, "bucket-private"),
        ("ignorePublicAcls", False, "bucket-private"),
        ("restrictPublicBuckets", False, "bucket-private"),
        ("blockPublicPolicy", False, "bucket-private"),
        ("bucket", "holdfast-prod-eu-central-1-objects-123456789012", "bucket-private"),
    ),
    "aws:s3/bucketVersioning:BucketVersioning::eu-store-eu-west-1": (
        ("versioningConfiguration.status", "Suspended", "bucket-versioned"),
    ),
    _ENCRYPTION: (
        (
            "rules.0.applyServerSideEncryptionByDefault",
            {"sseAlgorithm": "AES256"},
            "bucket-encrypted",
        ),
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig::eu-store-eu-west-1": (
        ("rules.0.status", "Disabled", "bucket-replicated"),
        ("rules.0.deleteMarkerReplication.status", "Disabled", "bucket-replicated"),
        ("rules.0.filter.prefix", "tmp/", "bucket-replicated"),
        (
            "rules.0.destination.bucket",
            "arn:aws:s3:::holdfast-prod-us-east-1-objects-123456789012",
            "residency-bucket-replication",
        ),
        ("rules.0.destination.account", "999988887777", "environment-property-known"),
        (
            "rules.0.sourceSelectionCriteria.sseKmsEncryptedObjects.status",
            "Disabled",
            "bucket-replicated",
        ),
        ("rules.0.destination.metrics.status", "Disabled", "bucket-replicating"),
    ),
    "aws:s3/bucket:Bucket::eu-store-eu-west-1": (
        ("forceDestroy", True, "bucket-deletion-protected"),
    ),
    "aws:secretsmanager/secret:Secret::eu-west-1-limiter": (
        ("replicas", [{"region": "us-east-1"}], "residency-replica"),
    ),
    _DNS_OUT: (("cidrIpv4", "8.8.8.8/32", "network-ports"),),
    "aws:ec2/routeTable:RouteTable::eu-west-1-network-private": (
        (
            "routes",
            [{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}],
            "environment-property-known",
        ),
    ),
    "aws:ec2/subnet:Subnet::eu-west-1-network-private-eu-west-1a": (
        ("assignIpv6AddressOnCreation", True, "environment-property-known"),
        ("availabilityZone", "us-east-1a", "subnet-zones"),
    ),
    "aws:ec2/vpc:Vpc::eu-west-1-network": (
        ("enableDnsHostnames", False, "network-resolves"),
        ("assignGeneratedIpv6CidrBlock", True, "environment-property-known"),
        ("region", "us-east-1", "residency-region"),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint::eu-west-1-network-kms": (
        ("privateDnsEnabled", False, "network-endpoints"),
        ("serviceName", "com.amazonaws.us-east-1.kms", "residency-endpoint"),
        ("serviceRegion", "us-east-1", "residency-endpoint"),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup::eu-west-1-limiter": (
        ("authTokenUpdateStrategy", "DELETE", "environment-property-known"),
        ("numCacheClusters", 1, "limiter-available"),
        ("automaticFailoverEnabled", False, "limiter-available"),
        ("multiAzEnabled", False, "limiter-available"),
        ("snapshotArns", ["arn:aws:s3:::x/dump.rdb"], "environment-property-known"),
        (
            "logDeliveryConfigurations",
            [
                {
                    "destination": "x",
                    "destinationType": "cloudwatch-logs",
                    "logFormat": "json",
                    "logType": "slow-log",
                }
            ],
            "residency-flow",
        ),
        ("port", 6380, "network-connected"),
        ("globalReplicationGroupId", "x", "environment-property-known"),
        ("userGroupIds", ["x"], "environment-property-known"),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup::eu-west-1-limiter": (
        ("parameters.0.value", "allkeys-lru", "limiter-never-evicts"),
        ("parameters.0.name", "maxmemory_policy", "limiter-never-evicts"),
    ),
    "aws:route53/record:Record::eu-routing-eu-west-1": (
        ("ttl", 86400, "record-in-time"),
        ("records", ["evil.example.com"], "residency-hostname"),
        ("latencyRoutingPolicies.0.region", "us-east-1", "record-chosen"),
        ("allowOverwrite", True, "environment-property-known"),
    ),
    "aws:route53/zone:Zone::global-zone": (
        ("vpcs", [{"vpcId": "x"}], "environment-property-known"),
    ),
    "aws:route53/healthCheck:HealthCheck::eu-routing-eu-west-1": (
        ("failureThreshold", 10, "record-in-time"),
        ("requestInterval", 30, "record-in-time"),
        ("insufficientDataHealthStatus", "Healthy", "environment-property-known"),
        ("searchString", "nope", "environment-property-known"),
        ("regions", ["us-east-1", "us-west-1", "us-west-2"], "environment-property-known"),
        ("ipAddress", "203.0.113.4", "environment-property-known"),
        ("fqdn", "www.google.com", "health-check-own"),
        ("cloudwatchAlarmName", "x", "environment-property-known"),
        ("childHealthThreshold", 0, "environment-property-known"),
        ("routingControlArn", "arn:x", "environment-property-known"),
        ("type", "HTTP", "health-check-true"),
    ),
    "aws:lb/loadBalancer:LoadBalancer::eu-west-1-ingress": (
        ("loadBalancerType", "application", "ingress-reachable"),
        ("ipAddressType", "dualstack", "environment-property-known"),
        (
            "dnsRecordClientRoutingPolicy",
            "availability_zone_affinity",
            "environment-property-known",
        ),
        (
            "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
            "off",
            "environment-property-known",
        ),
        ("subnetMappings", [{"subnetId": "x"}], "environment-property-known"),
    ),
    "aws:lb/listener:Listener::eu-west-1-ingress": (
        ("protocol", "UDP", "ingress-listens"),
        ("port", 80, "ingress-listens"),
        ("alpnPolicy", "None", "environment-property-known"),
        ("certificateArn", "x", "environment-property-known"),
        (
            "defaultActions",
            [{"type": "redirect", "redirect": {"host": "evil.example", "statusCode": "HTTP_302"}}],
            "environment-property-known",
        ),
    ),
    "aws:lb/targetGroup:TargetGroup::eu-west-1-ingress": (
        ("targetType", "instance", "ingress-listens"),
        ("protocol", "UDP", "ingress-listens"),
        ("port", 80, "ingress-listens"),
        ("proxyProtocolV2", True, "environment-property-known"),
        ("healthCheck.protocol", "TCP", "ingress-checked"),
        ("healthCheck.unhealthyThreshold", 10, "ingress-checked"),
        ("healthCheck.matcher", "200-499", "ingress-checked"),
        ("healthCheck.port", "9999", "ingress-checked"),
        ("healthCheck.timeout", 120, "ingress-checked"),
        (
            "targetGroupHealth",
            {
                "dnsFailover": {
                    "minimumHealthyTargetsCount": "off",
                    "minimumHealthyTargetsPercentage": "100",
                }
            },
            "environment-property-known",
        ),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm::eu-kill-switch-eu-west-1-tripped": (
        ("unit", "Bytes", "kill-switch-alarm"),
        ("period", 86400, "kill-switch-alarm"),
        ("threshold", 5, "kill-switch-alarm"),
        ("namespace", "holdfast", "kill-switch-alarm"),
        ("metricName", "X", "kill-switch-alarm"),
        ("evaluationPeriods", 30, "kill-switch-alarm"),
        ("datapointsToAlarm", 30, "kill-switch-alarm"),
        ("comparisonOperator", "GreaterThanThreshold", "kill-switch-alarm"),
        ("region", "us-west-2", "kill-switch-alarm"),
        ("thresholdMetricId", "e1", "environment-property-known"),
        ("metricQueries", [{"id": "m", "expression": "0"}], "environment-property-known"),
        ("dimensions", {"Jurisdiction": "EU"}, "kill-switch-alarm"),
        ("alarmActions", ["arn:aws:sns:eu-west-1:999988887777:x"], "kill-switch-alarm"),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm::eu-kill-switch-eu-west-1-unread": (
        ("unit", "Bytes", "kill-switch-alarm"),
        ("period", 86400, "kill-switch-alarm"),
        ("threshold", 5, "kill-switch-alarm"),
        ("treatMissingData", "missing", "kill-switch-alarm"),
        ("namespace", "holdfast", "kill-switch-alarm"),
        ("metricName", "X", "kill-switch-alarm"),
        ("actionsEnabled", False, "kill-switch-alarm"),
        ("evaluationPeriods", 30, "kill-switch-alarm"),
        ("datapointsToAlarm", 30, "kill-switch-alarm"),
        ("comparisonOperator", "GreaterThanThreshold", "kill-switch-alarm"),
        ("extendedStatistic", "p99", "kill-switch-alarm"),
        ("alarmActions", [], "kill-switch-alarm"),
        ("region", "us-west-2", "kill-switch-alarm"),
        ("thresholdMetricId", "e1", "environment-property-known"),
        ("metricQueries", [{"id": "m", "expression": "0"}], "environment-property-known"),
        ("dimensions", {"Jurisdiction": "EU"}, "kill-switch-alarm"),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm::eu-throttling-eu-west-1-state-writes": (
        ("unit", "Bytes", "observability-throttled"),
        ("period", 86400, "observability-throttled"),
        ("threshold", 5, "observability-throttled"),
        ("alarmActions", [], "observability-throttled"),
        ("region", "us-west-2", "observability-throttled"),
        ("dimensions", {"Jurisdiction": "EU"}, "observability-throttled"),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm::eu-routing-eu-west-1": (
        ("unit", "Bytes", "disaster-recovery-region-left"),
        ("period", 86400, "disaster-recovery-region-left"),
        ("threshold", 5, "disaster-recovery-region-left"),
        ("alarmActions", [], "disaster-recovery-region-left"),
        ("region", "us-west-2", "disaster-recovery-region-left"),
        ("dimensions", {"Jurisdiction": "EU"}, "disaster-recovery-region-left"),
    ),
    "aws:sns/topic:Topic::eu-kill-switch-eu-west-1": (
        ("fifoTopic", True, "environment-property-known"),
        ("deliveryPolicy", "{}", "environment-property-known"),
        ("archivePolicy", "{}", "environment-property-known"),
        ("name", "x", "kill-switch-announced"),
    ),
    _SUBSCRIPTION: (
        ("filterPolicy", '{"severity":["never"]}', "kill-switch-subscribed"),
        ("endpoint", "", "kill-switch-subscribed"),
        (
            "redrivePolicy",
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:x"}',
            "environment-property-known",
        ),
        ("deliveryPolicy", "{}", "environment-property-known"),
        ("subscriptionRoleArn", "arn:x", "environment-property-known"),
        ("replayPolicy", "{}", "environment-property-known"),
    ),
    "aws:budgets/budget:Budget::global-spending": (
        ("limitAmount", "4000000", "cost-limits-budget"),
        ("limitUnit", "EUR", "cost-limits-budget"),
        (
            "costFilters",
            [{"name": "Service", "values": ["Amazon WorkMail"]}],
            "environment-property-known",
        ),
        ("timePeriodStart", "2039-01-01_00:00", "environment-property-known"),
        ("timePeriodEnd", "2020-01-01_00:00", "environment-property-known"),
        (
            "costTypes",
            {
                "includeUpfront": False,
                "includeRecurring": False,
                "includeOtherSubscription": False,
                "includeSubscription": False,
            },
            "environment-property-known",
        ),
        ("autoAdjustData", {"autoAdjustType": "HISTORICAL"}, "environment-property-known"),
        ("filterExpression", {"not": {}}, "environment-property-known"),
        ("accountId", "999988887777", "environment-property-known"),
        (
            "plannedLimits",
            [{"amount": "1", "startTime": "2026-01-01_00:00", "unit": "USD"}],
            "environment-property-known",
        ),
    ),
    "aws:ssm/parameter:Parameter::global-platform-eu-west-1": (
        ("name", "/holdfast/prod/global/platfrm", "contract-parameter"),
        ("keyId", "alias/aws/ssm", "parameter-encrypted"),
        ("dataType", "aws:ec2:image", "environment-property-known"),
        ("allowedPattern", ".*", "environment-property-known"),
        ("insecureValue", "{}", "environment-property-known"),
    ),
    "pulumi:providers:aws::aws": (
        ("endpoints", '[{"dynamodb":"http://evil:8000"}]', "environment-property-known"),
        ("accessKey", "given", "environment-property-known"),
        ("secretKey", "given", "environment-property-known"),
        ("skipRequestingAccountId", "true", "environment-property-known"),
        ("s3UsePathStyle", "true", "environment-property-known"),
        ("insecure", "true", "environment-property-known"),
        ("httpProxy", "http://evil", "environment-property-known"),
        (
            "assumeRoles",
            '[{"roleArn":"arn:aws:iam::999988887777:role/x"}]',
            "environment-property-known",
        ),
        ("defaultTags", '{"tags":{"holdfast:jurisdiction":"us"}}', "environment-property-known"),
        ("ignoreTags", '{"keys":["holdfast:jurisdiction"]}', "environment-property-known"),
        ("profile", "x", "environment-property-known"),
        ("token", "given", "environment-property-known"),
        ("customCaBundle", "x", "environment-property-known"),
        ("stsRegion", "us-east-1", "environment-property-known"),
        ("assumeRoleWithWebIdentity", '{"roleArn":"x"}', "environment-property-known"),
        ("sharedConfigFiles", '["/tmp/x"]', "environment-property-known"),
        ("noProxy", "*", "environment-property-known"),
        ("pluginDownloadURL", "https://evil", "environment-property-known"),
    ),
}
"""Paths, what somebody writes there and which rule says so, by the resource."""

SETTING_EDITS: Final[tuple[Harm, ...]] = tuple(
    Harm(
        name=f"{path} of {resource} is {value}",
        edit=setting(resource, path, value),
        rule=rule,
        at=resource.rpartition("::")[2],
    )
    for resource, settings in _SETTINGS.items()
    for path, value, rule in settings
)
