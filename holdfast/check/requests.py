"""Analyzer requests as Pulumi's engine makes them from its own graph.

Measured with CLI 3.260: it shows a pack nothing that the program only looks up, and no aliases.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from holdfast.graph import Graph, Node, Value, reveal, struct_of
from holdfast.graph.model import Timeouts

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a pack is told of a stack before it sees any of its resources.

    Attributes:
        project: Project name.
        stack: Stack name.
        preview: Whether values may be unknown.
        config: Configuration by full key, without secrets.
    """

    project: str
    stack: str
    preview: bool
    config: Mapping[str, str]


def environment(subject: Subject) -> dict[str, str]:
    """What the engine puts into a pack's environment."""
    return {
        "PULUMI_PROJECT": subject.project,
        "PULUMI_STACK": subject.stack,
        "PULUMI_DRY_RUN": "true" if subject.preview else "false",
        "PULUMI_CONFIG": json.dumps(dict(subject.config)),
    }


def configure_request(subject: Subject) -> analyzer_pb2.AnalyzerStackConfigureRequest:
    """What the engine tells a pack that has started before it asks anything."""
    return analyzer_pb2.AnalyzerStackConfigureRequest(
        stack=subject.stack,
        project=subject.project,
        organization="organization",
        dry_run=subject.preview,
        config=dict(subject.config),
    )


def is_judged(node: Node) -> bool:
    """Whether a pack sees a resource: all but those that belong to somebody else."""
    return not node.external


def analyze_request(node: Node, known: Mapping[str, Node]) -> analyzer_pb2.AnalyzeRequest:
    """One resource before it is created: the engine shows its inputs.

    Args:
        node: The resource.
        known: Its provider, by URN, among others.
    """
    return analyzer_pb2.AnalyzeRequest(
        type=node.type,
        properties=_struct(node.inputs),
        urn=node.urn,
        name=node.name,
        options=_options(node),
        provider=_provider(node, known),
    )


def stack_request(graph: Graph) -> analyzer_pb2.AnalyzeStackRequest:
    """The whole stack: the engine shows what came out of each resource."""
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=node.type,
                properties=_struct(node.outputs),
                urn=node.urn,
                name=node.name,
                options=_options(node),
                provider=_provider(node, graph.by_urn),
                parent=node.parent or "",
                dependencies=node.dependencies,
                propertyDependencies={
                    name: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                    for name, urns in node.property_dependencies.items()
                },
            )
            for node in filter(is_judged, graph.nodes)
        ]
    )


def _struct(values: Mapping[str, Value]) -> struct_pb2.Struct:
    # Like the engine, which shows policies the plain text of secrets.
    return struct_of({name: reveal(value) for name, value in values.items()})


def _options(node: Node) -> analyzer_pb2.AnalyzerResourceOptions:
    options = node.options
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=options.protect,
        ignoreChanges=options.ignore_changes,
        deleteBeforeReplace=options.delete_before_replace or False,
        deleteBeforeReplaceDefined=options.delete_before_replace is not None,
        additionalSecretOutputs=options.additional_secret_outputs,
        customTimeouts=_timeouts(options.timeouts),
        parent=node.parent or "",
    )


def _timeouts(timeouts: Timeouts) -> analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts:
    return analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(
        create=_seconds(timeouts.create),
        update=_seconds(timeouts.update),
        delete=_seconds(timeouts.delete),
    )


def _seconds(text: str) -> float:
    """Go's duration (``1h30m``) in seconds."""
    total, number = 0.0, ""
    for character in text:
        if character in _UNITS_S:
            total += float(number or 0) * _UNITS_S[character]
            number = ""
        else:
            number += character
    return total


def _provider(
    node: Node, known: Mapping[str, Node]
) -> analyzer_pb2.AnalyzerProviderResource | None:
    provider = known.get(node.provider or "")
    if provider is None:
        return None
    return analyzer_pb2.AnalyzerProviderResource(
        type=provider.type,
        properties=_struct(provider.inputs),
        urn=provider.urn,
        name=provider.name,
    )
