"""Examples of every realised type: one that says everything, and an edit of it.

``World`` holds the things that examples refer to, made once.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.values import Doc, Json, Object

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Principal": {"Service": ["s3.amazonaws.com"]},
            }
        ],
    }
)
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
ALLOW_LESS = ALLOW.replace("s3:*", "s3:Get*")
TAGS = {"holdfast:project": "test", "kept": "yes"}
OTHER_TAGS = {"holdfast:project": "test", "new": "tag"}


@dataclass(frozen=True)
class World:
    """Ids and ARNs that examples refer to, by short name."""

    names: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.names[name]


@dataclass(frozen=True)
class Example:
    """What a program could say of a resource, and what it could say next."""

    inputs: Callable[[World], dict[str, Json]]
    edit: Mapping[str, Json] = field(default_factory=dict[str, Json])
    without: tuple[str, ...] = ()

    def edited(self, world: World) -> Object:
        kept = {key: item for key, item in self.inputs(world).items() if key not in self.without}
        return {**kept, **self.edit}


def build_world(provider: Provider) -> tuple[World, list[tuple[str, str, Object]]]:
    """Makes what examples refer to; also what to delete, last made first."""
    names: dict[str, str] = {}
    made: list[tuple[str, str, Object]] = []

    def make(short: str, token: str, output: str, **inputs: Json) -> None:
        checked = provider.check(token, f"world-{short}", {}, inputs, short.encode())
        assert not checked.failures, checked.failures
        ident, state = provider.create(token, checked.inputs)
        names[short] = ident if output == "id" else Doc(state).text(output)
        made.insert(0, (token, ident, state))

    make("key", "aws:kms/key:Key", "arn")
    make("vpc", "aws:ec2/vpc:Vpc", "id", cidrBlock="10.7.0.0/16")
    for name, zone, block in (
        ("a", "us-east-1a", "10.7.0.0/24"),
        ("b", "us-east-1b", "10.7.1.0/24"),
    ):
        make(
            f"subnet-{name}",
            "aws:ec2/subnet:Subnet",
            "id",
            vpcId=names["vpc"],
            cidrBlock=block,
            availabilityZone=zone,
        )
    make("group", "aws:ec2/securityGroup:SecurityGroup", "id", vpcId=names["vpc"])
    make("peer", "aws:ec2/securityGroup:SecurityGroup", "id", vpcId=names["vpc"])
    make("gateway", "aws:ec2/internetGateway:InternetGateway", "id", vpcId=names["vpc"])
    make("routes", "aws:ec2/routeTable:RouteTable", "id", vpcId=names["vpc"])
    make("routes-2", "aws:ec2/routeTable:RouteTable", "id", vpcId=names["vpc"])
    make(
        "balancer",
        "aws:lb/loadBalancer:LoadBalancer",
        "arn",
        loadBalancerType="network",
        subnets=[names["subnet-a"]],
    )
    make(
        "targets",
        "aws:lb/targetGroup:TargetGroup",
        "arn",
        vpcId=names["vpc"],
        port=80,
        protocol="TCP",
        targetType="ip",
    )
    make("role", "aws:iam/role:Role", "id", assumeRolePolicy=TRUST)
    names["role-arn"] = f"arn:aws:iam::000000000000:role/{names['role']}"
    make("policy", "aws:iam/policy:Policy", "arn", policy=ALLOW)
    make("topic", "aws:sns/topic:Topic", "arn")
    make("zone", "aws:route53/zone:Zone", "id", name="world.test")
    make("check", "aws:route53/healthCheck:HealthCheck", "id", type="TCP", fqdn="x.test", port=1)
    make("secret", "aws:secretsmanager/secret:Secret", "arn", recoveryWindowInDays=0)
    make(
        "subnets",
        "aws:elasticache/subnetGroup:SubnetGroup",
        "id",
        subnetIds=[names["subnet-a"], names["subnet-b"]],
    )
    make("parameters", "aws:elasticache/parameterGroup:ParameterGroup", "id", family="valkey8")
    make(
        "table",
        "aws:dynamodb/table:Table",
        "id",
        billingMode="PAY_PER_REQUEST",
        hashKey="pk",
        rangeKey="sk",
        attributes=[{"name": "pk", "type": "S"}, {"name": "sk", "type": "N"}],
    )
    make("plain", "aws:s3/bucket:Bucket", "id")
    for name, region in (("bucket", "us-east-1"), ("copy", "us-west-2")):
        make(name, "aws:s3/bucket:Bucket", "id", region=region)
        make(
            f"{name}-versions",
            "aws:s3/bucketVersioning:BucketVersioning",
            "id",
            region=region,
            bucket=names[name],
            versioningConfiguration={"status": "Enabled"},
        )
    return World(names), made


def _table(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "billingMode": "PROVISIONED",
        "readCapacity": 5,
        "writeCapacity": 6,
        "hashKey": "pk",
        "rangeKey": "sk",
        "attributes": [{"name": name, "type": "S"} for name in ("pk", "sk", "g", "l")],
        "globalSecondaryIndexes": [
            {
                "name": "by-g",
                "hashKey": "g",
                "rangeKey": "sk",
                "projectionType": "INCLUDE",
                "nonKeyAttributes": ["x"],
                "readCapacity": 2,
                "writeCapacity": 3,
            }
        ],
        "localSecondaryIndexes": [{"name": "by-l", "rangeKey": "l", "projectionType": "KEYS_ONLY"}],
        "deletionProtectionEnabled": False,
        "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 7},
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": world["key"]},
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "tableClass": "STANDARD_INFREQUENT_ACCESS",
        "ttl": {"enabled": True, "attributeName": "expires"},
        "tags": TAGS,
    }


def _on_demand_table(_world: World) -> dict[str, Json]:
    return {
        "billingMode": "PAY_PER_REQUEST",
        "hashKey": "pk",
        "attributes": [{"name": "pk", "type": "S"}],
        "onDemandThroughput": {"maxReadRequestUnits": 10, "maxWriteRequestUnits": 20},
    }


def _group(world: World) -> dict[str, Json]:
    return {
        "replicationGroupId": "examples",
        "description": "examples",
        "engine": "valkey",
        "engineVersion": "8.0",
        "nodeType": "cache.t4g.micro",
        "numCacheClusters": 2,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "port": 6379,
        "parameterGroupName": world["parameters"],
        "subnetGroupName": world["subnets"],
        "securityGroupIds": [world["group"]],
        "atRestEncryptionEnabled": True,
        "kmsKeyId": world["key"],
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "authToken": "0123456789abcdef",
        "authTokenUpdateStrategy": "ROTATE",
        "autoMinorVersionUpgrade": True,
        "applyImmediately": True,
        "clusterMode": "disabled",
        "maintenanceWindow": "sun:05:00-sun:06:00",
        "snapshotRetentionLimit": 1,
        "snapshotWindow": "03:00-04:00",
        "tags": TAGS,
    }


def _sharded_group(world: World) -> dict[str, Json]:
    return {
        "description": "shards",
        "engine": "valkey",
        "numNodeGroups": 1,
        "replicasPerNodeGroup": 1,
        "automaticFailoverEnabled": True,
        "subnetGroupName": world["subnets"],
    }


def _balancer(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "loadBalancerType": "network",
        "internal": True,
        "ipAddressType": "ipv4",
        "subnets": [world["subnet-a"], world["subnet-b"]],
        "securityGroups": [world["group"]],
        "enableCrossZoneLoadBalancing": True,
        "enableDeletionProtection": True,
        "enableZonalShift": True,
        "dnsRecordClientRoutingPolicy": "availability_zone_affinity",
        "tags": TAGS,
    }


def _application_balancer(world: World) -> dict[str, Json]:
    return {
        "subnets": [world["subnet-a"], world["subnet-b"]],
        "clientKeepAlive": 600,
        "desyncMitigationMode": "strictest",
        "dropInvalidHeaderFields": True,
        "enableHttp2": False,
        "idleTimeout": 90,
        "preserveHostHeader": True,
    }


def _targets(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "vpcId": world["vpc"],
        "targetType": "ip",
        "protocol": "TCP",
        "port": 8443,
        "connectionTermination": True,
        "deregistrationDelay": 30,
        "healthCheck": {
            "enabled": True,
            "protocol": "HTTPS",
            "path": "/healthz",
            "port": "9000",
            "matcher": "200",
            "interval": 10,
            "timeout": 6,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
        "loadBalancingCrossZoneEnabled": "true",
        "preserveClientIp": "false",
        "proxyProtocolV2": True,
        "targetHealthStates": [
            {"enableUnhealthyConnectionTermination": False, "unhealthyDrainingInterval": 60}
        ],
        "tags": TAGS,
    }


def _http_targets(world: World) -> dict[str, Json]:
    return {
        "vpcId": world["vpc"],
        "protocol": "HTTP",
        "port": 80,
        "slowStart": 60,
        "loadBalancingAlgorithmType": "weighted_random",
        "loadBalancingAnomalyMitigation": "on",
    }


def _alarm(world: World) -> dict[str, Json]:
    return {
        "name": "examples",
        "actionsEnabled": True,
        "alarmActions": [world["topic"]],
        "alarmDescription": "an example",
        "comparisonOperator": "GreaterThanOrEqualToThreshold",
        "datapointsToAlarm": 1,
        "dimensions": {"Region": "us-east-1"},
        "evaluationPeriods": 2,
        "insufficientDataActions": [world["topic"]],
        "metricName": "Tripped",
        "namespace": "Holdfast",
        "okActions": [world["topic"]],
        "period": 60,
        "statistic": "Maximum",
        "threshold": 1.5,
        "treatMissingData": "breaching",
        "unit": "Count",
        "tags": TAGS,
    }


def _percentile_alarm(_world: World) -> dict[str, Json]:
    return {
        "comparisonOperator": "LessThanThreshold",
        "evaluationPeriods": 1,
        "extendedStatistic": "p99",
        "metricName": "Latency",
        "namespace": "Holdfast",
        "period": 60,
        "threshold": 3,
    }


def _weighted(world: World, **policy: Json) -> dict[str, Json]:
    return {
        "zoneId": world["zone"],
        "name": "eu.world.test",
        "type": "CNAME",
        "ttl": 10,
        "records": ["one.test"],
        "setIdentifier": "one",
        "healthCheckId": world["check"],
        **policy,
    }


_REPLICATION: list[Json] = [
    {
        "id": "copy",
        "priority": 3,
        "status": "Enabled",
        "filter": {"prefix": "data/"},
        "deleteMarkerReplication": {"status": "Enabled"},
        "sourceSelectionCriteria": {
            "replicaModifications": {"status": "Enabled"},
            "sseKmsEncryptedObjects": {"status": "Enabled"},
        },
    }
]


def _replication(world: World) -> dict[str, Json]:
    rule = dict(Doc({"rules": _REPLICATION}).docs("rules")[0].members)
    rule["destination"] = {
        "bucket": f"arn:aws:s3:::{world['copy']}",
        "storageClass": "STANDARD_IA",
        "encryptionConfiguration": {"replicaKmsKeyId": world["key"]},
        "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
        "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
    }
    return {"bucket": world["bucket"], "role": world["role-arn"], "rules": [rule]}


_LIFECYCLE: list[Json] = [
    {
        "id": "old",
        "status": "Enabled",
        "filter": {"and": {"prefix": "a/", "tags": {"k": "v"}, "objectSizeGreaterThan": 5}},
        "noncurrentVersionExpiration": {"noncurrentDays": 30, "newerNoncurrentVersions": 2},
        "noncurrentVersionTransitions": [{"noncurrentDays": 10, "storageClass": "GLACIER"}],
        "transitions": [{"days": 40, "storageClass": "STANDARD_IA"}],
    },
    {
        "id": "uploads",
        "status": "Disabled",
        "filter": {"tag": {"key": "k", "value": "v"}},
        "expiration": {"days": 50},
    },
    {
        "id": "all",
        "status": "Enabled",
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 3},
        "expiration": {"expiredObjectDeleteMarker": True},
    },
]

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "aws:budgets/budget:Budget": (
        Example(
            lambda world: {
                "name": "examples",
                "accountId": "000000000000",
                "budgetType": "COST",
                "timeUnit": "MONTHLY",
                "limitAmount": "100",
                "limitUnit": "USD",
                "notifications": [
                    {
                        "comparisonOperator": "GREATER_THAN",
                        "notificationType": "ACTUAL",
                        "threshold": 80,
                        "thresholdType": "PERCENTAGE",
                        "subscriberEmailAddresses": ["a@example.test"],
                        "subscriberSnsTopicArns": [world["topic"]],
                    }
                ],
                "tags": TAGS,
            },
            edit={"limitAmount": "200", "notifications": [], "tags": OTHER_TAGS},
        ),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        Example(_alarm, edit={"threshold": 2, "okActions": [], "tags": OTHER_TAGS}),
        Example(_percentile_alarm, edit={"extendedStatistic": "p95"}),
    ),
    "aws:dynamodb/table:Table": (
        Example(
            _table,
            edit={
                "billingMode": "PAY_PER_REQUEST",
                "attributes": [{"name": name, "type": "S"} for name in ("pk", "sk", "h", "l")],
                "globalSecondaryIndexes": [
                    {
                        "name": "by-h",
                        "keySchemas": [{"attributeName": "h", "keyType": "HASH"}],
                        "projectionType": "ALL",
                    }
                ],
                "pointInTimeRecovery": {"enabled": False},
                "serverSideEncryption": {"enabled": False},
                "streamViewType": "KEYS_ONLY",
                "tableClass": "STANDARD",
                "ttl": {"enabled": True, "attributeName": "until"},
                "deletionProtectionEnabled": True,
                "tags": OTHER_TAGS,
            },
            without=("readCapacity", "writeCapacity"),
        ),
        Example(_on_demand_table, edit={"onDemandThroughput": {"maxReadRequestUnits": 11}}),
    ),
    "aws:dynamodb/tableItem:TableItem": (
        Example(
            lambda world: {
                "tableName": world["table"],
                "hashKey": "pk",
                "rangeKey": "sk",
                "item": json.dumps({"pk": {"S": "kill"}, "sk": {"N": "1"}, "on": {"BOOL": False}}),
            },
            edit={
                "item": json.dumps({"pk": {"S": "kill"}, "sk": {"N": "2"}, "on": {"BOOL": True}})
            },
        ),
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        Example(lambda world: {"vpcId": world["vpc"], "tags": TAGS}, edit={"tags": OTHER_TAGS}),
    ),
    "aws:ec2/route:Route": (
        Example(
            lambda world: {
                "routeTableId": world["routes"],
                "destinationCidrBlock": "0.0.0.0/0",
                "gatewayId": world["gateway"],
            },
        ),
        Example(
            lambda world: {
                "routeTableId": world["routes"],
                "destinationCidrBlock": "192.168.0.0/16",
                "natGatewayId": "nat-1",
            },
            edit={"natGatewayId": "nat-2"},
        ),
    ),
    "aws:ec2/routeTable:RouteTable": (
        Example(lambda world: {"vpcId": world["vpc"], "tags": TAGS}, edit={"tags": OTHER_TAGS}),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        Example(
            lambda world: {"subnetId": world["subnet-a"], "routeTableId": world["routes"]},
        ),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        Example(
            lambda world: {
                "name": "examples",
                "description": "an example",
                "vpcId": world["vpc"],
                "revokeRulesOnDelete": True,
                "tags": TAGS,
            },
            edit={"tags": OTHER_TAGS},
        ),
    ),
    "aws:ec2/subnet:Subnet": (
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "cidrBlock": "10.7.9.0/24",
                "availabilityZone": "us-east-1c",
                "availabilityZoneId": "use1-az3",
                "mapPublicIpOnLaunch": True,
                "enableResourceNameDnsARecordOnLaunch": True,
                "privateDnsHostnameTypeOnLaunch": "resource-name",
                "tags": TAGS,
            },
            edit={"mapPublicIpOnLaunch": False, "tags": OTHER_TAGS},
        ),
    ),
    "aws:ec2/vpc:Vpc": (
        Example(
            lambda _: {
                "cidrBlock": "10.8.0.0/16",
                "enableDnsHostnames": True,
                "enableDnsSupport": True,
                "instanceTenancy": "dedicated",
                "tags": TAGS,
            },
            edit={"enableDnsHostnames": False, "tags": OTHER_TAGS},
        ),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "serviceName": "com.amazonaws.us-east-1.s3",
                "vpcEndpointType": "Gateway",
                "routeTableIds": [world["routes"], world["routes-2"]],
                "tags": TAGS,
            },
            edit={"tags": OTHER_TAGS},
        ),
        Example(
            lambda world: {
                "vpcId": world["vpc"],
                "serviceName": "com.amazonaws.us-east-1.kms",
                "vpcEndpointType": "Interface",
                "subnetIds": [world["subnet-a"], world["subnet-b"]],
            },
        ),
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": (
        Example(
            lambda _: {
                "name": "examples",
                "family": "valkey8",
                "description": "an example",
                "parameters": [{"name": "maxmemory-policy", "value": "noeviction"}],
                "tags": TAGS,
            },
            edit={"parameters": [{"name": "timeout", "value": "7"}], "tags": OTHER_TAGS},
        ),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        Example(
            _group,
            edit={
                "description": "edited",
                "numCacheClusters": 3,
                "authToken": "fedcba9876543210",
                "tags": OTHER_TAGS,
            },
        ),
        Example(_sharded_group, edit={"description": "edited"}),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (
        Example(
            lambda world: {
                "name": "examples",
                "description": "an example",
                "subnetIds": [world["subnet-a"], world["subnet-b"]],
                "tags": TAGS,
            },
            edit={"description": "edited", "tags": OTHER_TAGS},
        ),
    ),
    "aws:iam/policy:Policy": (
        Example(
            lambda _: {
                "name": "examples",
                "description": "an example",
                "path": "/holdfast/",
                "policy": ALLOW,
                "delayAfterPolicyCreationInMs": 5,
                "tags": TAGS,
            },
            edit={"policy": ALLOW_LESS, "tags": OTHER_TAGS},
        ),
    ),
    "aws:iam/role:Role": (
        Example(
            lambda world: {
                "name": "examples",
                "assumeRolePolicy": TRUST,
                "description": "an example",
                "forceDetachPolicies": True,
                "maxSessionDuration": 7200,
                "path": "/holdfast/",
                "permissionsBoundary": world["policy"],
                "tags": TAGS,
            },
            edit={
                "assumeRolePolicy": TRUST.replace("s3.", "ec2."),
                "description": "",
                "maxSessionDuration": 3600,
                "permissionsBoundary": "",
                "tags": OTHER_TAGS,
            },
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Example(
            lambda world: {"name": "examples", "role": world["role"], "policy": ALLOW},
            edit={"policy": ALLOW_LESS},
        ),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        Example(lambda world: {"role": world["role"], "policyArn": world["policy"]}),
    ),
    "aws:kms/alias:Alias": (
        Example(lambda world: {"name": "alias/examples", "targetKeyId": world["key"]}),
    ),
    "aws:kms/key:Key": (
        Example(
            lambda _: {
                "description": "an example",
                "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "keyUsage": "ENCRYPT_DECRYPT",
                "deletionWindowInDays": 7,
                "enableKeyRotation": True,
                "rotationPeriodInDays": 100,
                "isEnabled": True,
                "multiRegion": True,
                "policy": ALLOW.replace("s3:*", "kms:*"),
                "bypassPolicyLockoutSafetyCheck": True,
                "tags": TAGS,
            },
            edit={
                "description": "edited",
                "isEnabled": False,
                "rotationPeriodInDays": 200,
                "policy": ALLOW.replace("s3:*", "kms:Decrypt"),
                "tags": OTHER_TAGS,
            },
        ),
    ),
    "aws:lb/listener:Listener": (
        Example(
            lambda world: {
                "loadBalancerArn": world["balancer"],
                "protocol": "TCP",
                "port": 443,
                "defaultActions": [{"type": "forward", "targetGroupArn": world["targets"]}],
                "tcpIdleTimeoutSeconds": 100,
                "tags": TAGS,
            },
            edit={"port": 8443, "tcpIdleTimeoutSeconds": 200, "tags": OTHER_TAGS},
        ),
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        Example(_balancer, edit={"enableDeletionProtection": False, "tags": OTHER_TAGS}),
        Example(_application_balancer, edit={"idleTimeout": 30}),
    ),
    "aws:lb/targetGroup:TargetGroup": (
        Example(_targets, edit={"deregistrationDelay": 60, "tags": OTHER_TAGS}),
        Example(_http_targets, edit={"slowStart": 90}),
    ),
    "aws:route53/healthCheck:HealthCheck": (
        Example(
            lambda _: {
                "type": "HTTPS_STR_MATCH",
                "fqdn": "one.test",
                "ipAddress": "192.0.2.1",
                "port": 443,
                "resourcePath": "/healthz",
                "searchString": "ok",
                "requestInterval": 10,
                "failureThreshold": 2,
                "enableSni": True,
                "referenceName": "example",
                "triggers": {"a": "b"},
                "tags": TAGS,
            },
            edit={"failureThreshold": 5, "resourcePath": "/live", "tags": OTHER_TAGS},
        ),
    ),
    "aws:route53/record:Record": (
        Example(
            lambda world: _weighted(
                world,
                allowOverwrite=True,
                latencyRoutingPolicies=[{"region": "eu-west-1"}],
            ),
            edit={"ttl": 600, "records": ["two.test"], "setIdentifier": "two"},
        ),
        Example(
            lambda world: _weighted(world, failoverRoutingPolicies=[{"type": "PRIMARY"}]),
            edit={"failoverRoutingPolicies": [{"type": "SECONDARY"}]},
        ),
        Example(lambda world: _weighted(world, weightedRoutingPolicies=[{"weight": 5}])),
        Example(
            lambda world: _weighted(world, geolocationRoutingPolicies=[{"continent": "EU"}]),
        ),
        Example(
            lambda world: {
                **_weighted(world, multivalueAnswerRoutingPolicy=True),
                "type": "A",
                "records": ["192.0.2.1"],
            },
        ),
        Example(
            lambda world: {
                "zoneId": world["zone"],
                "name": "alias",
                "type": "A",
                "aliases": [
                    {"name": "one.test", "zoneId": "Z1", "evaluateTargetHealth": True},
                ],
            },
        ),
    ),
    "aws:route53/zone:Zone": (
        Example(
            lambda _: {
                "name": "examples.test",
                "comment": "an example",
                "forceDestroy": True,
                "tags": TAGS,
            },
            edit={"comment": "edited", "tags": OTHER_TAGS},
        ),
    ),
    "aws:s3/bucket:Bucket": (
        Example(
            lambda _: {"bucket": "holdfast-examples", "forceDestroy": True, "tags": TAGS},
            edit={"tags": OTHER_TAGS},
        ),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "rules": _LIFECYCLE,
                "timeouts": {"create": "5m"},
            },
            edit={"rules": _LIFECYCLE[:1]},
        ),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "rule": {"objectOwnership": "BucketOwnerEnforced"},
            },
            edit={"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        ),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        Example(
            lambda world: {"bucket": world["bucket"], "policy": ALLOW}, edit={"policy": ALLOW_LESS}
        ),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "blockPublicAcls": True,
                "blockPublicPolicy": True,
                "ignorePublicAcls": True,
                "restrictPublicBuckets": True,
                "skipDestroy": False,
            },
            edit={"blockPublicAcls": False},
        ),
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (Example(_replication),),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Example(
            lambda world: {
                "bucket": world["bucket"],
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {
                            "sseAlgorithm": "aws:kms",
                            "kmsMasterKeyId": world["key"],
                        },
                        "bucketKeyEnabled": True,
                    }
                ],
            },
            edit={"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        ),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        Example(
            lambda world: {
                "bucket": world["plain"],
                "versioningConfiguration": {"status": "Enabled"},
            },
            edit={"versioningConfiguration": {"status": "Suspended"}},
        ),
    ),
    "aws:secretsmanager/secret:Secret": (
        Example(
            lambda world: {
                "name": "examples",
                "description": "an example",
                "kmsKeyId": world["key"],
                "recoveryWindowInDays": 0,
                "tags": TAGS,
            },
            edit={"description": "edited", "tags": OTHER_TAGS},
        ),
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": (
        Example(
            lambda world: {
                "secretId": world["secret"],
                "secretString": "hidden",
                "versionStages": ["AWSCURRENT"],
            },
        ),
        Example(lambda world: {"secretId": world["secret"], "secretBinary": "aGlkZGVu"}),
    ),
    "aws:sns/topic:Topic": (
        Example(
            lambda world: {
                "name": "examples",
                "displayName": "an example",
                "deliveryPolicy": '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 4}}}',
                "kmsMasterKeyId": world["key"],
                "policy": ALLOW.replace("s3:*", "sns:Publish"),
                "tags": TAGS,
            },
            edit={"displayName": "", "tags": OTHER_TAGS},
        ),
        Example(
            lambda _: {"fifoTopic": True, "name": "f.fifo", "contentBasedDeduplication": True},
            edit={"contentBasedDeduplication": False},
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        Example(
            lambda world: {"arn": world["topic"], "policy": ALLOW}, edit={"policy": ALLOW_LESS}
        ),
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        Example(
            lambda world: {
                "topic": world["topic"],
                "protocol": "sqs",
                "endpoint": "arn:aws:sqs:us-east-1:000000000000:queue",
                "confirmationTimeoutInMinutes": 1,
                "deliveryPolicy": '{"healthyRetryPolicy": {"numRetries": 4}}',
                "endpointAutoConfirms": True,
                "filterPolicy": '{"kind": ["trip"]}',
                "filterPolicyScope": "MessageBody",
                "rawMessageDelivery": True,
                "redrivePolicy": (
                    '{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}'
                ),
                "subscriptionRoleArn": world["role-arn"],
            },
            edit={"filterPolicy": '{"kind": ["arm"]}', "rawMessageDelivery": False},
        ),
    ),
    "aws:ssm/parameter:Parameter": (
        Example(
            lambda world: {
                "name": "/examples/one",
                "type": "SecureString",
                "value": "one",
                "description": "an example",
                "keyId": world["key"],
                "tier": "Advanced",
                "dataType": "text",
                "allowedPattern": "[a-z]+",
                "tags": TAGS,
            },
            edit={"value": "two", "description": "edited", "tags": OTHER_TAGS},
        ),
        Example(
            lambda _: {"type": "String", "insecureValue": "plain", "overwrite": True},
            edit={"insecureValue": "plainer"},
        ),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "referencedSecurityGroupId": world["peer"],
                "ipProtocol": "tcp",
                "fromPort": 6379,
                "toPort": 6380,
                "description": "an example",
                "tags": TAGS,
            },
            edit={"toPort": 6379, "description": "edited", "tags": OTHER_TAGS},
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv4": "10.0.0.0/8",
                "ipProtocol": "-1",
            },
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv6": "::/0",
                "ipProtocol": "udp",
                "fromPort": 53,
                "toPort": 53,
            },
        ),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "referencedSecurityGroupId": world["peer"],
                "ipProtocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
                "description": "an example",
                "tags": TAGS,
            },
            edit={"fromPort": 80, "tags": OTHER_TAGS},
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv4": "0.0.0.0/0",
                "ipProtocol": "tcp",
                "fromPort": 443,
                "toPort": 443,
            },
            edit={"cidrIpv4": "192.0.2.0/24"},
        ),
        Example(
            lambda world: {
                "securityGroupId": world["group"],
                "cidrIpv6": "::/0",
                "ipProtocol": "-1",
            },
        ),
    ),
}
"""By type. ``aws:kms/replicaKey:ReplicaKey`` needs two regions that speak: see the twin's tests."""
