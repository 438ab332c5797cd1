"""Pure readings of the engine's rules from the messages that the SDK sends.

Each rule is the one in Pulumi's engine (pkg/resource/deploy), where it is named.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast
from urllib.parse import unquote, urlsplit

from pulumi.runtime.proto import alias_pb2, callback_pb2, resource_pb2, source_pb2

from holdfast.graph.model import STACK_TYPE, Node, Options, Source, Timeouts
from holdfast.graph.values import Value, value_of, values_of

Callback: TypeAlias = callback_pb2.Callback
"""A function of the program that the engine may call back."""

StackTrace: TypeAlias = source_pb2.StackTrace
"""Where a program was when it registered something; the innermost frame comes first."""

_Request: TypeAlias = resource_pb2.RegisterResourceRequest


# The SDK's stubs name the modules of these fields wrongly, so the checkers cannot see their types.


def transforms(request: _Request) -> list[Callback]:
    """A registration's own transforms."""
    field: object = getattr(request, "transforms")  # noqa: B009 - untyped as an attribute
    return list(cast("Iterable[Callback]", field))


def aliases(request: _Request | resource_pb2.TransformResourceOptions) -> list[alias_pb2.Alias]:
    """The aliases of a registration, or of the options that a transform sees."""
    field: object = getattr(request, "aliases")  # noqa: B009 - untyped as an attribute
    return list(cast("Iterable[alias_pb2.Alias]", field))


def hooks(request: _Request) -> tuple[str, ...]:
    """Names of the functions that run around a resource's operations, sorted."""
    bound = cast("list[tuple[object, Iterable[str]]]", request.hooks.ListFields())
    return tuple(sorted({name for _, names in bound for name in names}))


def stack_trace(request: _Request | resource_pb2.ReadResourceRequest) -> StackTrace:
    """Where the program was when it registered something."""
    field: object = getattr(request, "stackTrace")  # noqa: B009 - untyped as an attribute
    return cast("StackTrace", field)


def urn(stack: str, project: str, parent: str, type_token: str, name: str) -> str:
    """The engine's name for a resource (``Deployment.generateURN``).

    Args:
        stack: Stack name.
        project: Project name.
        parent: URN of the parent, or empty.
        type_token: The resource's own type.
        name: Logical name.

    Returns:
        A URN whose type is the chain of the parents' types, the stack's left out.
    """
    chain = parent.split("::")[2] if parent else ""
    qualified = type_token if chain in {"", STACK_TYPE} else f"{chain}${type_token}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def inherit(child: _Request, parent: _Request) -> None:
    """Hands a parent's options down in place (``inheritFromParent``)."""
    if not child.deletedWith:
        child.deletedWith = parent.deletedWith
    if not child.HasField("protect") and parent.HasField("protect"):
        child.protect = parent.protect
    if not child.HasField("retainOnDelete") and parent.HasField("retainOnDelete"):
        child.retainOnDelete = parent.retainOnDelete


def options(
    request: _Request, project: str, stack: str, parent_aliases: Iterable[str] = ()
) -> Options:
    """The typed options of a registration.

    Args:
        request: The registration.
        project: Project name.
        stack: Stack name.
        parent_aliases: URNs that its parent had before.
    """
    return Options(
        protect=request.protect,
        delete_before_replace=(
            request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
        ),
        replace_on_changes=tuple(sorted(request.replaceOnChanges)),
        replace_with=tuple(sorted(request.replace_with)),
        replacement_trigger=value_of(request.replacement_trigger),
        ignore_changes=tuple(sorted(request.ignoreChanges)),
        additional_secret_outputs=tuple(sorted(request.additionalSecretOutputs)),
        aliases=_all_aliases(request, project, stack, parent_aliases),
        retain_on_delete=request.retainOnDelete,
        deleted_with=request.deletedWith or None,
        import_id=request.importId or None,
        version=request.version,
        plugin_download_url=request.pluginDownloadURL,
        timeouts=Timeouts(
            create=request.customTimeouts.create,
            update=request.customTimeouts.update,
            delete=request.customTimeouts.delete,
        ),
    )


def property_dependencies(request: _Request) -> Mapping[str, tuple[str, ...]]:
    """Sorted URNs by input property; properties without any are left out."""
    return {
        key: tuple(sorted(set(request.propertyDependencies[key].urns)))
        for key in sorted(request.propertyDependencies)
        if request.propertyDependencies[key].urns
    }


def source(trace: StackTrace, root: Path) -> Source | None:
    """The innermost place of a stack trace that is not inside a Pulumi SDK.

    Args:
        trace: As the SDK sends it.
        root: Project directory, to which a place inside it is relative.
    """
    for frame in trace.frames:
        file = Path(unquote(urlsplit(frame.pc.uri).path))
        if not frame.pc.uri or _is_sdk(file):
            continue
        return place(file, frame.pc.line, root)
    return None


def place(file: Path, line: int, root: Path) -> Source:
    """A place, relative to the project where it lies inside."""
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    return Source(file=shown.as_posix(), line=line)


def with_outputs(node: Node, outputs: Mapping[str, Value]) -> Node:
    """The node with the outputs that a component registered."""
    return replace(node, outputs=outputs)


def provider_inputs(request: _Request) -> dict[str, Value]:
    """Inputs of an explicit provider; its package version is one of them."""
    inputs = values_of(request.object)
    if request.version:
        inputs["version"] = request.version
    if request.pluginDownloadURL:
        inputs["pluginDownloadURL"] = request.pluginDownloadURL
    return inputs


def default_provider_inputs(config: Mapping[str, str], version: str, url: str) -> dict[str, Value]:
    """Inputs of the provider that the engine adds (``newRegisterDefaultProviderEvent``)."""
    inputs: dict[str, Value] = dict(config)
    if version:
        inputs["version"] = version
    if url:
        inputs["pluginDownloadURL"] = url
    return inputs


def default_provider_name(version: str, url: str) -> str:
    """Its logical name (``ProviderRequest.DefaultName``)."""
    base = "default"
    if version:
        base += f"_{version}"
    if url:
        base += f"_{url}"
    return "".join(
        character if character.isascii() and character.isalnum() else "_" for character in base
    )


def provider_id(provider_urn: str) -> str:
    """A provider's id. The engine draws one at random; here the same URN gives the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, provider_urn))


def _all_aliases(
    request: _Request, project: str, stack: str, parent_aliases: Iterable[str]
) -> tuple[str, ...]:
    """Its own aliases, and those times its parent's (``generateAliases``)."""
    own = [_alias(alias, request, project, stack) for alias in aliases(request)]
    before = [(_type_of(one), _name_of(one)) for one in own]
    found = dict.fromkeys(own)
    for parent in parent_aliases:
        for type_token, name in ((request.type, request.name), *before):
            # By convention a child's name begins with its parent's, and began with the former.
            rest = name.removeprefix(_name_of(request.parent))
            shown = name if rest == name else _name_of(parent) + rest
            found[urn(stack, project, parent, type_token, shown)] = None
    return tuple(found)


def _type_of(one: str) -> str:
    return one.split("::")[2].rpartition("$")[2]


def _name_of(one: str) -> str:
    return one.split("::", 3)[3]


def _alias(alias: alias_pb2.Alias, request: _Request, project: str, stack: str) -> str:
    if alias.urn:
        return alias.urn
    spec = alias.spec
    parent = "" if spec.noParent else spec.parentUrn or request.parent
    return urn(
        spec.stack or stack,
        spec.project or project,
        parent,
        spec.type or request.type,
        spec.name or request.name,
    )


def _is_sdk(file: Path) -> bool:
    parts = file.parts
    if "site-packages" not in parts:
        return False
    package = parts[parts.index("site-packages") + 1]
    return package == "pulumi" or package.startswith("pulumi_")
