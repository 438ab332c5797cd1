from dataclasses import replace
from typing import cast

import pytest

from components.aws.geo_store import GeoStoreArgs
from holdfast.errors import ConfigurationError
from holdfast.graph import Node
from tests.components.stacks import SHAPES, STACKS, document, mapping, mappings, nodes

REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
BUCKET = "aws:s3/bucket:Bucket"


def bucket_names(graph: str, law: str) -> dict[str, str]:
    return {
        str(node.region): str(node.inputs["bucket"])
        for node in nodes(graph, BUCKET)
        if mapping(node.inputs["tags"])["holdfast:jurisdiction"] == law
    }


def targets_of(node: Node) -> set[str]:
    """Regions of the buckets that a replication rule depends on, other than its own."""
    found = {
        urn.rpartition("-store-")[2]
        for urn in node.property_dependencies["rules"]
        if urn.partition("$aws:s3/bucket:")[1]
    }
    return found - {str(node.region)}


RIGHT = GeoStoreArgs(
    account_id="123456789012",
    table_name="t",
    bucket_names={"eu-west-1": "a", "eu-central-1": "b"},
    home_region="eu-west-1",
    replication_role_name="r",
    key_alias="alias/k",
    key_arns={},
    recovery_days=7,
    version_days=7,
    protected=True,
    tags={},
)


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_the_table_is_last_writer_wins_with_the_stream_that_replication_reads(graph: str) -> None:
    for node in nodes(graph, "aws:dynamodb/table:Table"):
        if "GeoStore" in node.urn:
            modes = {
                str(replica["consistencyMode"]) for replica in mappings(node.inputs["replicas"])
            }
            assert modes == {"EVENTUAL"}
            assert node.inputs["streamEnabled"] is True
            assert node.inputs["streamViewType"] == "NEW_AND_OLD_IMAGES"


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_every_bucket_copies_to_every_other_one_of_its_jurisdiction(graph: str) -> None:
    for node in nodes(graph, REPLICATION):
        law = node.name.partition("-")[0]
        assert targets_of(node) == set(bucket_names(graph, law)) - {str(node.region)}
        rules = mappings(node.inputs["rules"])
        assert len({str(rule["priority"]) for rule in rules}) == len(rules)
        for rule in rules:
            criteria = mapping(rule["sourceSelectionCriteria"])
            assert mapping(rule["deleteMarkerReplication"])["status"] == "Enabled"
            assert mapping(criteria["replicaModifications"])["status"] == "Enabled"
            assert mapping(criteria["sseKmsEncryptedObjects"])["status"] == "Enabled"


def test_copying_waits_until_both_ends_keep_versions_and_the_role_may_copy() -> None:
    for node in nodes("prod", REPLICATION):
        law = node.name.partition("-")[0]
        versioned = {
            urn.rpartition("-store-")[2] for urn in node.dependencies if "bucketVersioning" in urn
        }
        assert versioned == set(bucket_names("prod", law))
        assert any("rolePolicy" in urn for urn in node.dependencies)


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_the_role_that_copies_reaches_its_own_jurisdictions_buckets_and_keys_only(
    graph: str,
) -> None:
    for node in nodes(graph, "aws:iam/rolePolicy:RolePolicy"):
        if not node.name.endswith("-replication"):
            continue
        buckets = bucket_names(graph, node.name.partition("-")[0])
        allowed = {
            resource
            for statement in document(node)
            for resource in cast("list[str]", statement["Resource"])
        }
        ours = {f"arn:aws:s3:::{name}{rest}" for name in buckets.values() for rest in ("", "/*")}
        keys = {f"arn:aws:kms:{region}:123456789012:key/*" for region in buckets}
        assert allowed == ours | keys
        for statement in document(node):
            if "kms:Decrypt" in str(statement["Action"]):
                assert "kms:ResourceAliases" in str(statement["Condition"])
                assert "kms:ViaService" in str(statement["Condition"])


def test_s3_and_nobody_else_may_take_the_role_and_no_condition_keeps_it_out() -> None:
    # S3 documents no condition key for the role that copies. One that it does not send would make
    # every copy fail, without an error that anybody sees.
    for node in nodes("prod", "aws:iam/role:Role"):
        if node.name.endswith("-replication"):
            (statement,) = document(node, "assumeRolePolicy")
            assert statement["Principal"] == {"Service": ["s3.amazonaws.com"]}
            assert "Condition" not in statement


def test_a_home_that_does_not_serve_or_serves_alone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Its home must serve"):
        replace(RIGHT, home_region="eu-west-3")
    with pytest.raises(ConfigurationError, match="second region"):
        replace(RIGHT, bucket_names={"eu-west-1": "a"})
