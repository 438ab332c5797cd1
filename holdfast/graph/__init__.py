"""Runs any Pulumi Python program in process and returns its resource graph.

::

    graph = run(Path("."), "prod")
    for table in graph.of_type("aws:dynamodb/table:Table"):
        print(table.urn, table.region, table.source)

No Pulumi CLI, no plugin and no credentials are needed. ``run`` takes the provider that answers
registrations as an argument: by default a preview that makes nothing.
"""

from holdfast.graph.diff import Change, GraphDiff, NodeChange, diff
from holdfast.graph.golden import to_golden
from holdfast.graph.model import STACK_TYPE, Graph, Node, Options, Source, Timeouts
from holdfast.graph.preview import PLACEHOLDER_ACCOUNT, PLACEHOLDER_REGION, PreviewProvider
from holdfast.graph.provider import Provider, Realised, Registration
from holdfast.graph.runner import run
from holdfast.graph.values import (
    UNKNOWN,
    Archive,
    Asset,
    ResourceReference,
    Secret,
    Unknown,
    Value,
    contains_unknown,
    reveal,
    struct_of,
    values_of,
)

__all__ = [
    "PLACEHOLDER_ACCOUNT",
    "PLACEHOLDER_REGION",
    "STACK_TYPE",
    "UNKNOWN",
    "Archive",
    "Asset",
    "Change",
    "Graph",
    "GraphDiff",
    "Node",
    "NodeChange",
    "Options",
    "PreviewProvider",
    "Provider",
    "Realised",
    "Registration",
    "ResourceReference",
    "Secret",
    "Source",
    "Timeouts",
    "Unknown",
    "Value",
    "contains_unknown",
    "diff",
    "reveal",
    "run",
    "struct_of",
    "to_golden",
    "values_of",
]
