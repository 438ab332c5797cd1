"""Every rule in its three answers: compliant, violation, undetermined. Each change is a mutant."""

import re
from collections.abc import Mapping

import pytest

from holdfast.graph import UNKNOWN, Value
from policies.kinds import BEDROCK, ROLE_ATTACHMENT
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


def _attached() -> dict[str, Spec]:
    attachment = Spec(ROLE_ATTACHMENT, {"role": "p-eu-kill-switch", "policyArn": "arn:x"})
    return {**compliant(), "attachment": attachment}


TAG = "tags.holdfast:jurisdiction"
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
    ("residency-inference", _model("global.anthropic.claude-x"), "agent", "`global.`"),
    ("residency-inference", _model("us.anthropic.claude-x"), "agent", "`us.`"),
    (
        "residency-inference",
        _model("anthropic.claude-x", tags=tags("agents", None)),
        "agent",
        "is missing",
    ),
    (
        "residency-inference-permission",
        _trip(Resource=f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:inference-profile/global.a.b"),
        "switch-policy",
        "`global.`",
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
    ("kill-switch-reachable", _trust(Principal={}), "switch", "nobody outside"),
    ("kill-switch-reachable", _trust(Principal="*", Condition={}), "switch", "everybody"),
    ("kill-switch-reachable", _trust(Condition={}), "switch", "everybody"),
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
    ("kill-switch-only-trips", _attached(), "switch", "attaches another policy"),
    (
        "kill-switch-only-trips",
        changed("switch", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        "switch",
        "managedPolicyArns",
    ),
    ("kill-switch-alarm", without("alarm-eu-central-1"), "coordination", "no alarm"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "alarmActions", []), "alarm", "no topic"),
    ("kill-switch-alarm", changed("alarm-eu-west-1", "actionsEnabled", value=False), "al", "off"),
    (
        "kill-switch-alarm",
        _relinked("alarm-eu-west-1", "alarmActions", "topic-eu-central-1"),
        "alarm",
        "no topic of its region",
    ),
    ("kill-switch-subscribed", without("subscription-eu-west-1"), "topic-eu-west-1", "nobody"),
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
    ("residency-inference", _model(UNKNOWN), "foundationModel"),
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
    assert {rule for rule, *_ in UNDETERMINED} == set(BY_ID)


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
