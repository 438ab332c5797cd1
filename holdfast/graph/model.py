"""The resource graph of one Pulumi stack, frozen and typed.

Guarantees:
    URNs are unique and computed as Pulumi's engine computes them. Nodes are sorted by URN, so
    two runs of one program give equal graphs.

Does not guarantee:
    That anything exists: a graph says what a program registered, and what its provider answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

from holdfast.errors import GraphError
from holdfast.graph.values import Unknown, Value

STACK_TYPE = "pulumi:pulumi:Stack"
"""Type of the root component of every stack."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a program.

    Attributes:
        file: Path relative to the project where it lies inside, absolute otherwise.
        line: Line number, from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """How long the provider may take, as Pulumi writes it (``5m``). Empty for its default."""

    create: str = ""
    update: str = ""
    delete: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """A resource's options, after inheritance from its parent and after transforms.

    Attributes:
        protect: Whether the engine refuses to delete it.
        delete_before_replace: None when the program leaves it to the provider.
        replace_on_changes: Property paths whose change replaces the resource.
        replace_with: URNs of resources whose replacement replaces this one too.
        replacement_trigger: A value whose change replaces it.
        ignore_changes: Property paths whose change is ignored.
        additional_secret_outputs: Outputs that are secret whatever the provider says.
        aliases: URNs that this resource had before.
        retain_on_delete: Whether deleting it leaves the real thing behind.
        deleted_with: URN of a resource whose deletion takes this one along.
        import_id: Physical id of an existing thing to adopt.
        version: Version of the provider package.
        plugin_download_url: Where the provider's plugin comes from.
        timeouts: Limits given to the provider.
    """

    protect: bool = False
    delete_before_replace: bool | None = None
    replace_on_changes: tuple[str, ...] = ()
    replace_with: tuple[str, ...] = ()
    replacement_trigger: Value = None
    ignore_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    retain_on_delete: bool = False
    deleted_with: str | None = None
    import_id: str | None = None
    version: str = ""
    plugin_download_url: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One resource.

    Attributes:
        urn: The engine's name for it.
        type: Type token, such as ``aws:dynamodb/table:Table``.
        name: Logical name.
        custom: Whether a provider manages it. False for components and the stack.
        external: Whether the program only reads it (``Table.get``).
        id: Physical id; None for a component, ``UNKNOWN`` before it exists.
        inputs: What the program asked for.
        outputs: What the provider answered, or what a component registered.
        parent: URN of the parent; None for the stack and for default providers.
        dependencies: URNs that must exist first, sorted.
        property_dependencies: The same by input property; only properties that have some.
        options: Resource options.
        provider: URN of the provider resource that manages it; None for a component.
        region: Region it is placed in: its own ``region``, else its provider's, else the
            stack's configuration. None where there is none, or where it is unknown.
        source: Where the program creates it; None for what the engine adds.
    """

    urn: str
    type: str
    name: str
    custom: bool
    external: bool = False
    id: str | Unknown | None
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    parent: str | None
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    options: Options
    provider: str | None
    region: str | None
    source: Source | None


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What one run of one program registered.

    Attributes:
        project: Project name.
        stack: Stack name.
        root: Directory of ``Pulumi.yaml``.
        preview: Whether the program ran as in a preview, with unknowns.
        nodes: Every resource, sorted by URN.
        config: The stack's configuration by full key. Secrets are not in it.
    """

    project: str
    stack: str
    root: Path
    preview: bool
    nodes: tuple[Node, ...]
    config: Mapping[str, str]

    @cached_property
    def by_urn(self) -> Mapping[str, Node]:
        """Every node by its URN."""
        return {node.urn: node for node in self.nodes}

    @property
    def outputs(self) -> Mapping[str, Value]:
        """The stack's outputs."""
        roots = self.of_type(STACK_TYPE)
        return roots[0].outputs if roots else {}

    def of_type(self, type_token: str) -> tuple[Node, ...]:
        """Nodes of one type, sorted by URN."""
        return tuple(node for node in self.nodes if node.type == type_token)

    def children_of(self, urn: str) -> tuple[Node, ...]:
        """Nodes whose parent is ``urn``, sorted by URN."""
        return tuple(node for node in self.nodes if node.parent == urn)

    def in_dependency_order(self) -> tuple[Node, ...]:
        """Nodes such that each one follows its parent, its provider and its dependencies.

        Returns:
            The same order on every call. Reverse it to delete.

        Raises:
            GraphError: If resources depend on each other in a circle.
        """
        known = self.by_urn
        sorter = TopologicalSorter(
            {
                node.urn: [
                    urn
                    for urn in (node.parent, node.provider, *node.dependencies)
                    if urn is not None and urn in known
                ]
                for node in self.nodes
            }
        )
        try:
            sorter.prepare()
        except ValueError as error:
            raise GraphError(
                f"resources depend on each other in a circle: {error.args[1]}. Allowed are "
                f"dependencies without a circle; remove one of them from `depends_on`."
            ) from error
        ordered: list[Node] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            ordered.extend(known[urn] for urn in ready)
            sorter.done(*ready)
        return tuple(ordered)
