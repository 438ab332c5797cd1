from dataclasses import replace

import pytest

from components.aws.coordination_store import CoordinationStoreArgs
from holdfast.errors import ConfigurationError
from holdfast.graph import Node
from tests.components.stacks import SHAPES, STACKS, mapping, mappings, nodes


def tables(graph: str) -> list[Node]:
    return [
        node for node in nodes(graph, "aws:dynamodb/table:Table") if "CoordinationStore" in node.urn
    ]


RIGHT = CoordinationStoreArgs(
    table_name="t",
    home_region="eu-west-1",
    replica_regions=("eu-central-1",),
    witness_region="eu-west-3",
    key_arns={},
    recovery_days=7,
    protected=True,
    tags={},
)


@pytest.mark.parametrize("graph", [*STACKS, *SHAPES])
def test_every_replica_is_strong_and_there_are_three_votes(graph: str) -> None:
    for node in tables(graph):
        replicas = mappings(node.inputs["replicas"])
        assert {str(replica["consistencyMode"]) for replica in replicas} == {"STRONG"}
        votes = [node.inputs["region"], *(replica["regionName"] for replica in replicas)]
        if witness := node.inputs.get("globalTableWitness"):
            votes.append(mapping(witness)["regionName"])
        assert len(votes) == len({str(vote) for vote in votes}) == 3


def test_three_regions_that_serve_need_no_witness() -> None:
    (node,) = tables("three-serving")
    assert "globalTableWitness" not in node.inputs


@pytest.mark.parametrize(
    ("replicas", "witness"),
    [
        (("eu-central-1",), None),
        (("eu-central-1", "eu-north-1"), "eu-west-3"),
        ((), "eu-west-3"),
        (("eu-central-1",), "eu-west-1"),
        (("eu-west-1",), "eu-west-3"),
    ],
)
def test_other_than_three_different_votes_are_refused(
    replicas: tuple[str, ...], witness: str | None
) -> None:
    with pytest.raises(ConfigurationError, match="exactly 3 different regions"):
        replace(RIGHT, replica_regions=replicas, witness_region=witness)
    replace(RIGHT, replica_regions=("eu-central-1", "eu-north-1"), witness_region=None)


def test_the_table_uses_nothing_that_a_strong_table_cannot_have() -> None:
    for node in tables("prod"):
        assert not {"ttl", "localSecondaryIndexes"} & set(node.inputs)
        assert node.inputs["attributes"] == [{"name": "pk", "type": "S"}]
        assert node.inputs["hashKey"] == "pk"
        assert "rangeKey" not in node.inputs
