"""The shipped stacks, with an edit that somebody could merge, judged by every rule in this process.

An edit takes the graph that a stack's program registers and returns another one. It changes what
the program gives and what a preview shows alike, as a change of the program would.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, cast

import yaml
from google.protobuf import struct_pb2

from holdfast.graph import Graph, Node, Options, Value, reveal, run, struct_of
from policies.core.properties import Properties
from policies.core.rule import Rule
from policies.core.subjects import Resource, Stack
from policies.pack import RULES

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = tuple(sorted(path.parent.name for path in ROOT.glob("examples/*/Pulumi.*.yaml")))
STACKS: Final = ("dev", "test", "staging", "prod", *EXAMPLES)

Edit = Callable[[Graph], Graph]


@dataclass(frozen=True, kw_only=True, order=True)
class Found:
    """One finding: which rule, on which resource (its logical name), and what it says."""

    rule: str
    resource: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Harm:
    """A harmful edit, and what has to notice it.

    Attributes:
        name: The mistake, as a short sentence.
        edit: What somebody merged.
        rule: Id of the rule that must find it.
        at: Pattern for the logical name of the resource that it must blame.
        stack: Which stack was edited.
    """

    name: str
    edit: Edit
    rule: str
    at: str
    stack: str = "prod"


@cache
def graph_of(stack: str) -> Graph:
    """What the program of a shipped stack, or of an example, registers."""
    if stack not in EXAMPLES:
        return run(ROOT, stack)
    document = yaml.safe_load((ROOT / "examples" / stack / "Pulumi.prod.yaml").read_text("utf-8"))
    platform = json.dumps(document["config"]["holdfast:platform"])
    return run(ROOT, "prod", config={"holdfast:platform": platform})


def findings(graph: Graph, rules: tuple[Rule, ...] = RULES) -> tuple[Found, ...]:
    """All that rules say of a graph, as the engine would ask them, without waivers."""
    alone = {node.urn: _resource(node, node.inputs, graph, {}) for node in _seen(graph)}
    stack = stack_of(graph)
    found: set[Found] = set()
    for rule in rules:
        for resource in alone.values() if rule.on_resource is not None else ():
            found |= {_found(rule.id, resource.urn, str(one)) for one in rule.judge(resource)}
        if rule.on_resource is None:
            found |= {_found(rule.id, urn, str(one)) for urn, one in rule.judge_stack(stack)}
    return tuple(sorted(found))


def noticed(graph: Graph, rules: tuple[Rule, ...]) -> bool:
    """Whether any of some rules over the whole stack finds anything."""
    stack = stack_of(graph)
    return any(rule.judge_stack(stack) for rule in rules)


def stack_of(graph: Graph) -> Stack:
    """A graph as rules over the whole stack see it."""
    links: dict[str, dict[str, tuple[Resource, ...]]] = {node.urn: {} for node in _seen(graph)}
    made = {
        node.urn: _resource(node, node.outputs, graph, links[node.urn]) for node in _seen(graph)
    }
    for node in _seen(graph):
        for name, urns in node.property_dependencies.items():
            links[node.urn][name] = tuple(made[urn] for urn in urns if urn in made)
    return Stack(resources=tuple(made.values()))


def setting(resource: str, path: str, value: Value) -> Edit:
    """Gives a property of each resource of a pattern (``type::name``) another value."""
    return _on_values(resource, lambda values: _put(values, path.split("."), value))


def removing(resource: str, path: str) -> Edit:
    """Takes a property away, or an entry of a list."""
    return _on_values(resource, lambda values: _drop(values, path.split(".")))


def rewriting(resource: str, path: str, change: Callable[[Value], Value]) -> Edit:
    """Computes a property anew from what it was."""

    def changed(values: Mapping[str, Value]) -> Mapping[str, Value]:
        return _put(values, path.split("."), change(_get(values, path.split("."))))

    return _on_values(resource, changed)


def without(*resources: str) -> Edit:
    """A program that no longer registers some resources, nor what refers to nothing else."""

    def edit(graph: Graph) -> Graph:
        return without_nodes(
            graph, {node.urn for pattern in resources for node in _matching(graph, pattern)}
        )

    return edit


def without_nodes(graph: Graph, gone: set[str]) -> Graph:
    """A graph without the resources of some URNs, nor what refers to them."""
    return _with(graph, (_forgetting(node, gone) for node in graph.nodes if node.urn not in gone))


def adding(
    type_token: str,
    name: str,
    inputs: Mapping[str, Value],
    references: Mapping[str, str] | None = None,
) -> Edit:
    """A program that registers one more resource.

    Args:
        type_token: Its type.
        name: Its logical name.
        inputs: What the program gives.
        references: Patterns of the resources that a property is computed from, by property.
    """

    def edit(graph: Graph) -> Graph:
        like = next(node for node in graph.nodes if node.custom and node.provider is not None)
        urns = {
            at: tuple(node.urn for node in _matching(graph, pattern))
            for at, pattern in (references or {}).items()
        }
        node = replace(
            like,
            urn=f"urn:pulumi:{graph.stack}::{graph.project}::{type_token}::{name}",
            type=type_token,
            name=name,
            inputs=inputs,
            outputs=inputs,
            dependencies=tuple(sorted({urn for some in urns.values() for urn in some})),
            property_dependencies=urns,
            options=Options(),
            source=None,
        )
        return _with(graph, (*graph.nodes, node))

    return edit


def optioned(resource: str, change: Callable[[Options], Options]) -> Edit:
    """Changes the options of each resource of a pattern."""
    return _on_nodes(resource, lambda node: replace(node, options=change(node.options)))


def together(*edits: Edit) -> Edit:
    """Several edits of one change."""

    def edit(graph: Graph) -> Graph:
        for one in edits:
            graph = one(graph)
        return graph

    return edit


def _on_values(resource: str, change: Callable[[Mapping[str, Value]], Mapping[str, Value]]) -> Edit:
    return _on_nodes(
        resource,
        # What a component shows is its own, and no answer to what it was given.
        lambda node: replace(
            node,
            inputs=change(node.inputs) if node.custom else node.inputs,
            outputs=change(node.outputs),
        ),
    )


def _on_nodes(resource: str, change: Callable[[Node], Node]) -> Edit:
    def edit(graph: Graph) -> Graph:
        chosen = {node.urn for node in _matching(graph, resource)}
        return _with(graph, (change(n) if n.urn in chosen else n for n in graph.nodes))

    return edit


def _matching(graph: Graph, pattern: str) -> tuple[Node, ...]:
    found = tuple(n for n in graph.nodes if fnmatchcase(f"{n.type}::{n.name}", pattern))
    # An edit of nothing would prove nothing.
    assert found, f"no resource of {graph.stack} is called {pattern}"
    return found


def _with(graph: Graph, nodes: "Iterator[Node] | tuple[Node, ...]") -> Graph:
    return replace(graph, nodes=tuple(sorted(nodes, key=lambda node: node.urn)))


def _forgetting(node: Node, gone: set[str]) -> Node:
    links = {
        at: tuple(urn for urn in urns if urn not in gone)
        for at, urns in node.property_dependencies.items()
    }
    return replace(
        node,
        dependencies=tuple(urn for urn in node.dependencies if urn not in gone),
        property_dependencies={at: urns for at, urns in links.items() if urns},
    )


def _seen(graph: Graph) -> Iterator[Node]:
    return (node for node in graph.nodes if not node.external)


def _resource(
    node: Node,
    values: Mapping[str, Value],
    graph: Graph,
    links: Mapping[str, tuple[Resource, ...]],
) -> Resource:
    provider = graph.by_urn.get(node.provider or "")
    return Resource(
        urn=node.urn,
        type=node.type,
        name=node.name,
        properties=_properties(values),
        protect=node.options.protect,
        ignored=node.options.ignore_changes,
        provider=None if provider is None else _properties(provider.inputs),
        references=links,
    )


def _properties(values: Mapping[str, Value]) -> Properties:
    # An edit leaves most nodes as they are, and so what they are made into.
    made = _STRUCTS.get(id(values))
    if made is None or made[0] is not values:
        made = (values, struct_of({name: reveal(value) for name, value in values.items()}))
        _STRUCTS[id(values)] = made
    return Properties(made[1])


_STRUCTS: Final[dict[int, tuple[Mapping[str, Value], struct_pb2.Struct]]] = {}
"""What values were made into; they are kept so that no other has the same id."""


def _found(rule: str, urn: str, text: str) -> Found:
    return Found(rule=rule, resource=urn.rpartition("::")[2], text=text)


def _get(value: Value, path: list[str]) -> Value:
    for part in path:
        value = value[int(part)] if isinstance(value, list | tuple) else _fields(value)[part]
    return value


def _put(value: Value, path: list[str], new: Value) -> Mapping[str, Value]:
    return cast("Mapping[str, Value]", _replaced(value, path, new))


def _replaced(value: Value, path: list[str], new: Value) -> Value:
    if not path:
        return new
    first, *rest = path
    if isinstance(value, list | tuple):
        items = list(value)
        items[int(first)] = _replaced(items[int(first)], rest, new)
        return items
    fields = dict(_fields(value or {}))
    fields[first] = _replaced(fields.get(first), rest, new)
    return fields


def _drop(value: Value, path: list[str]) -> Mapping[str, Value]:
    *parents, last = path
    parent = _get(value, parents)
    if isinstance(parent, list | tuple):
        kept: Value = [item for index, item in enumerate(parent) if index != int(last)]
    else:
        assert last in _fields(parent), f"there is no {'.'.join(path)} to remove"
        kept = {name: item for name, item in _fields(parent).items() if name != last}
    return _put(value, parents, kept)


def _fields(value: Value) -> Mapping[str, Value]:
    assert isinstance(value, Mapping), f"{value!r} has no properties"
    return value
