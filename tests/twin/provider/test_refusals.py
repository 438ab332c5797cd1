"""What each resource type refuses before anything is made, and what it must not refuse."""

import pytest

from holdfast.twin.provider.cloud import Cloud
from holdfast.twin.provider.core import Provider
from holdfast.twin.provider.registry import REALISED
from holdfast.twin.provider.spec import ResourceType
from holdfast.twin.provider.values import UNKNOWN, Json, Object
from tests.twin.provider.examples import EXAMPLES
from tests.twin.provider.world import NOWHERE, Example

PROVIDER = Provider(Cloud(lambda region: f"http://{region}.test"))
CASES = [
    pytest.param(token, example, id=f"{token.rpartition(':')[2]}-{number}")
    for token, examples in sorted(EXAMPLES.items())
    for number, example in enumerate(examples)
]


@pytest.mark.parametrize(("token", "example"), CASES)
def test_a_property_that_is_not_known_yet_is_never_refused(token: str, example: Example) -> None:
    inputs = example.inputs(NOWHERE)
    refused = {
        key: checked.failures
        for key in inputs
        if (
            checked := PROVIDER.check(token, "example", {}, {**inputs, key: UNKNOWN}, b"seed")
        ).failures
    }
    assert refused == {}


TABLE: Object = {
    "name": "table",
    "hashKey": "pk",
    "billingMode": "PAY_PER_REQUEST",
    "attributes": [{"name": "pk", "type": "S"}],
}
STRONG: Json = [{"regionName": "us-west-2", "consistencyMode": "STRONG"}]
WITNESS: Json = {"regionName": "us-east-2"}
VALKEY: Object = {
    "replicationGroupId": "limits",
    "description": "d",
    "engine": "valkey",
    "transitEncryptionEnabled": True,
}
ALARM: Object = {
    "comparisonOperator": "GreaterThanThreshold",
    "evaluationPeriods": 1,
    "metricName": "m",
    "namespace": "n",
    "statistic": "Sum",
}
CHECK: Object = {"type": "HTTPS", "fqdn": "a.example", "requestInterval": 10}
RECORD: Object = {"zoneId": "z", "name": "a", "type": "A", "records": ["127.0.0.1"], "ttl": 5}
RULE: Object = {"securityGroupId": "g", "ipProtocol": "tcp", "fromPort": 1, "toPort": 2}
BLOCK = "10.0.0.0/16"
POLICY = '{"Statement": []}'
LONG_POLICY = '{"Statement": ["%s"]}' % ("x" * 11_000)

# A type and what it takes; each change of that, with the property that is refused for it.
REFUSALS: dict[str, tuple[Object, list[tuple[Object, str]]]] = {
    "budgets/budget:Budget": (
        {"budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "1.5", "limitUnit": "USD"},
        [({"limitAmount": "much"}, "limitAmount"), ({"limitAmount": "1.2.3"}, "limitAmount")],
    ),
    "cloudwatch/metricAlarm:MetricAlarm": (
        ALARM,
        [
            ({"metricName": None}, "metricName"),
            ({"namespace": None}, "namespace"),
            ({"statistic": None}, "statistic"),
            ({"extendedStatistic": "p99"}, "statistic"),
        ],
    ),
    "dynamodb/table:Table": (
        TABLE,
        [
            ({"hashKey": None}, "hashKey"),
            ({"hashKey": "other"}, "hashKey"),
            ({"rangeKey": "other"}, "rangeKey"),
            ({"readCapacity": 5}, "readCapacity"),
            ({"billingMode": "PROVISIONED", "readCapacity": 5}, "writeCapacity"),
            (
                {
                    "billingMode": "PROVISIONED",
                    "readCapacity": 5,
                    "writeCapacity": 5,
                    "onDemandThroughput": {"maxReadRequestUnits": 1},
                },
                "onDemandThroughput",
            ),
            ({"streamEnabled": True}, "streamViewType"),
            ({"replicas": STRONG}, "replicas"),
            ({"globalTableWitness": WITNESS}, "globalTableWitness"),
            (
                {
                    "replicas": STRONG,
                    "globalTableWitness": WITNESS,
                    "ttl": {"enabled": True, "attributeName": "t"},
                },
                "ttl",
            ),
            (
                {
                    "replicas": STRONG,
                    "globalTableWitness": WITNESS,
                    "localSecondaryIndexes": [
                        {"name": "i", "rangeKey": "pk", "projectionType": "ALL"}
                    ],
                },
                "localSecondaryIndexes",
            ),
        ],
    ),
    "dynamodb/tableItem:TableItem": (
        {"tableName": "t", "hashKey": "pk", "item": '{"pk": {"S": "a"}}'},
        [({"item": "{"}, "item"), ({"item": "[]"}, "item"), ({"hashKey": "sk"}, "item")],
    ),
    "ec2/vpcEndpoint:VpcEndpoint": (
        {
            "vpcId": "v",
            "region": "us-east-1",
            "serviceName": "com.amazonaws.us-east-1.ssm",
            "vpcEndpointType": "Interface",
        },
        [
            ({"vpcEndpointType": "Private"}, "vpcEndpointType"),
            ({"serviceName": None}, "serviceName"),
            ({"serviceName": "com.amazonaws.eu-west-1.ssm"}, "serviceName"),
            ({"policy": "{"}, "policy"),
            ({"routeTableIds": ["r"]}, "routeTableIds"),
            ({"vpcEndpointType": "Gateway", "subnetIds": ["s"]}, "subnetIds"),
            ({"vpcEndpointType": "Gateway", "securityGroupIds": ["g"]}, "securityGroupIds"),
            ({"vpcEndpointType": "Gateway", "privateDnsEnabled": True}, "privateDnsEnabled"),
        ],
    ),
    "ec2/route:Route": (
        {"routeTableId": "r", "destinationCidrBlock": BLOCK, "gatewayId": "g"},
        [({"natGatewayId": "n"}, "natGatewayId"), ({"gatewayId": None}, "gatewayId")],
    ),
    "ec2/routeTableAssociation:RouteTableAssociation": (
        {"routeTableId": "r", "subnetId": "s"},
        [({"subnetId": None}, "subnetId")],
    ),
    "ec2/subnet:Subnet": (
        {"vpcId": "v", "cidrBlock": BLOCK, "region": "us-east-1"},
        [
            ({"cidrBlock": "10.0.0.0/8"}, "cidrBlock"),
            ({"availabilityZone": "us-west-2a"}, "availabilityZone"),
        ],
    ),
    "ec2/vpc:Vpc": ({"cidrBlock": BLOCK}, [({"cidrBlock": "10.0.0.1/16"}, "cidrBlock")]),
    "elasticache/replicationGroup:ReplicationGroup": (
        VALKEY,
        [
            ({"engine": "redis"}, "engine"),
            ({"engine": None}, "engine"),
            ({"replicationGroupId": "x" * 41}, "replicationGroupId"),
            ({"replicationGroupId": "Limits"}, "replicationGroupId"),
            ({"authToken": "short"}, "authToken"),
            ({"authToken": "x" * 129}, "authToken"),
            ({"authToken": "x" * 20, "transitEncryptionEnabled": False}, "authToken"),
            ({"multiAzEnabled": True}, "multiAzEnabled"),
        ],
    ),
    "iam/policy:Policy": ({"policy": POLICY}, [({"policy": LONG_POLICY}, "policy")]),
    "iam/role:Role": (
        {"assumeRolePolicy": POLICY},
        [
            ({"assumeRolePolicy": LONG_POLICY}, "assumeRolePolicy"),
            ({"assumeRolePolicy": "{}"}, "assumeRolePolicy"),
            ({"maxSessionDuration": 60}, "maxSessionDuration"),
        ],
    ),
    "iam/rolePolicy:RolePolicy": (
        {"role": "r", "policy": POLICY},
        [({"policy": LONG_POLICY}, "policy")],
    ),
    "kms/alias:Alias": (
        {"name": "alias/a", "targetKeyId": "k"},
        [
            ({"name": None}, "name"),
            ({"name": "a"}, "name"),
            ({"name": "alias/aws/a"}, "name"),
        ],
    ),
    "kms/key:Key": (
        {"enableKeyRotation": True, "rotationPeriodInDays": 90, "deletionWindowInDays": 7},
        [
            ({"enableKeyRotation": None}, "rotationPeriodInDays"),
            ({"rotationPeriodInDays": 89}, "rotationPeriodInDays"),
            ({"deletionWindowInDays": 31}, "deletionWindowInDays"),
        ],
    ),
    "kms/replicaKey:ReplicaKey": (
        {"primaryKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k", "region": "us-west-2"},
        [
            ({"region": "us-east-1"}, "region"),
            ({"deletionWindowInDays": 6}, "deletionWindowInDays"),
        ],
    ),
    "lb/loadBalancer:LoadBalancer": (
        {"name": "a", "loadBalancerType": "network"},
        [
            ({"name": "x" * 33}, "name"),
            ({"name": "internal-a"}, "name"),
            ({"loadBalancerType": "fast"}, "loadBalancerType"),
        ],
    ),
    "lb/targetGroup:TargetGroup": (
        {"name": "a", "targetType": "ip", "port": 1, "protocol": "TCP", "vpcId": "v"},
        [
            ({"name": "x" * 33}, "name"),
            ({"port": None}, "port"),
            ({"protocol": None}, "protocol"),
            ({"vpcId": None}, "vpcId"),
        ],
    ),
    "route53/healthCheck:HealthCheck": (
        CHECK,
        [
            ({"type": "PING"}, "type"),
            ({"requestInterval": 20}, "requestInterval"),
            ({"failureThreshold": 11}, "failureThreshold"),
        ],
    ),
    "route53/record:Record": (
        RECORD,
        [
            ({"ttl": None}, "ttl"),
            ({"weightedRoutingPolicies": [{"weight": 1}]}, "setIdentifier"),
            (
                {
                    "setIdentifier": "s",
                    "weightedRoutingPolicies": [{"weight": 1}],
                    "latencyRoutingPolicies": [{"region": "us-east-1"}],
                },
                "weightedRoutingPolicies",
            ),
            (
                {"aliases": [{"name": "b", "zoneId": "z", "evaluateTargetHealth": True}]},
                "ttl",
            ),
        ],
    ),
    "route53/zone:Zone": ({"name": "a.example"}, [({"name": None}, "name")]),
    "s3/bucket:Bucket": (
        {"bucket": "a-bucket"},
        [
            ({"bucket": "A"}, "bucket"),
            ({"bucket": "a..b"}, "bucket"),
            ({"bucket": "-ab"}, "bucket"),
        ],
    ),
    "s3/bucketPolicy:BucketPolicy": (
        {"bucket": "b", "policy": POLICY},
        [({"policy": "{"}, "policy")],
    ),
    "secretsmanager/secret:Secret": (
        {"name": "s", "recoveryWindowInDays": 0},
        [({"recoveryWindowInDays": 6}, "recoveryWindowInDays")],
    ),
    "secretsmanager/secretVersion:SecretVersion": (
        {"secretId": "s", "secretString": "a"},
        [({"secretBinary": "YQ=="}, "secretBinary"), ({"secretString": None}, "secretString")],
    ),
    "sns/topic:Topic": (
        {"name": "t"},
        [
            ({"policy": "{"}, "policy"),
            ({"name": "t.fifo"}, "name"),
            ({"fifoTopic": True}, "name"),
        ],
    ),
    "sns/topicPolicy:TopicPolicy": ({"arn": "a", "policy": POLICY}, [({"policy": "{"}, "policy")]),
    "sns/topicSubscription:TopicSubscription": (
        {"topic": "t", "protocol": "email", "endpoint": "a@b.example"},
        [({"protocol": "pigeon"}, "protocol")],
    ),
    "ssm/parameter:Parameter": (
        {"name": "p", "type": "String", "value": "v"},
        [
            ({"type": "Text"}, "type"),
            ({"tier": "Gold"}, "tier"),
            ({"value": "v" * 4097}, "value"),
            ({"value": "v" * 8193, "tier": "Advanced"}, "value"),
            ({"value": ""}, "value"),
            ({"value": None}, "value"),
            ({"insecureValue": "v"}, "insecureValue"),
        ],
    ),
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        {**RULE, "cidrIpv4": BLOCK},
        [
            ({"referencedSecurityGroupId": "h"}, "referencedSecurityGroupId"),
            ({"cidrIpv4": None}, "cidrIpv4"),
            ({"toPort": 65536}, "toPort"),
        ],
    ),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        {**RULE, "cidrIpv4": BLOCK},
        [({"fromPort": -1}, "fromPort"), ({"description": "a network's"}, "description")],
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_aws_would_refuse_is_refused_by_name_and_nothing_else_is(name: str) -> None:
    good, changes = REFUSALS[name]
    token = f"aws:{name}"
    assert PROVIDER.check(token, "example", {}, good, b"seed").failures == ()
    for change, path in changes:
        failures = PROVIDER.check(token, "example", {}, {**good, **change}, b"seed").failures
        assert path in {failure.path for failure in failures}, change


def test_every_type_that_looks_at_its_inputs_is_seen_to_refuse_some() -> None:
    looking = {
        token.removeprefix("aws:")
        for token, kind in REALISED.items()
        if type(kind).validate is not ResourceType.validate
    }
    assert looking == set(REFUSALS)
