"""Every rule in its three answers: compliant, violation, undetermined. Each change is a mutant."""

import re
from collections.abc import Mapping

import pytest

from holdfast.graph import UNKNOWN, Value
from policies.core.kinds import KEY, POLICY, ROLE_ATTACHMENT, TABLE
from policies.core.rule import Rule
from policies.pack import RULES
from policies.world.index import KINDS
from tests.policies.changes import (
    ABSENT,
    DEFAULT_KEY,
    PROFILES,
    TABLE_ARN,
    agents_may,
    attached,
    calls,
    leading_to,
    model,
    switch_may,
    two_destinations,
    writing,
)
from tests.policies.mutants import MUTANTS
from tests.policies.specs import (
    ACCOUNT,
    Spec,
    changed,
    compliant,
    copy_statement,
    document,
    key_policy,
    tags,
    trip_statement,
    use_statement,
    violations,
    without,
)
from tests.policies.test_edits import HARMS
from tests.policies.unknowns import UNDETERMINED
from tests.policies.world.test_judged import WITHOUT_TABLE

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}


@pytest.mark.parametrize("rule", sorted({rule for rule, *_ in MUTANTS}))
def test_a_compliant_stack_violates_nothing(rule: str) -> None:
    assert violations(BY_ID[rule], compliant()) == []


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


NEEDS_NO_VALUE = {"environment-type-known"}
"""Rules that look at nothing but the types of a stack's resources, which are always known."""

READ_FOR_THEM = {
    "audit-log-guarded",
    "identity-actions-known",
    "identity-become",
    "identity-control-plane",
    "identity-escalation",
    "identity-open",
    "identity-scope",
    "observability-alarms-guarded",
    "residency-inference-permission",
    "residency-permission",
    "state-safety-keys-guarded",
    "state-safety-stores-guarded",
}
"""Rules on documents of which one rule alone says that they are not known: `kill-switch-guarded`
of permissions, `identity-policies-known` of what resources say."""


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
    judges = {rule for kind in KINDS.values() for rule in kind.judged.values()}
    judges |= {rule for rule, *_ in WITHOUT_TABLE}
    assert {rule for rule, *_ in MUTANTS} | {harm.rule for harm in HARMS} == set(BY_ID)
    # What a table names as a judge is asked about unknown values in `world/test_judged.py`.
    assert {rule for rule, *_ in UNDETERMINED} | judges >= set(
        BY_ID
    ) - NEEDS_NO_VALUE - READ_FOR_THEM


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
    ((_, violation),) = violations(BY_ID["environment-type-known"], specs)
    assert "aws-native:dynamodb:GlobalTable" in violation.found


def test_what_aws_manages_is_judged_whoever_its_provider_is() -> None:
    specs = {"table": Spec("aws:dynamodb/globalTable:GlobalTable", {}, managed=False)}
    assert violations(BY_ID["environment-type-known"], specs)


@pytest.mark.parametrize("rule", ["residency-region", "residency-replica", "residency-keys"])
def test_what_belongs_to_no_jurisdiction_is_bound_to_none(rule: str) -> None:
    elsewhere = {"region": "us-east-1", "replicas": [{"regionName": "us-west-2"}]}
    specs = {"table": Spec(TABLE, elsewhere, {"serverSideEncryption": ["key"]})}
    specs["key"] = Spec(KEY, {"region": "us-east-1"})
    assert violations(BY_ID[rule], specs) == []


def test_data_of_no_jurisdiction_needs_no_switch_of_its_own() -> None:
    # That it names none is another rule's to say.
    assert violations(BY_ID["kill-switch-present"], changed("secret", "tags", ABSENT)) == []


def test_settings_of_a_bucket_of_another_stack_are_not_ours_to_judge() -> None:
    specs = changed("encryption-eu-west-1", "bucket", "elsewhere")
    assert violations(BY_ID["residency-keys"], specs) == []


def test_a_component_of_another_package_is_no_resource() -> None:
    specs = {"room": Spec("acme:aws:Room", {}, managed=False)}
    assert violations(BY_ID["environment-type-known"], specs) == []


@pytest.mark.parametrize(
    "resource",
    [
        f"{PROFILES}eu.*",
        f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:inference-profile/eu.a.b",
        "arn:aws:bedrock:eu-west-1::foundation-model/*",
    ],
)
def test_models_of_the_jurisdiction_may_be_called(resource: str) -> None:
    assert violations(BY_ID["residency-inference-permission"], calls(resource)) == []


@pytest.mark.parametrize(
    "changes", [{"Action": "s3:GetObject"}, {"Effect": "Deny"}, {"Effect": "Deny", "Action": "*"}]
)
def test_what_calls_no_model_may_name_any_resource(changes: Mapping[str, object]) -> None:
    assert violations(BY_ID["residency-inference-permission"], calls("*", **changes)) == []


def test_a_destination_for_each_unknown_rule_is_enough() -> None:
    specs = two_destinations("bucket-eu-central-1", "bucket-eu-west-1")
    assert violations(BY_ID["residency-bucket-replication"], specs) == []


@pytest.mark.parametrize(
    ("rule", "name", "path"),
    [
        ("table-encrypted", "coordination", "serverSideEncryption.kmsKeyArn"),
        ("bucket-encrypted", "encryption-eu-west-1", DEFAULT_KEY),
    ],
)
def test_a_key_that_is_named_in_full_is_ours_too(rule: str, name: str, path: str) -> None:
    specs = changed(name, path, f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-1")
    del specs[name].references[path.partition(".")[0]]
    assert violations(BY_ID[rule], specs) == []


def test_a_profile_that_stays_in_the_jurisdiction_is_allowed() -> None:
    assert violations(BY_ID["residency-inference"], model("eu.anthropic.claude-x")) == []


@pytest.mark.parametrize("environment", ["dev", "test"])
def test_only_where_state_lasts_has_the_switch_to_be_listened_to(environment: str) -> None:
    specs = without("subscription-eu-west-1", "subscription-eu-central-1")
    for region in ("eu-west-1", "eu-central-1"):
        specs[f"topic-{region}"].inputs["tags"] = tags("kill-switch", environment=environment)
    assert violations(BY_ID["kill-switch-subscribed"], specs) == []


@pytest.mark.parametrize(
    "statements",
    [
        ({"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"},),
        ({**use_statement(), "Resource": "arn:aws:dynamodb:us-east-1:1:table/p-eu-coordination"},),
        ({**use_statement(), "Resource": f"{TABLE_ARN}-of-others"},),
        (use_statement(), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}),
    ],
)
def test_who_cannot_write_the_flag_needs_no_denial(
    statements: tuple[Mapping[str, object], ...],
) -> None:
    assert violations(BY_ID["kill-switch-guarded"], agents_may(*statements)) == []


def test_the_switch_may_be_confined_to_the_attributes_that_tripping_writes() -> None:
    specs = writing("ForAllValues:StringEquals", "by", "epoch", "pk", "reason", "state")
    assert violations(BY_ID["kill-switch-only-trips"], specs) == []


@pytest.mark.parametrize("region", ["eu-west-1", "eu-central-1"])
def test_an_endpoint_may_lead_to_another_region_of_its_jurisdiction(region: str) -> None:
    assert violations(BY_ID["residency-endpoint"], leading_to(region)) == []


def test_the_switch_needs_no_key_where_none_of_ours_encrypts_its_table() -> None:
    specs = switch_may(trip_statement())
    del specs["coordination"].inputs["serverSideEncryption"]
    del specs["coordination"].inputs["replicas"][0]["kmsKeyArn"]
    assert violations(BY_ID["kill-switch-only-trips"], specs) == []


def test_a_policy_of_this_stack_may_be_attached_because_it_is_judged_itself() -> None:
    specs = attached(ROLE_ATTACHMENT, "role", "p-eu-agents", UNKNOWN)
    specs["read"] = Spec(POLICY, {"name": "read", "policy": document()})
    specs["attachment"].references["policyArn"] = ["read"]
    assert violations(BY_ID["kill-switch-attached"], specs) == []
    specs["attachment"].inputs["policyArn"] = f"arn:aws:iam::{ACCOUNT}:policy/read"
    assert violations(BY_ID["kill-switch-attached"], specs) == []


@pytest.mark.parametrize(
    "policy",
    [{"Effect": "Allow", "Action": "dynamodb:GetItem"}, {"Effect": "Deny", "Action": "*"}],
)
def test_a_policy_inside_a_role_may_say_what_writes_no_table(policy: dict[str, object]) -> None:
    specs = changed("agents", "inlinePolicies", [{"policy": document(policy)}])
    assert violations(BY_ID["kill-switch-guarded-inside"], specs) == []


@pytest.mark.parametrize("endpoint", [None, "a@b.example", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"])
def test_a_topic_may_tell_people_and_queues_of_its_jurisdiction(endpoint: Value) -> None:
    specs = changed("subscription-eu-west-1", "endpoint", endpoint)
    assert violations(BY_ID["residency-subscription"], specs) == []


def test_a_hostname_of_each_jurisdiction_leads_to_its_own_load_balancers() -> None:
    specs = changed("balancer-eu-west-1", "tags", tags("ingress", "us"))
    specs["record-eu-west-1"].inputs["name"] = "us.p.example"
    assert violations(BY_ID["residency-hostname"], specs) == []


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "*", "Resource": f"arn:aws:s3:us-east-1:{ACCOUNT}:x"},
        {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b-eu-west-1/*"},
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": f"arn:aws:iam::{ACCOUNT}:role/x",
        },
    ],
)
def test_a_role_may_use_what_lies_in_no_other_jurisdiction(statement: dict[str, object]) -> None:
    assert violations(BY_ID["residency-permission"], agents_may(statement)) == []


def test_a_key_without_copies_or_of_no_jurisdiction_may_have_any_policy() -> None:
    anywhere = key_policy(copying={**copy_statement(), "Condition": {}})
    for path, value in (("multiRegion", False), ("tags", ABSENT)):
        specs = changed("key-home", path, value)
        specs["key-home"].inputs["policy"] = anywhere
        assert violations(BY_ID["residency-key-copies"], specs) == []


@pytest.mark.parametrize(
    ("rule", "name", "path"),
    [
        ("table-recoverable", "coordination", "pointInTimeRecovery.recoveryPeriodInDays"),
        ("key-deletion-protected", "key-home", "deletionWindowInDays"),
    ],
)
def test_other_environments_may_go_back_less_far(rule: str, name: str, path: str) -> None:
    specs = changed(name, path, 1)
    specs[name].inputs["tags"] = tags("any", environment="staging")
    assert violations(BY_ID[rule], specs) == []


def test_a_rule_that_is_off_or_forgets_no_version_keeps_them_all() -> None:
    for path, value in (("rules.0.status", "Disabled"), ("rules.0", {"status": "Enabled"})):
        specs = changed("lifecycle-eu-west-1", path, value)
        if path == "rules.0.status":
            kept = specs["lifecycle-eu-west-1"].inputs["rules"][0]["noncurrentVersionExpiration"]
            kept["noncurrentDays"] = 1
        assert violations(BY_ID["bucket-versions-kept"], specs) == []


def test_any_other_item_of_a_table_may_be_written_again() -> None:
    specs = changed("flag", "item", '{"pk":{"S":"other"}}')
    specs["flag"].ignored = ()
    assert violations(BY_ID["kill-switch-final"], specs) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("comparisonOperator", "GreaterThanThreshold"), ("threshold", 0.5), ("period", 180)],
)
def test_an_alarm_that_goes_off_at_one_in_time_is_heard(path: str, value: Value) -> None:
    specs = changed("alarm-eu-west-1", path, value)
    if path == "comparisonOperator":
        specs["alarm-eu-west-1"].inputs["threshold"] = 0
    assert violations(BY_ID["kill-switch-alarm"], specs) == []


@pytest.mark.parametrize("name", ["policy", "kmsMasterKeyId"])
def test_a_topic_without_a_policy_or_a_key_lets_the_accounts_alarms_publish(name: str) -> None:
    specs = changed("topic-eu-west-1", name, ABSENT)
    assert violations(BY_ID["kill-switch-announced"], specs) == []


def test_a_development_bucket_may_be_emptied_with_its_stack() -> None:
    specs = changed("bucket-eu-west-1", "forceDestroy", value=True)
    specs["bucket-eu-west-1"].inputs["tags"] = tags("geo-store", environment="dev")
    assert violations(BY_ID["bucket-deletion-protected"], specs) == []


def test_a_table_that_decides_nothing_may_be_eventually_consistent() -> None:
    specs = changed("coordination", "replicas.0.consistencyMode", "EVENTUAL")
    specs["coordination"].inputs["tags"] = tags("geo-store")
    assert violations(BY_ID["coordination-strong"], specs) == []


def test_a_development_stack_may_be_taken_down_again() -> None:
    specs = changed("coordination", "deletionProtectionEnabled", value=False)
    specs["coordination"].inputs["tags"] = tags("coordination-store", environment="dev")
    assert violations(BY_ID["table-deletion-protected"], specs) == []


def test_a_table_of_an_unknown_environment_is_undetermined() -> None:
    specs = changed("coordination", "tags.holdfast:environment", "production")
    ((_, violation),) = violations(BY_ID["table-deletion-protected"], specs)
    assert violation.found.startswith("undetermined")
