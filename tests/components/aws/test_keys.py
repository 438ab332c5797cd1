from typing import cast

import pytest

from components.aws.keys import SERVICES
from holdfast.graph import Node
from tests.components.stacks import STACKS, document, jurisdiction, nodes, preview

KEY = "aws:kms/key:Key"
REPLICA = "aws:kms/replicaKey:ReplicaKey"


def keys(stack: str) -> tuple[Node, ...]:
    graph = preview(stack)
    return (*graph.of_type(KEY), *graph.of_type(REPLICA))


def statement(node: Node, sid: str) -> dict[str, object]:
    return next(dict(found) for found in document(node) if found["Sid"] == sid)


def test_every_region_that_serves_has_a_key_or_a_copy() -> None:
    regions = {node.region for node in keys("prod") if jurisdiction(node)}
    assert regions == {"us-east-1", "us-west-2", "eu-west-1", "eu-central-1"}


@pytest.mark.parametrize("stack", STACKS)
def test_keys_rotate_and_can_be_copied_only_inside_their_jurisdiction(stack: str) -> None:
    for node in nodes(stack, KEY):
        assert node.inputs["enableKeyRotation"] is True
        sids = [found["Sid"] for found in document(node)]
        if jurisdiction(node) is None:
            assert node.inputs["multiRegion"] is False
            assert "CopyItInsideTheJurisdictionOnly" not in sids
            assert "LetKmsKeepTheCopiesAlike" not in sids
            continue
        copies = {
            copy.region
            for copy in preview(stack).of_type(REPLICA)
            if jurisdiction(copy) == jurisdiction(node)
        }
        condition = statement(node, "CopyItInsideTheJurisdictionOnly")["Condition"]
        assert condition == {"StringEquals": {"kms:ReplicaRegion": sorted(copies, key=str)}}


@pytest.mark.parametrize("stack", STACKS)
def test_kms_may_bring_rotated_material_to_every_copy(stack: str) -> None:
    # KMS does so by a role of the account, whose IAM policy counts only where the key's own
    # policy lets the account's policies count.
    for node in keys(stack):
        if jurisdiction(node) is not None:
            found = statement(node, "LetKmsKeepTheCopiesAlike")
            assert found["Action"] == ["kms:SynchronizeMultiRegionKey"]
            assert found["Principal"] == statement(node, "AdministerTheKey")["Principal"]


@pytest.mark.parametrize("stack", STACKS)
def test_data_is_decrypted_only_through_services_of_the_keys_own_jurisdiction(stack: str) -> None:
    for node in keys(stack):
        regions = {key.region for key in keys(stack) if jurisdiction(key) == jurisdiction(node)}
        for sid in ("UseItThroughServicesOnly", "LetServicesKeepUsingIt"):
            condition = cast("dict[str, dict[str, list[str]]]", statement(node, sid)["Condition"])
            assert set(condition["StringEquals"]["kms:ViaService"]) == {
                f"{service}.{region}.amazonaws.com" for service in SERVICES for region in regions
            }
        deciphering = {
            found["Sid"]
            for found in document(node)
            if "kms:Decrypt" in str(found["Action"]) and "Condition" not in found
        }
        assert not deciphering


@pytest.mark.parametrize("stack", STACKS)
def test_a_key_can_always_be_administered_so_that_no_one_is_locked_out(stack: str) -> None:
    for node in keys(stack):
        actions = statement(node, "AdministerTheKey")["Action"]
        assert "kms:PutKeyPolicy" in str(actions)
        assert "kms:CreateGrant" not in str(actions)


def test_every_key_goes_by_one_alias_in_all_its_regions() -> None:
    aliases = preview("prod").of_type("aws:kms/alias:Alias")
    named = {(node.inputs["name"], node.region) for node in aliases}
    assert {region for alias, region in named if "-eu-" in str(alias)} == {
        "eu-west-1",
        "eu-central-1",
    }
    assert len(named) == len(keys("prod"))
