"""What changed between two graphs of one project.

Guarantees:
    Two graphs of the same program differ in nothing. Every change names its property by path.

Does not guarantee:
    What the engine would do about a change (update or replace): only a provider knows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeGuard

from holdfast.graph.golden import plain
from holdfast.graph.model import Graph, Node
from holdfast.graph.values import Value


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs.

    Attributes:
        path: Such as ``inputs.replicas[0].regionName`` or ``options.protect``.
        before: Its old value as JSON for people; None when it was absent.
        after: Its new value, likewise. Of secrets and unknowns only the kind is shown.
    """

    path: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class NodeChange:
    """One resource that is in both graphs and differs.

    Attributes:
        before: The old node.
        after: The new node.
        changes: What differs, sorted by path; never empty.
    """

    before: Node
    after: Node
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class GraphDiff:
    """What changed, each part sorted by URN.

    Attributes:
        added: Nodes that only the new graph has.
        removed: Nodes that only the old graph has.
        changed: Nodes that both have and that differ.
    """

    added: tuple[Node, ...]
    removed: tuple[Node, ...]
    changed: tuple[NodeChange, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff(before: Graph, after: Graph) -> GraphDiff:
    """Compares two graphs.

    Args:
        before: The old graph.
        after: The new graph.

    Returns:
        A diff that is false when nothing changed. Source lines are not compared: moving code
        changes no infrastructure.
    """
    old, new = before.by_urn, after.by_urn
    pairs = ((node, new[node.urn]) for node in before.nodes if node.urn in new)
    compared = (NodeChange(a, b, _changes(a, b)) for a, b in pairs)
    return GraphDiff(
        added=tuple(node for node in after.nodes if node.urn not in old),
        removed=tuple(node for node in before.nodes if node.urn not in new),
        changed=tuple(change for change in compared if change.changes),
    )


def _changes(before: Node, after: Node) -> tuple[Change, ...]:
    found = [*_in_value("inputs", before.inputs, after.inputs)]
    found += _in_value("outputs", before.outputs, after.outputs)
    for name in ("parent", "dependencies", "provider", "region", "external"):
        found += _in_field(name, getattr(before, name), getattr(after, name))
    for option in fields(before.options):
        name = option.name
        found += _in_field(
            f"options.{name}", getattr(before.options, name), getattr(after.options, name)
        )
    return tuple(sorted(found, key=lambda change: change.path))


def _in_field(path: str, before: object, after: object) -> Iterator[Change]:
    if before != after:
        yield Change(path, before, after)


def _in_value(path: str, before: Value, after: Value) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _in_value(f"{path}.{key}", before.get(key), after.get(key))
    elif _is_list(before) and _is_list(after):
        for index in range(max(len(before), len(after))):
            yield from _in_value(f"{path}[{index}]", _at(before, index), _at(after, index))
    elif before != after:
        yield Change(path, plain(before), plain(after))


def _is_list(value: Value) -> TypeGuard[Sequence[Value]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _at(values: Sequence[Value], index: int) -> Value:
    return values[index] if index < len(values) else None
