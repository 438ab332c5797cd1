"""Changes of a compliant stack, each of them a mistake that somebody could make."""

import json
from collections.abc import Mapping

from holdfast.graph import UNKNOWN, Value
from policies.core.kinds import (
    BEDROCK,
    HARMLESS_POLICIES,
    ROLE_ATTACHMENTS_EXCLUSIVE,
    TABLE,
    TABLE_ITEM,
    VPC_ENDPOINT,
)
from tests.policies.specs import (
    ACCOUNT,
    Spec,
    changed,
    compliant,
    copy_statement,
    decrypt_statement,
    document,
    key_policy,
    tags,
    trip_statement,
    trust_statement,
)

ABSENT = type(None)
"""For ``changed``: takes the property away."""

TAG = "tags.holdfast:jurisdiction"
AWS_MANAGED_KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/aws/dynamodb"
DEFAULT_KEY = "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId"
PROFILES = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:inference-profile/"
MODEL_CALL = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
HARMLESS = min(HARMLESS_POLICIES)
TABLE_ARN = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/p-eu-coordination"


def model(named: Value, **more: Value) -> dict[str, Spec]:
    inputs: dict[str, Value] = {"foundationModel": named, "tags": tags("agents"), **more}
    return {"agent": Spec(BEDROCK[0], inputs)}


def trip(**changes: object) -> dict[str, Spec]:
    return switch_may(_with(trip_statement(), changes), decrypt_statement())


def writing(operator: str, *attributes: str) -> dict[str, Spec]:
    condition = trip_statement()["Condition"]
    condition.setdefault(operator, {})["dynamodb:Attributes"] = [*attributes]
    return trip(Condition=condition)


def switch_may(*statements: Mapping[str, object]) -> dict[str, Spec]:
    return changed("switch-policy", "policy", document(*statements))


def trust(**changes: object) -> dict[str, Spec]:
    return changed("switch", "assumeRolePolicy", document(_with(trust_statement(), changes)))


def _with(statement: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """A statement with other elements; one that says what it is not replaces what it is."""
    replaced = {name.removeprefix("Not") for name in changes if name.startswith("Not")}
    return {**{k: v for k, v in statement.items() if k not in replaced}, **changes}


def named_principal(arn: str) -> dict[str, Spec]:
    return trust(Condition={"ArnLike": {"aws:PrincipalArn": [arn]}})


def unprotected(name: str) -> dict[str, Spec]:
    specs = compliant()
    specs[name].protect = False
    return specs


def relinked(name: str, prop: str, *others: str) -> dict[str, Spec]:
    specs = compliant()
    specs[name].references[prop] = list(others)
    return specs


def foreign_bucket() -> dict[str, Spec]:
    specs = changed("bucket-eu-central-1", "tags", tags("geo-store", "us"))
    return {name: spec for name, spec in specs.items() if "replication-eu-c" not in name}


def attached(token: str, at: str, to: Value, policy: Value = HARMLESS) -> dict[str, Spec]:
    listed = token == ROLE_ATTACHMENTS_EXCLUSIVE
    named: dict[str, Value] = {"policyArns": [policy]} if listed else {"policyArn": policy}
    return {**compliant(), "attachment": Spec(token, {at: to, **named})}


def copied_from(region: str, jurisdiction: str | None = "eu") -> dict[str, Spec]:
    """A copy of a key that is named in full, so that the engine links it to none."""
    specs = changed("key-other", "primaryKeyArn", f"arn:aws:kms:{region}:{ACCOUNT}:key/mrk-1")
    specs["key-other"].references.clear()
    specs["key-other"].inputs["tags"] = tags("keys", jurisdiction)
    return specs


def copied_where(name: str, condition: tuple[str, str] | None) -> dict[str, Spec]:
    """A key whose policy allows copies under an operator on a region, or under none."""
    limits = {} if condition is None else {condition[0]: {"kms:ReplicaRegion": [condition[1]]}}
    return changed(name, "policy", key_policy(copying={**copy_statement(), "Condition": limits}))


def led_by_alias(jurisdiction: str) -> dict[str, Spec]:
    specs = changed("balancer-eu-west-1", TAG, jurisdiction)
    specs["record-eu-west-1"].references = {"aliases": ["balancer-eu-west-1"]}
    specs["record-eu-west-1"].inputs.pop("records")
    specs["record-eu-west-1"].inputs["aliases"] = [{"name": UNKNOWN}]
    return specs


def bucket_abroad(resource: str) -> dict[str, Spec]:
    specs = agents_may({"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource})
    specs["bucket-eu-west-1"].inputs["tags"] = tags("geo-store", "us")
    return specs


def flag_says(**attributes: object) -> dict[str, Spec]:
    """A deployment that has a word of its own for the flag."""
    return changed("flag", "item", json.dumps({"pk": {"S": "kill"}, **attributes}))


def written_again() -> dict[str, Spec]:
    specs = compliant()
    specs["flag"].ignored = ("tags",)
    return specs


def agents_may(*statements: Mapping[str, object]) -> dict[str, Spec]:
    return changed("agents-policy", "policy", document(*statements))


def with_new(token: str) -> dict[str, Spec]:
    return {**compliant(), "new": Spec(token, {"region": "eu-west-1", "tags": tags("new")})}


def leading_to(service_region: Value) -> dict[str, Spec]:
    inputs: dict[str, Value] = {
        "region": "eu-west-1",
        "serviceName": "com.amazonaws.eu-west-1.s3",
        "serviceRegion": service_region,
    }
    return {"endpoint": Spec(VPC_ENDPOINT, inputs)}


def left_as_it_is(name: str, path: str) -> dict[str, Spec]:
    specs = compliant()
    specs[name].ignored = (path,)
    return specs


def calls(resource: str | None, **changes: object) -> dict[str, Spec]:
    statement = {**MODEL_CALL, "Resource": resource, **changes}
    for name in ("Action", "Resource"):
        if f"Not{name}" in changes:
            del statement[name]
    return agents_may(statement)


def subscribed(arn: str) -> dict[str, Spec]:
    return changed("subscription-eu-west-1", "topic", arn)


def copies_encrypted_with(key: str, jurisdiction: str) -> dict[str, Spec]:
    specs = relinked("replication-eu-west-1", "rules", "bucket-eu-central-1", key)
    specs[key].inputs["tags"] = tags("keys", jurisdiction)
    return specs


def second_flag() -> dict[str, Spec]:
    specs = compliant()
    inputs: dict[str, Value] = {"name": "second", "region": "eu-west-1", "tags": tags("other")}
    specs["second"] = Spec(TABLE, inputs)
    specs["second-flag"] = Spec(TABLE_ITEM, {**specs["flag"].inputs, "tableName": "second"})
    return specs


def unlinked(name: str, path: str, prop: str) -> dict[str, Spec]:
    specs = changed(name, path, UNKNOWN)
    specs[name].references.pop(prop, None)
    return specs


def two_destinations(*known: str) -> dict[str, Spec]:
    """Two replication rules to unknown buckets, of which the engine knows these."""
    specs = relinked("replication-eu-west-1", "rules", *known)
    rule = specs["replication-eu-west-1"].inputs["rules"][0]
    specs["replication-eu-west-1"].inputs["rules"] = [rule, rule]
    return specs
