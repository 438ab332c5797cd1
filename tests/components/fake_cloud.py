"""A provider that makes nothing and answers every resource as a cloud might.

Where a cloud may answer otherwise than it was asked (ports, TLS), this one does, so that a
component that passes on its own request instead of the answer is caught.
"""

from collections.abc import Mapping

from holdfast.graph import Realised, Registration, Value

ACCOUNT_ID = "210987654321"
LISTENER_PORT = 20443
LIMITER_PORT = 26379
TOKEN = "t" * 64


def _arn(service: str, region: str, rest: str) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT_ID}:{rest}"


def _answers(name: str, region: str, inputs: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    """Outputs beyond the inputs, by type."""
    # As long as AWS's, since they have to fit into a parameter.
    balancer = f"{inputs.get('name')}-0123456789abcdef.elb.{region}.amazonaws.com"
    cache = f"master.{inputs.get('replicationGroupId')}.a1b2c3.use1.cache.amazonaws.com"
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/{inputs.get('name')}"
    return {
        "aws:kms/key:Key": {"keyId": f"mrk-{name}", "arn": _arn("kms", region, f"key/mrk-{name}")},
        "aws:kms/replicaKey:ReplicaKey": {
            "keyId": f"mrk-{name}",
            "arn": _arn("kms", region, f"key/mrk-{name}"),
        },
        "aws:dynamodb/table:Table": {"arn": _arn("dynamodb", region, f"table/{name}")},
        "aws:s3/bucket:Bucket": {"arn": f"arn:aws:s3:::{inputs.get('bucket')}"},
        "aws:iam/role:Role": {"arn": role},
        "aws:lb/loadBalancer:LoadBalancer": {
            "arn": _arn("elasticloadbalancing", region, f"loadbalancer/net/{name}"),
            "dnsName": balancer,
        },
        "aws:lb/targetGroup:TargetGroup": {
            "arn": _arn("elasticloadbalancing", region, f"targetgroup/{name}")
        },
        "aws:lb/listener:Listener": {"port": LISTENER_PORT},
        "aws:elasticache/replicationGroup:ReplicationGroup": {
            "primaryEndpointAddress": cache,
            "port": LIMITER_PORT,
            "transitEncryptionEnabled": False,
        },
        "aws:secretsmanager/secret:Secret": {
            "arn": _arn("secretsmanager", region, f"secret:{name}-a1B2c3")
        },
        "aws:sns/topic:Topic": {"arn": _arn("sns", region, str(inputs.get("name")))},
        "aws:route53/zone:Zone": {
            "zoneId": "Z0123456789",
            "nameServers": ["ns-1.example", "ns-2.example"],
        },
        "aws:ssm/parameter:Parameter": {
            "arn": _arn("ssm", region, f"parameter{inputs.get('name')}")
        },
    }


class FakeCloud:
    """Implements ``holdfast.graph.Provider``."""

    def register(self, registration: Registration) -> Realised:
        region = registration.region or "global"
        answers = _answers(registration.name, region, registration.inputs)
        return Realised(
            id=f"id-of-{registration.name}",
            outputs={**registration.inputs, **answers.get(registration.type, {})},
        )

    def invoke(
        self, token: str, args: Mapping[str, Value], *, region: str | None
    ) -> Mapping[str, Value]:
        del args, region
        return {
            "aws:index/getCallerIdentity:getCallerIdentity": {
                "accountId": ACCOUNT_ID,
                "arn": f"arn:aws:iam::{ACCOUNT_ID}:user/test",
                "id": ACCOUNT_ID,
                "userId": "AIDATEST",
            },
            "aws:secretsmanager/getRandomPassword:getRandomPassword": {"randomPassword": TOKEN},
        }[token]
