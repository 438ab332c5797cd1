"""The tokens and property names that rules read, beside the installed SDK."""

import importlib
import inspect
import pkgutil
import re
import sys
from functools import cache
from pathlib import Path

import pulumi
import pulumi_aws
import pytest

import policies
from policies.core import kinds

SOURCE = "\n".join(
    path.read_text() for path in sorted(Path(policies.__file__).parent.rglob("*.py"))
)
TOKENS = sorted(set(re.findall(r'"(aws:[^"/]+/[^"]+:[^"]+)"', SOURCE)))

# Properties that rules read, by the type of resource or of the object inside it.
READ: dict[str, tuple[str, ...]] = {
    kinds.TABLE: (
        "deletionProtectionEnabled",
        "globalTableWitness",
        "name",
        "pointInTimeRecovery",
        "region",
        "replicas",
        "serverSideEncryption",
        "tags",
    ),
    kinds.TABLE_ITEM: ("hashKey", "item", "tableName"),
    kinds.BUCKET: ("bucket", "forceDestroy", "region", "tags"),
    kinds.BUCKET_VERSIONING: ("bucket", "versioningConfiguration"),
    kinds.BUCKET_REPLICATION: ("bucket", "rules"),
    kinds.BUCKET_ENCRYPTION: ("bucket", "rules"),
    kinds.BUCKET_LIFECYCLE: ("bucket", "rules"),
    kinds.KEY: ("deletionWindowInDays", "isEnabled", "multiRegion", "policy", "region", "tags"),
    kinds.REPLICA_KEY: ("enabled", "policy", "primaryKeyArn", "region", "tags"),
    kinds.ROLE: (
        "assumeRolePolicy",
        "inlinePolicies",
        "managedPolicyArns",
        "name",
        "permissionsBoundary",
        "tags",
    ),
    kinds.ROLE_POLICY: ("policy", "role"),
    kinds.POLICY: ("policy", "tags"),
    kinds.USER_POLICY: ("policy",),
    kinds.GROUP_POLICY: ("policy",),
    kinds.ROLE_ATTACHMENT: ("policyArn", "role"),
    kinds.ROLE_ATTACHMENTS_EXCLUSIVE: ("policyArns", "roleName"),
    kinds.POLICY_ATTACHMENT: ("policyArn", "roles"),
    kinds.ALARM: (
        "actionsEnabled",
        "alarmActions",
        "comparisonOperator",
        "dimensions",
        "evaluationPeriods",
        "metricName",
        "namespace",
        "period",
        "region",
        "tags",
        "threshold",
        "treatMissingData",
    ),
    kinds.TOPIC: ("kmsMasterKeyId", "name", "policy", "region", "tags"),
    kinds.TOPIC_SUBSCRIPTION: ("endpoint", "topic"),
    kinds.LOAD_BALANCER: ("region", "tags"),
    kinds.RECORD: ("aliases", "name", "records"),
    kinds.SECRET: ("kmsKeyId", "region", "replicas", "tags"),
    kinds.VPC_ENDPOINT: ("region", "serviceRegion"),
    kinds.BEDROCK[0]: ("foundationModel",),
    kinds.BEDROCK[1]: ("knowledgeBaseConfiguration",),
    kinds.BEDROCK[2]: ("variants",),
    kinds.BEDROCK[3]: ("modelSource",),
}
NESTED: dict[str, tuple[str, ...]] = {
    "dynamodb.TableReplicaArgs": (
        "consistency_mode",
        "deletion_protection_enabled",
        "kms_key_arn",
        "point_in_time_recovery",
        "region_name",
    ),
    "dynamodb.TableGlobalTableWitnessArgs": ("region_name",),
    "dynamodb.TablePointInTimeRecoveryArgs": ("enabled", "recovery_period_in_days"),
    "s3.BucketLifecycleConfigurationRuleArgs": ("noncurrent_version_expiration", "status"),
    "s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs": ("noncurrent_days",),
    "dynamodb.TableServerSideEncryptionArgs": ("enabled", "kms_key_arn"),
    "s3.BucketVersioningVersioningConfigurationArgs": ("status",),
    "s3.BucketReplicationConfigRuleArgs": (
        "destination",
        "filter",
        "prefix",
        "source_selection_criteria",
        "status",
    ),
    "s3.BucketReplicationConfigRuleFilterArgs": ("and_", "prefix", "tag"),
    "s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs": ("sse_kms_encrypted_objects",),
    "s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs": ("status",),
    "s3.BucketReplicationConfigRuleDestinationArgs": ("bucket", "encryption_configuration"),
    "s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs": ("replica_kms_key_id",),
    "s3.BucketServerSideEncryptionConfigurationRuleArgs": (
        "apply_server_side_encryption_by_default",
    ),
    "s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs": (
        "kms_master_key_id",
        "sse_algorithm",
    ),
    "secretsmanager.SecretReplicaArgs": ("region",),
}


@cache
def _classes() -> dict[str, type[pulumi.CustomResource]]:
    """Every resource class of the SDK by its token, for the services that rules name."""
    found: dict[str, type[pulumi.CustomResource]] = {}
    for service in sorted({token.split(":")[1].partition("/")[0] for token in TOKENS}):
        package = importlib.import_module(f"pulumi_aws.{service}")
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"pulumi_aws.{service}.{info.name}")
            source = inspect.getsource(module)
            for token in re.findall(r"'(aws:[^']+:[^']+)',\s+resource_name", source):
                # A module of an old name registers under the new one's token.
                if hasattr(module, token.rpartition(":")[2]):
                    found[token] = getattr(module, token.rpartition(":")[2])
    return found


def _inputs(token: str) -> set[str]:
    create: object = getattr(_classes()[token], "_internal_init")  # noqa: B009 - undeclared
    assert callable(create)
    return set(inspect.signature(create).parameters)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.slow
@pytest.mark.parametrize("token", TOKENS)
def test_every_type_token_exists(token: str) -> None:
    assert token in _classes()


@pytest.mark.parametrize("token", [*kinds.DATA, kinds.TOPIC, *kinds.KEYS])
def test_whatever_must_carry_the_tag_can_carry_it(token: str) -> None:
    assert {"tags", "region"} <= _inputs(token)


@pytest.mark.parametrize("token", READ)
def test_every_property_that_a_rule_reads_exists(token: str) -> None:
    missing = {_snake(name) for name in READ[token]} - _inputs(token)
    assert not missing


@pytest.mark.parametrize("token", kinds.COPIES)
def test_every_property_that_ties_a_store_to_another_exists(token: str) -> None:
    missing = {_snake(name) for name in kinds.COPIES[token]} - _inputs(token)
    assert not missing


def test_replaceable_data_is_data_and_nothing_is_both_data_and_neutral() -> None:
    assert set(kinds.REPLACEABLE) < set(kinds.DATA)
    assert not kinds.NEUTRAL & {*kinds.DATA, *kinds.CARRIERS, *kinds.BEDROCK}
    assert not [token for token in kinds.DATA if token.startswith(kinds.NEUTRAL_SERVICES)]


@pytest.mark.parametrize("name", NESTED)
def test_every_nested_property_that_a_rule_reads_exists(name: str) -> None:
    service, _, args = name.partition(".")
    importlib.import_module(f"pulumi_aws.{service}")
    cls = getattr(getattr(pulumi_aws, service), args)
    missing = set(NESTED[name]) - set(inspect.signature(cls.__init__).parameters)
    assert not missing


def test_no_module_hides_one_of_the_standard_library() -> None:
    # The engine starts the pack with its directory first on the import path.
    names = {path.stem for path in Path(policies.__file__).parent.rglob("*.py")}
    assert not (names - {"__init__", "__main__"}) & sys.stdlib_module_names


def test_no_rule_reads_a_property_that_this_test_does_not_know() -> None:
    known = {_snake(name) for names in READ.values() for name in names}
    known |= {name for names in NESTED.values() for name in names}
    calls = r'\.(?:text|flag|number|texts|object|objects|is_unknown|is_given|at)\("([A-Za-z]+)"\)'
    pointers = r'(?:\.targets|statements)\([\w.]+, "([A-Za-z]+)"'
    read = {_snake(name) for name in re.findall(calls, SOURCE) + re.findall(pointers, SOURCE)}
    assert read <= known
    assert len(read) > 20
