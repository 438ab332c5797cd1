import itertools

import pytest

from tests.components.stacks import STACKS, document, mapping, mappings, nodes, preview

PREFIX = "aws:s3/bucket"


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_public_and_no_access_list_counts(stack: str) -> None:
    graph = preview(stack)
    for node in nodes(stack, f"{PREFIX}PublicAccessBlock:BucketPublicAccessBlock"):
        switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls")
        assert all(node.inputs[name] is True for name in (*switches, "restrictPublicBuckets"))
    for node in nodes(stack, f"{PREFIX}OwnershipControls:BucketOwnershipControls"):
        assert mapping(node.inputs["rule"])["objectOwnership"] == "BucketOwnerEnforced"
    kinds = ("PublicAccessBlock:Bucket", "OwnershipControls:Bucket", "Policy:Bucket")
    buckets = len(graph.of_type(f"{PREFIX}:Bucket"))
    for kind in kinds:
        name = kind.partition(":")[0]
        assert len(graph.of_type(f"{PREFIX}{kind}{name}")) == buckets


@pytest.mark.parametrize("stack", STACKS)
def test_clear_text_and_any_encryption_but_the_default_are_refused(stack: str) -> None:
    for node in nodes(stack, f"{PREFIX}Policy:BucketPolicy"):
        statements = document(node)
        assert {statement["Effect"] for statement in statements} == {"Deny"}
        conditions = [statement["Condition"] for statement in statements]
        assert {"Bool": {"aws:SecureTransport": ["false"]}} in conditions
        for header in (
            "s3:x-amz-server-side-encryption",
            "s3:x-amz-server-side-encryption-customer-algorithm",
        ):
            assert {"Null": {header: ["false"]}} in conditions


@pytest.mark.parametrize("stack", STACKS)
def test_old_versions_are_kept_as_long_as_the_environment_says(stack: str) -> None:
    days = {"dev": 1, "test": 1, "staging": 7, "prod": 90}[stack]
    token = f"{PREFIX}LifecycleConfiguration:BucketLifecycleConfiguration"
    for node in nodes(stack, token):
        (rule,) = mappings(node.inputs["rules"])
        assert mapping(rule["noncurrentVersionExpiration"])["noncurrentDays"] == days
        assert "expiration" not in rule


def test_every_object_is_encrypted_by_default_with_the_jurisdictions_key() -> None:
    kind = "ServerSideEncryptionConfiguration"
    for node in nodes("prod", f"{PREFIX}{kind}:Bucket{kind}"):
        (rule,) = mappings(node.inputs["rules"])
        assert rule["blockedEncryptionTypes"] == ["SSE-C"]
        default = mapping(rule["applyServerSideEncryptionByDefault"])
        assert default["sseAlgorithm"] == "aws:kms"
        keys = [urn for urn in node.property_dependencies["rules"] if "aws:kms/" in urn]
        assert [urn.rpartition("::")[2].partition("-keys-")[2] for urn in keys] == [node.region]


@pytest.mark.parametrize("stack", STACKS)
def test_a_buckets_access_is_changed_by_one_resource_after_the_other(stack: str) -> None:
    # S3 answers 409 to two of them at once.
    kinds = ("PublicAccessBlock", "OwnershipControls", "Policy")
    for before, after in itertools.pairwise(kinds):
        for node in nodes(stack, f"{PREFIX}{after}:Bucket{after}"):
            waited = [urn for urn in node.dependencies if f"Bucket{before}::" in urn]
            assert [urn.rpartition("::")[2] for urn in waited] == [node.name]
