import asyncio
from collections.abc import Callable
from dataclasses import replace

import pulumi
import pytest

from holdfast.graph import UNKNOWN, Graph, Node, Value
from tests.components import promises
from tests.components.promises import STATEFUL, given, managed, with_fault
from tests.components.stacks import SHAPES, STACKS, deployed, mapping, mappings, preview

GRAPHS = (*STACKS, *SHAPES)
Check = Callable[[Graph], list[str]]
CHECKS: tuple[Check, ...] = (
    promises.outside_components,
    promises.unregistered,
    promises.unplaced,
    promises.abroad,
    promises.untagged,
    promises.too_wide,
    promises.unrecoverable,
    promises.in_the_clear,
)
PROTECTED = {"prod", "staging", "three-serving", "europe-only", "six-serving"}

TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
KEYS = "holdfast:aws:Keys"


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_graph_keeps_every_promise(check: Check, graph: str) -> None:
    assert check(preview(graph)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_property_is_one_that_the_sdk_knows(stack: str) -> None:
    assert promises.misspelled(deployed(stack)) == []


@pytest.mark.parametrize(
    "fault",
    [given(billingmode="PAY_PER_REQUEST"), given(serverSideEncryption={"enable": True})],
)
def test_a_misspelled_property_is_found_at_any_depth(fault: Callable[[Node], Node]) -> None:
    assert promises.misspelled(with_fault(deployed("prod"), TABLE, fault)) != []


@pytest.mark.parametrize("graph", GRAPHS)
def test_what_holds_state_is_protected_exactly_where_the_environment_says_so(graph: str) -> None:
    expected = graph in PROTECTED
    assert promises.unprotected(preview(graph), expected=expected) == []
    protected = {node.type for node in managed(preview(graph)) if node.options.protect}
    assert protected == (STATEFUL if expected else set())


def test_an_output_in_a_string_would_have_failed_these_previews() -> None:
    async def written() -> str:
        return str(pulumi.Output.from_input("text"))

    with pytest.raises(Exception, match="__str__ on an Output"):
        asyncio.run(written())


def first_replica(**inputs: Value) -> Callable[[Node], Node]:
    def fault(node: Node) -> Node:
        first, *rest = mappings(node.inputs["replicas"])
        changed = {k: v for k, v in {**first, **inputs}.items() if v is not None}
        return replace(node, inputs={**node.inputs, "replicas": [changed, *rest]})

    return fault


def without_tag(tag: str) -> Callable[[Node], Node]:
    def fault(node: Node) -> Node:
        tags = {key: value for key, value in mapping(node.inputs["tags"]).items() if key != tag}
        return replace(node, inputs={**node.inputs, "tags": tags})

    return fault


def rewritten(key: str, old: str, new: str) -> Callable[[Node], Node]:
    def fault(node: Node) -> Node:
        text = node.inputs[key]
        assert isinstance(text, str)
        assert old in text
        return replace(node, inputs={**node.inputs, key: text.replace(old, new, 1)})

    return fault


def gone(node: Node) -> None:
    del node


def moved_out(node: Node) -> Node:
    return replace(node, parent=None)


def released(node: Node) -> Node:
    return replace(node, options=replace(node.options, protect=False))


def silent(node: Node) -> Node:
    return replace(node, outputs={})


ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
SSE = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"

MUTANTS: tuple[tuple[Check, str, Callable[[Node], Node | None]], ...] = (
    (promises.outside_components, TABLE, moved_out),
    (promises.unregistered, KEYS, silent),
    (promises.unplaced, "aws:sns/topic:Topic", given(region=None)),
    (promises.abroad, TABLE, given(region="us-east-1")),
    (promises.abroad, TABLE, first_replica(regionName="us-west-2")),
    # London votes in the EU's set, but does not lie in the EU.
    (promises.abroad, TABLE, given(globalTableWitness={"regionName": "eu-west-2"})),
    (promises.untagged, BUCKET, without_tag("holdfast:jurisdiction")),
    (promises.untagged, TABLE, without_tag("holdfast:component")),
    (promises.too_wide, ROLE_POLICY, given(policy=UNKNOWN)),
    (promises.too_wide, ROLE_POLICY, rewritten("policy", '"s3:GetObject"', '"s3:*"')),
    (promises.too_wide, ROLE_POLICY, rewritten("policy", '"arn:aws:dynamodb', '"*", "arn:aws:dyn')),
    (
        promises.too_wide,
        ROLE_POLICY,
        rewritten("policy", '"Condition": {"StringEquals": {"cl', '"No": {"StringEquals": {"cl'),
    ),
    (
        promises.too_wide,
        "aws:iam/role:Role",
        rewritten("assumeRolePolicy", '"Service": ["pods.eks.amazonaws.com"]', '"AWS": ["*"]'),
    ),
    (promises.unrecoverable, TABLE, given(pointInTimeRecovery={"enabled": False})),
    (promises.unrecoverable, TABLE, first_replica(pointInTimeRecovery=None)),
    (promises.unrecoverable, TABLE, given(replicas=[])),
    (promises.unrecoverable, VERSIONING, gone),
    (promises.unrecoverable, VERSIONING, given(versioningConfiguration={"status": "Suspended"})),
    (promises.unrecoverable, "aws:s3/bucketReplicationConfig:BucketReplicationConfig", gone),
    (promises.in_the_clear, TABLE, given(serverSideEncryption=None)),
    (promises.in_the_clear, TABLE, first_replica(kmsKeyArn=None)),
    (promises.in_the_clear, SSE, gone),
    (promises.in_the_clear, "aws:ssm/parameter:Parameter", given(keyId=None)),
)


@pytest.mark.parametrize(("check", "token", "fault"), MUTANTS)
def test_a_graph_with_one_fault_breaks_its_promise(
    check: Check, token: str, fault: Callable[[Node], Node | None]
) -> None:
    assert check(with_fault(preview("prod"), token, fault)) != []


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        (TABLE, given(deletionProtectionEnabled=False)),
        (TABLE, first_replica(deletionProtectionEnabled=False)),
        (BUCKET, given(forceDestroy=True)),
        ("aws:secretsmanager/secret:Secret", given(recoveryWindowInDays=0)),
        (BUCKET, released),
    ],
)
def test_a_store_that_could_be_deleted_is_found(
    token: str, fault: Callable[[Node], Node | None]
) -> None:
    assert promises.unprotected(with_fault(preview("prod"), token, fault), expected=True) != []
