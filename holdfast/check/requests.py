"""Analyzer requests as Pulumi's engine makes them from its own graph.

Measured with CLI 3.260: it shows a pack nothing that the program only looks up, and no aliases.
"""

from collections.abc import Mapping

from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from holdfast.graph import Graph, Node, Value, reveal, struct_of
from holdfast.graph.model import Timeouts

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


def configure_request(graph: Graph) -> analyzer_pb2.AnalyzerStackConfigureRequest:
    """What the engine tells a pack about the stack before it asks anything."""
    return analyzer_pb2.AnalyzerStackConfigureRequest(
        stack=graph.stack,
        project=graph.project,
        organization="organization",
        dry_run=graph.preview,
        config=dict(graph.config),
    )


def judged(graph: Graph) -> tuple[Node, ...]:
    """The resources that a pack sees: all but those that belong to somebody else."""
    return tuple(node for node in graph.nodes if not node.external)


def analyze_request(graph: Graph, node: Node) -> analyzer_pb2.AnalyzeRequest:
    """One resource before it is created: the engine shows its inputs."""
    return analyzer_pb2.AnalyzeRequest(
        type=node.type,
        properties=_struct(node.inputs),
        urn=node.urn,
        name=node.name,
        options=_options(node),
        provider=_provider(graph, node),
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
                provider=_provider(graph, node),
                parent=node.parent or "",
                dependencies=node.dependencies,
                propertyDependencies={
                    name: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                    for name, urns in node.property_dependencies.items()
                },
            )
            for node in judged(graph)
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


def _provider(graph: Graph, node: Node) -> analyzer_pb2.AnalyzerProviderResource | None:
    provider = graph.by_urn.get(node.provider or "")
    if provider is None:
        return None
    return analyzer_pb2.AnalyzerProviderResource(
        type=provider.type,
        properties=_struct(provider.inputs),
        urn=provider.urn,
        name=provider.name,
    )
