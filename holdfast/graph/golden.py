"""A graph as text that is kept in the repository and reviewed like code.

Guarantees:
    The same program gives the same bytes on every machine and every run: sorted, without
    line numbers, without package versions, without secrets.

Does not guarantee:
    That it can be read back: a golden is compared, not loaded.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields

from holdfast.graph.model import Graph, Node, Options
from holdfast.graph.values import (
    Archive,
    Asset,
    ResourceReference,
    Secret,
    Unknown,
    Value,
)

# They change with every release of an SDK, and with nothing that a reviewer decides.
_PACKAGE_OPTIONS = {"version", "plugin_download_url"}
_PROVIDER_PREFIX = "pulumi:providers:"


def to_golden(graph: Graph) -> str:
    """The graph as indented JSON with a final newline.

    Args:
        graph: Any graph; goldens are usually made from previews.

    Returns:
        One object per resource, sorted by URN. Unknowns read ``<unknown>``, secrets
        ``<secret>``; defaults and empty parts are left out.
    """
    document = {
        "project": graph.project,
        "stack": graph.stack,
        "resources": {_shown_urn(node): _node(node) for node in graph.nodes},
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _node(node: Node) -> dict[str, object]:
    parts: dict[str, object] = {
        "inputs": {
            key: plain(value)
            for key, value in node.inputs.items()
            if not (node.type.startswith(_PROVIDER_PREFIX) and key == "version")
        },
        # A provider's answer repeats the inputs; what a component shows is its own.
        "outputs": {} if node.custom else {key: plain(v) for key, v in node.outputs.items()},
        "parent": node.parent,
        "dependencies": list(node.dependencies),
        "propertyDependencies": {
            key: list(urns) for key, urns in node.property_dependencies.items()
        },
        "options": _options(node.options),
        "region": node.region,
        "source": None if node.source is None else node.source.file,
    }
    return {key: value for key, value in parts.items() if value not in (None, [], {})}


def _options(options: Options) -> dict[str, object]:
    default = Options()
    shown: dict[str, object] = {}
    for option in fields(options):
        value: object = getattr(options, option.name)
        if option.name in _PACKAGE_OPTIONS or value == getattr(default, option.name):
            continue
        # JSON writes a tuple as a list.
        shown[option.name] = value
    if options.replacement_trigger is not None:
        shown["replacement_trigger"] = plain(options.replacement_trigger)
    timeouts = {
        key: value
        for key, value in (
            ("create", options.timeouts.create),
            ("update", options.timeouts.update),
            ("delete", options.timeouts.delete),
        )
        if value
    }
    shown.pop("timeouts", None)
    return {**shown, "timeouts": timeouts} if timeouts else shown


def plain(value: Value) -> object:  # noqa: PLR0911 - one per kind of value
    """A value as JSON for people: secrets and unknowns by name, never by content."""
    if isinstance(value, Secret):
        return "<secret>"
    if isinstance(value, Unknown):
        return "<unknown>"
    if isinstance(value, ResourceReference):
        return f"<resource {value.urn}>"
    if isinstance(value, Asset | Archive):
        return f"<{type(value).__name__.lower()} {value.path or value.uri or 'inline'}>"
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def _shown_urn(node: Node) -> str:
    if node.type.startswith(_PROVIDER_PREFIX) and node.source is None:
        # The engine puts the package version into a default provider's name.
        return f"{node.urn.rpartition('::')[0]}::default"
    return node.urn
