"""Every rule in its three answers: compliant, violation, undetermined. Each change is a mutant."""

import re
from collections.abc import Mapping

import pytest

from holdfast.graph import UNKNOWN, Value
from policies.kinds import (
    BEDROCK,
    COPIES,
    POLICY,
    POLICY_ATTACHMENT,
    ROLE_ATTACHMENT,
    ROLE_ATTACHMENTS_EXCLUSIVE,
    TABLE,
    TABLE_ITEM,
)
from policies.pack import RULES
from policies.rule import Rule
from tests.policies.specs import (
    ACCOUNT,
    Spec,
    changed,
    compliant,
    document,
    tags,
    trip_statement,
    trust_statement,
    violations,
    without,
)

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
REPLICA = "coordination", "replicas.0"
ABSENT = type(None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_compliant_stack_violates_nothing(rule: Rule) -> None:
    assert violations(rule, compliant()) == []


def _model(model: Value, **more: Value) -> dict[str, Spec]:
    inputs: dict[str, Value] = {"foundationModel": model, "tags": tags("agents"), **more}
    return {"agent": Spec(BEDROCK[0], inputs)}


def _trip(**changes: object) -> dict[str, Spec]:
    return changed("switch-policy", "policy", document({**trip_statement(), **changes}))


def _trust(**changes: object) -> dict[str, Spec]:
    return changed("switch", "assumeRolePolicy", document({**trust_statement(), **changes}))


def _principal(arn: str) -> dict[str, Spec]:
    return _trust(Condition={"ArnLike": {"aws:PrincipalArn": [arn]}})


def _unprotected(name: str) -> dict[str, Spec]:
    specs = compliant()
    specs[name].protect = False
    return specs


def _relinked(name: str, prop: str, *others: str) -> dict[str, Spec]:
    specs = compliant()
    specs[name].references[prop] = list(others)
    return specs


def _foreign_bucket() -> dict[str, Spec]:
    specs = changed("bucket-eu-central-1", "tags", tags("geo-store", "us"))
    return {name: spec for name, spec in specs.items() if "replication-eu-c" not in name}


def _attached(token: str, at: str, to: Value) -> dict[str, Spec]:
    return {**compliant(), "attachment": Spec(token, {at: to, "policyArn": "arn:x"})}


def _with(token: str) -> dict[str, Spec]:
    return {**compliant(), "new": Spec(token, {"region": "eu-west-1", "tags": tags("new")})}


def _copying(token: str, name: str) -> dict[str, Spec]:
    inputs: dict[str, Value] = {"region": "eu-west-1", "tags": tags("copy"), name: UNKNOWN}
    return {"copy": Spec(token, inputs)}


def _database(environment: str) -> dict[str, Spec]:
    inputs: dict[str, Value] = {"tags": tags("database", environment=environment)}
    return {"database": Spec("aws:rds/instance:Instance", inputs)}


def _calls(resource: str, **changes: object) -> dict[str, Spec]:
    statement = {**MODEL_CALL, "Resource": resource, **changes}
    if "NotAction" in changes:
        del statement["Action"]
    return changed("switch-policy", "policy", document(statement))


def _subscribed(arn: str) -> dict[str, Spec]:
    return changed("subscription-eu-west-1", "topic", arn)


def _copies_encrypted_with(key: str, jurisdiction: str) -> dict[str, Spec]:
    specs = _relinked("replication-eu-west-1", "rules", "bucket-eu-central-1", key)
    specs[key].inputs["tags"] = tags("keys", jurisdiction)
    return specs


def _second_flag() -> dict[str, Spec]:
    specs = compliant()
    inputs: dict[str, Value] = {"name": "second", "region": "eu-west-1", "tags": tags("other")}
    specs["second"] = Spec(TABLE, inputs)
    specs["second-flag"] = Spec(TABLE_ITEM, {**specs["flag"].inputs, "tableName": "second"})
    return specs


TAG = "tags.holdfast:jurisdiction"
AWS_MANAGED_KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/aws/dynamodb"
DEFAULT_KEY = "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId"
PROFILES = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:inference-profile/"
MODEL_CALL = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
STATEMENT_ARN = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/p-eu-coordination"

MUTANTS: list[tuple[str, dict[str, Spec], str, str]] = [
    ("residency-tag", changed("coordination", TAG, ABSENT), "coordination", "is missing"),
    ("residency-tag", changed("secret", TAG, "mars"), "secret", "'mars'"),
    ("residency-region", changed("coordination", "region", "us-east-1"), "coordination", "us-east"),
    ("residency-region", changed("secret", "region", "eu-west-2"), "secret", "eu-west-2"),
    ("residency-region", changed("key-other", "region", "eu-central-2"), "key-other", "central-2"),
    (
        "residency-replica",
        changed("coordination", "replicas.0.regionName", "us-west-2"),
        "coordination",
        "a replica lies in us-west-2",
    ),
    (
        "residency-replica",
        changed("coordination", "globalTableWitness.regionName", "eu-west-2"),
        "coordination",
        "the witness lies in eu-west-2",
    ),
    (
        "residency-replica",
        changed("secret", "replicas", [{"region": "us-east-1"}]),
        "secret",
        "a replica lies in us-east-1",
    ),
    (
        "residency-bucket-replication",
        _foreign_bucket(),
        "replication-eu-west-1",
        "belongs to us",
    ),
    (
        "residency-bucket-replication",
        changed("replication-eu-west-1", "rules.0.destination.bucket", "arn:aws:s3:::elsewhere"),
        "replication-eu-west-1",
        "not in this stack",
    ),
    ("residency-keys", changed("key-home", TAG, "us"), "coordination", "belongs to us"),
    ("residency-keys", changed("key-home", TAG, ABSENT), "key-other", "no jurisdiction"),
    ("residency-known", _with("aws:dynamodb/tableReplica:TableReplica"), "new", "no rule knows"),
    ("residency-known", _with("aws:dynamodb/globalTable:GlobalTable"), "new", "no rule knows"),
    ("residency-known", _with("aws:s3/bucketV2:BucketV2"), "new", "no rule knows"),
    ("residency-region", _model("anthropic.claude-x", region="us-east-1"), "agent", "us-east-1"),
    *(
        ("residency-replica", _copying(token, name), "copy", name)
        for token, names in COPIES.items()
        for name in names
    ),
    (
        "residency-keys",
        _copies_encrypted_with("key-other", "us"),
        "replication-eu-west-1",
        "key-other belongs to us",
    ),
    ("residency-inference", _model("global.anthropic.claude-x"), "agent", "`global.`"),
    ("residency-inference", _model("ca.anthropic.claude-x"), "agent", "`ca.`"),
    ("residency-inference", _model("us.anthropic.claude-x"), "agent", "`us.`"),
    (
        "residency-inference",
        _model("anthropic.claude-x", tags=tags("agents", None)),
        "agent",
        "is missing",
    ),
    *(
        ("residency-inference-permission", _calls(resource), "switch-policy", "may be called by")
        for resource in (
            "*",
            f"{PROFILES}*",
            f"{PROFILES}global.a.b",
            f"{PROFILES}*anthropic.claude-x",
            f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:*",
            "arn:aws:bedrock:*::foundation-model/a.b",
            "arn:aws:bedrock:us-east-1::foundation-model/a.b",
            "arn:aws:bedrock:::foundation-model/a.b",
        )
    ),
    *(
        ("residency-inference-permission", _calls("*", **{key: action}), "switch-p", "called by")
        for key, action in (("Action", "BEDROCK:invoke*"), ("Action", "*"), ("NotAction", "s3:*"))
    ),
    (
        "residency-inference-permission",
        {"policy": Spec(POLICY, {"policy": document(MODEL_CALL)})},
        "policy",
        "no jurisdiction is named",
    ),
    (
        "residency-inference-role",
        changed("agents", "inlinePolicies", [{"policy": document(MODEL_CALL)}]),
        "agents",
        "may be called by",
    ),
    ("kill-switch-present", without("flag"), "coordination", "no item 'kill'"),
    ("kill-switch-present", without("switch"), "coordination", "no role"),
    (
        "kill-switch-present",
        changed("coordination", "replicas.0.consistencyMode", "EVENTUAL"),
        "coordination",
        "EVENTUAL",
    ),
    ("kill-switch-present", changed("flag", "item", '{"pk":{"S":"x"}}'), "coord", "no item"),
    ("kill-switch-present", changed("flag", "region", "us-east-1"), "coord", "no item"),
    ("kill-switch-present", _second_flag(), "second", "0 votes|1 votes"),
    ("kill-switch-reachable", _trust(Principal={}), "switch", "nobody outside"),
    ("kill-switch-reachable", _trust(Principal="*", Condition={}), "switch", "everybody"),
    ("kill-switch-reachable", _trust(Condition={}), "switch", "everybody"),
    ("kill-switch-reachable", _trust(Principal={"AWS": ACCOUNT}, Condition={}), "sw", "everybody"),
    *(
        ("kill-switch-reachable", _trust(Condition=condition), "switch", "everybody")
        for condition in (
            {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/intern"]}},
            {"ArnLikeIfExists": {"aws:PrincipalArn": ["arn:aws:iam::*:role/oncall"]}},
            {"StringEquals": {"aws:PrincipalOrgID": ["o-example"]}},
        )
    ),
    ("kill-switch-reachable", _trust(Action="sts:TagSession"), "switch", "nobody outside"),
    ("kill-switch-reachable", _trust(Effect="Deny"), "switch", "a Deny may keep"),
    ("kill-switch-reachable", _principal("arn:aws:iam::*:role/p-eu-*"), "switch", "p-eu-agents"),
    ("kill-switch-reachable", _principal("*"), "switch", "p-eu-agents"),
    (
        "kill-switch-reachable",
        _trust(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/p-eu-agents"}),
        "switch",
        "p-eu-agents",
    ),
    (
        "kill-switch-reachable",
        _trust(Principal={"Service": "pods.eks.amazonaws.com"}),
        "switch",
        "Service",
    ),
    ("kill-switch-only-trips", _trip(Action=["dynamodb:*"]), "switch", "dynamodb:\\*"),
    ("kill-switch-only-trips", _trip(Action="*"), "switch", "\\* is allowed"),
    (
        "kill-switch-only-trips",
        _trip(Action=["dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
        "switch",
        "DeleteItem is allowed",
    ),
    ("kill-switch-only-trips", _trip(Condition={}), "switch", "items other than"),
    (
        "kill-switch-only-trips",
        _trip(Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["kill"]}}),
        "switch",
        "items other than",
    ),
    (
        "kill-switch-only-trips",
        _trip(Condition={"StringEquals": {"dynamodb:LeadingKeys": ["kill", "lease"]}}),
        "switch",
        "items other than",
    ),
    ("kill-switch-only-trips", _trip(Resource="*"), "switch", "\\* is allowed"),
    ("kill-switch-only-trips", _trip(Resource=[f"{STATEMENT_ARN}x"]), "switch", "nationx"),
    ("kill-switch-only-trips", _trip(Resource=[STATEMENT_ARN]), "switch", "not allowed in eu-cen"),
    (
        "kill-switch-only-trips",
        _trip(Action=["dynamodb:UpdateItem", "kms:Decrypt"]),
        "switch",
        "kms:Decrypt is allowed outside",
    ),
    ("kill-switch-only-trips", without("switch-policy"), "switch", "not allowed in"),
    ("kill-switch-only-trips", _trip(Effect="Deny"), "switch", "a Deny may keep"),
    *(
        ("kill-switch-only-trips", _attached(token, at, to), "switch", "attaches another policy")
        for token, at, to in (
            (ROLE_ATTACHMENT, "role", "p-eu-kill-switch"),
            (ROLE_ATTACHMENTS_EXCLUSIVE, "roleName", "p-eu-kill-switch"),
            (POLICY_ATTACHMENT, "roles", ["p-eu-agents", "p-eu-kill-switch"]),
        )
    ),
    (
        "kill-switch-only-trips",
        _trip(
            Action=["dynamodb:UpdateItem", "kms:Decrypt"],
            Condition={
                **trip_statement()["Condition"],
                "StringNotEquals": {"kms:ViaService": ["dynamodb.eu-west-1.amazonaws.com"]},
            },
        ),
        "switch",
        "kms:Decrypt is allowed outside",
    ),
    (
        "kill-switch-plain",
        changed("switch", "inlinePolicies", [{"policy": document()}]),
        "switch",
        "inlinePolicies",
    ),
    (
        "kill-switch-plain",
        changed("switch", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        "switch",
        "managedPolicyArns",
    ),
    ("kill-switch-alarm", without("alarm-eu-central-1"), "coordination", "no alarm on .*Tripped"),
    ("kill-switch-alarm", without("silence-eu-west-1"), "coordination", "no alarm on .*Read"),
    (
        "kill-switch-alarm",
        changed("alarm-eu-west-1", "metricName", "CPUUtilization"),
        "coordination",
        "no alarm on .*Tripped",
    ),
    (
        "kill-switch-alarm",
        changed("alarm-eu-west-1", "namespace", "AWS/EC2"),
        "coordination",
        "no alarm on .*Tripped",
    ),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "alarmActions", []), "alarm", "no topic"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "actionsEnabled", value=False), "al", "off"),
    (
        "kill-switch-alarm",
        _relinked("alarm-eu-west-1", "alarmActions", "topic-eu-central-1"),
        "alarm",
        "no topic of its region",
    ),
    (
        "kill-switch-subscribed",
        _subscribed(f"arn:aws:sns:eu-central-1:{ACCOUNT}:stop-eu-west-1"),
        "topic-eu-west-1",
        "nobody",
    ),
    ("kill-switch-subscribed", without("subscription-eu-west-1"), "topic-eu-west-1", "nobody"),
    ("state-judged", _database("prod"), "database", "rds/instance"),
    ("table-replicated", changed("coordination", "replicas", []), "coordination", "only"),
    (
        "table-replicated",
        changed("coordination", "replicas.0.regionName", "eu-west-1"),
        "coordination",
        "only",
    ),
    (
        "table-recoverable",
        changed("coordination", "pointInTimeRecovery.enabled", value=False),
        "coordination",
        "off in eu-west-1",
    ),
    ("table-recoverable", changed("coordination", "pointInTimeRecovery", ABSENT), "c", "eu-west-1"),
    (
        "table-recoverable",
        changed("coordination", "replicas.0.pointInTimeRecovery", value=False),
        "coordination",
        "off in eu-central-1",
    ),
    (
        "table-deletion-protected",
        changed("coordination", "deletionProtectionEnabled", ABSENT),
        "coordination",
        "off in eu-west-1",
    ),
    (
        "table-deletion-protected",
        changed("coordination", "replicas.0.deletionProtectionEnabled", value=False),
        "coordination",
        "off in eu-central-1",
    ),
    ("table-deletion-protected", _unprotected("coordination"), "coordination", "`protect` is off"),
    (
        "table-encrypted",
        changed("coordination", "serverSideEncryption", ABSENT),
        "coordination",
        "managed key of eu-west-1",
    ),
    (
        "table-encrypted",
        changed("coordination", "replicas.0.kmsKeyArn", ABSENT),
        "coordination",
        "managed key of eu-central-1",
    ),
    *(
        (
            "table-encrypted",
            changed("coordination", "serverSideEncryption.kmsKeyArn", arn),
            "coordination",
            "managed key of eu-west-1",
        )
        for arn in (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k", AWS_MANAGED_KEY)
    ),
    *(
        ("bucket-encrypted", changed("encryption-eu-west-1", DEFAULT_KEY, arn), "b", "managed key")
        for arn in (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k", AWS_MANAGED_KEY, "alias/aws/s3")
    ),
    (
        "table-encrypted",
        _relinked("coordination", "replicas", "key-home"),
        "coordination",
        "managed key of eu-central-1",
    ),
    (
        "coordination-strong",
        changed("coordination", "replicas.0.consistencyMode", "EVENTUAL"),
        "coordination",
        "EVENTUAL",
    ),
    (
        "coordination-strong",
        changed("coordination", "replicas.0.consistencyMode", ABSENT),
        "coordination",
        "EVENTUAL",
    ),
    (
        "coordination-strong",
        changed("coordination", "globalTableWitness", ABSENT),
        "coordination",
        "2 votes",
    ),
    ("bucket-versioned", without("versioning-eu-west-1"), "bucket-eu-west-1", "not enabled"),
    (
        "bucket-versioned",
        changed("versioning-eu-west-1", "versioningConfiguration.status", "Suspended"),
        "bucket-eu-west-1",
        "not enabled",
    ),
    ("bucket-replicated", without("replication-eu-west-1"), "bucket-eu-west-1", "only"),
    (
        "bucket-replicated",
        changed("replication-eu-west-1", "rules.0.status", "Disabled"),
        "bucket-eu-west-1",
        "only",
    ),
    (
        "bucket-replicated",
        _relinked("replication-eu-west-1", "rules", "bucket-eu-west-1"),
        "bucket-eu-west-1",
        "only",
    ),
    ("bucket-encrypted", without("encryption-eu-west-1"), "bucket-eu-west-1", "managed key"),
    (
        "bucket-encrypted",
        _relinked("encryption-eu-west-1", "rules", "key-other"),
        "bucket-eu-west-1",
        "managed key",
    ),
    (
        "bucket-deletion-protected",
        changed("bucket-eu-west-1", "forceDestroy", value=True),
        "bucket-eu-west-1",
        "forceDestroy",
    ),
    ("bucket-deletion-protected", _unprotected("bucket-eu-west-1"), "bucket-eu-west-1", "protect"),
]


@pytest.mark.parametrize(
    ("rule", "specs", "where", "found"),
    MUTANTS,
    ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(MUTANTS)],
)
def test_a_violation_is_found_where_it_is(
    rule: str, specs: dict[str, Spec], where: str, found: str
) -> None:
    answers = violations(BY_ID[rule], specs)
    assert answers, "the mutant was not noticed"
    assert any(name.startswith(where) for name, _ in answers)
    assert any(re.search(found, str(violation)) for _, violation in answers), answers
    assert all(violation.fix and violation.rule for _, violation in answers)


def _unlinked(name: str, path: str, prop: str) -> dict[str, Spec]:
    specs = changed(name, path, UNKNOWN)
    specs[name].references.pop(prop, None)
    return specs


def _two_destinations(*known: str) -> dict[str, Spec]:
    """Two replication rules to unknown buckets, of which the engine knows these."""
    specs = _relinked("replication-eu-west-1", "rules", *known)
    rule = specs["replication-eu-west-1"].inputs["rules"][0]
    specs["replication-eu-west-1"].inputs["rules"] = [rule, rule]
    return specs


NEEDS_NO_VALUE = {"residency-known"}
"""Rules that look at nothing but the types of a stack's resources, which are always known."""

UNKNOWN_ROLES: list[tuple[str, str, Value]] = [
    (ROLE_ATTACHMENT, "role", UNKNOWN),
    (POLICY_ATTACHMENT, "roles", UNKNOWN),
    (POLICY_ATTACHMENT, "roles", ["p-eu-agents", UNKNOWN]),
]

UNDETERMINED: list[tuple[str, dict[str, Spec], str]] = [
    ("residency-tag", changed("secret", TAG, UNKNOWN), "tags.holdfast:jurisdiction"),
    ("residency-tag", changed("secret", "tags", UNKNOWN), "tags"),
    ("residency-region", changed("secret", "region", UNKNOWN), "region"),
    ("residency-region", changed("secret", "region", ABSENT), "region"),
    (
        "residency-replica",
        changed("coordination", "replicas.0.regionName", UNKNOWN),
        "replicas[0].regionName",
    ),
    ("residency-replica", changed("coordination", "replicas", UNKNOWN), "replicas"),
    ("residency-replica", changed("coordination", "globalTableWitness", UNKNOWN), "globalTable"),
    (
        "residency-bucket-replication",
        _unlinked("replication-eu-west-1", "rules.0.destination.bucket", "rules"),
        "rules",
    ),
    ("residency-keys", changed("secret", "tags", UNKNOWN), "tags"),
    (
        "residency-bucket-replication",
        _two_destinations("bucket-eu-central-1"),
        "rules[1].destination.bucket",
    ),
    ("residency-keys", _unlinked("encryption-eu-west-1", "bucket", "bucket"), "bucket"),
    ("residency-inference", _model(UNKNOWN), "foundationModel"),
    (
        "residency-inference",
        _model("a.b", modelSource={"copyFrom": UNKNOWN}),
        "modelSource.copyFrom",
    ),
    (
        "residency-inference",
        _model("a.b", variants=[{"modelId": UNKNOWN}]),
        "variants[0].modelId",
    ),
    (
        "residency-inference-role",
        changed("agents", "inlinePolicies", [{"policy": UNKNOWN}]),
        "inlinePolicies[0].policy",
    ),
    ("kill-switch-plain", changed("switch", "tags", UNKNOWN), "tags"),
    *(("kill-switch-only-trips", _attached(token, at, to), at) for token, at, to in UNKNOWN_ROLES),
    ("state-judged", _database("production"), "tags.holdfast:environment"),
    ("residency-inference-permission", changed("switch-policy", "policy", UNKNOWN), "policy"),
    ("kill-switch-present", changed("flag", "item", UNKNOWN), "item"),
    ("kill-switch-present", changed("flag", "item", "{"), "item"),
    ("kill-switch-reachable", changed("switch", "assumeRolePolicy", UNKNOWN), "assumeRolePolicy"),
    ("kill-switch-reachable", changed("switch", "tags", UNKNOWN), "tags"),
    ("kill-switch-only-trips", changed("switch-policy", "policy", UNKNOWN), "policy"),
    ("kill-switch-only-trips", changed("switch-policy", "policy", "x"), "policy"),
    ("kill-switch-alarm", _unlinked("alarm-eu-west-1", "alarmActions", "alarmActions"), "alarmA"),
    ("kill-switch-subscribed", _unlinked("subscription-eu-west-1", "topic", "topic"), "topic"),
    ("table-replicated", changed("coordination", "replicas", UNKNOWN), "replicas"),
    (
        "table-recoverable",
        changed("coordination", "pointInTimeRecovery.enabled", UNKNOWN),
        "pointInTimeRecovery.enabled",
    ),
    (
        "table-deletion-protected",
        changed("coordination", "deletionProtectionEnabled", UNKNOWN),
        "deletionProtectionEnabled",
    ),
    (
        "table-encrypted",
        _unlinked("coordination", "serverSideEncryption.kmsKeyArn", "serverSideEncryption"),
        "serverSideEncryption.kmsKeyArn",
    ),
    (
        "coordination-strong",
        changed("coordination", "replicas.0.consistencyMode", UNKNOWN),
        "replicas[0].consistencyMode",
    ),
    (
        "bucket-versioned",
        changed("versioning-eu-west-1", "versioningConfiguration.status", UNKNOWN),
        "versioningConfiguration.status",
    ),
    ("bucket-versioned", _unlinked("versioning-eu-west-1", "bucket", "bucket"), "bucket"),
    ("bucket-replicated", changed("replication-eu-west-1", "rules", UNKNOWN), "rules"),
    ("bucket-encrypted", changed("encryption-eu-west-1", "rules", UNKNOWN), "rules"),
    ("bucket-deletion-protected", changed("bucket-eu-west-1", "forceDestroy", UNKNOWN), "forceD"),
]


@pytest.mark.parametrize(
    ("rule", "specs", "path"),
    UNDETERMINED,
    ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(UNDETERMINED)],
)
def test_an_unknown_value_is_undetermined_and_so_fails(
    rule: str, specs: dict[str, Spec], path: str
) -> None:
    answers = [violation for _, violation in violations(BY_ID[rule], specs)]
    undetermined = [item for item in answers if item.found.startswith("undetermined")]
    assert undetermined, answers
    assert any(item.at.startswith(path) for item in undetermined), undetermined


def test_every_rule_has_a_mutant_and_an_unknown() -> None:
    assert {rule for rule, *_ in MUTANTS} == set(BY_ID)
    assert {rule for rule, *_ in UNDETERMINED} == set(BY_ID) - NEEDS_NO_VALUE


def test_what_was_found_before_an_unknown_value_is_reported_too() -> None:
    specs = changed("coordination", "pointInTimeRecovery.enabled", value=False)
    specs["coordination"].inputs["replicas"][0]["pointInTimeRecovery"] = UNKNOWN
    found = [item.found for _, item in violations(BY_ID["table-recoverable"], specs)]
    assert len(found) == 2


def test_a_known_reference_is_followed_by_name_and_by_arn() -> None:
    specs = changed(
        "replication-eu-west-1", "rules.0.destination.bucket", "arn:aws:s3:::b-eu-central-1"
    )
    assert violations(BY_ID["bucket-replicated"], specs) == []


def test_what_another_package_manages_is_not_known_either() -> None:
    specs = {"table": Spec("aws-native:dynamodb:GlobalTable", {"region": "us-east-1"})}
    ((_, violation),) = violations(BY_ID["residency-known"], specs)
    assert "aws-native:dynamodb:GlobalTable" in violation.found


def test_a_component_of_another_package_is_no_resource() -> None:
    specs = {"room": Spec("acme:aws:Room", {}, managed=False)}
    assert violations(BY_ID["residency-known"], specs) == []


@pytest.mark.parametrize(
    "resource",
    [
        f"{PROFILES}eu.*",
        f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:inference-profile/eu.a.b",
        "arn:aws:bedrock:eu-west-1::foundation-model/*",
    ],
)
def test_models_of_the_jurisdiction_may_be_called(resource: str) -> None:
    assert violations(BY_ID["residency-inference-permission"], _calls(resource)) == []


def test_a_destination_for_each_unknown_rule_is_enough() -> None:
    specs = _two_destinations("bucket-eu-central-1", "bucket-eu-west-1")
    assert violations(BY_ID["residency-bucket-replication"], specs) == []


def test_a_development_stack_may_keep_state_of_any_kind() -> None:
    assert violations(BY_ID["state-judged"], _database("dev")) == []


def test_a_profile_that_stays_in_the_jurisdiction_is_allowed() -> None:
    assert violations(BY_ID["residency-inference"], _model("eu.anthropic.claude-x")) == []


def test_a_development_stack_may_be_taken_down_again() -> None:
    specs = changed("coordination", "deletionProtectionEnabled", value=False)
    specs["coordination"].inputs["tags"] = tags("coordination-store", environment="dev")
    assert violations(BY_ID["table-deletion-protected"], specs) == []


def test_a_table_of_an_unknown_environment_is_undetermined() -> None:
    specs = changed("coordination", "tags.holdfast:environment", "production")
    ((_, violation),) = violations(BY_ID["table-deletion-protected"], specs)
    assert violation.found.startswith("undetermined")
