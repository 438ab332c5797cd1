"""What must exist: a program without any one of its resources fails, and so does an empty one."""

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

import pytest

from holdfast.graph import Graph, Node
from policies.pack import RULES
from tests.policies.shipped import findings, graph_of, noticed, stack_of, without_nodes

HARMLESS: Final = {
    "pulumi:providers:aws::aws": (
        "every resource names its region, so another provider of the account does as well"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration::*": (
        "every old version is kept for ever: more to pay, of which the budget tells, and no loss"
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule::*-agents-dns-*": (
        "AWS filters nothing that is asked of a network's own resolver"
    ),
}
"""What nobody misses, by pattern, and why."""


@pytest.mark.slow
def test_a_stack_of_production_without_any_one_resource_fails() -> None:
    graph = graph_of("prod")
    missed = [f"{node.type}::{node.name}" for node in graph.nodes if is_missed(graph, node)]
    assert [one for one in missed if not any(fnmatchcase(one, known) for known in HARMLESS)] == []
    assert all(any(fnmatchcase(one, known) for one in missed) for known in HARMLESS)


def is_missed(graph: Graph, node: Node) -> bool:
    """Whether no rule notices that a resource is gone."""
    # Rules on single resources say of those that are left what they said before: nothing.
    rules = tuple(rule for rule in RULES if rule.on_resource is None)
    return node.custom and not noticed(without_nodes(graph, {node.urn}), rules)


def test_an_empty_program_fails_by_name() -> None:
    empty = replace(graph_of("prod"), nodes=())
    assert [found.rule for found in findings(empty)] == ["contract-exported"]
    assert stack_of(empty).resources == ()
