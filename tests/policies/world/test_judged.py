"""What a table calls judged really is: the rule that it names fails when the value is unknown."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

import pytest

from holdfast.graph import UNKNOWN, Graph, Node, Value
from policies.pack import RULES
from policies.world.index import KINDS
from policies.world.kind import Kind
from tests.policies.shipped import Found, findings, graph_of
from tests.policies.world.exemplars import EXEMPLARS

BY_ID: Final = {rule.id: rule for rule in RULES}

WITHOUT_TABLE: Final = (
    ("contract-exported", "pulumi:pulumi:Stack", "platform"),
    ("contract-exported", "pulumi:pulumi:Stack", "platform.tenants.acme"),
    ("contract-kill-switch", "pulumi:pulumi:Stack", "platform.jurisdictions.eu.kill_switch.table"),
    ("contract-limiter", "pulumi:pulumi:Stack", "platform.jurisdictions.eu.regions"),
    ("network-connected", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "fromPort"),
)
"""Rules that no table names, with what they read."""

ONLY_WITH: Final[Mapping[str, Mapping[str, Value]]] = {
    "filterPolicyScope": {"filterPolicy": '{"NewStateValue": ["ALARM"]}'},
}
"""What has to be given for a property to mean anything, by its path."""

pytestmark = pytest.mark.slow


@cache
def full() -> Graph:
    """The stack of production, with one of each type that it does not have."""
    graph = graph_of("prod")
    for edit in EXEMPLARS.values():
        graph = edit(graph)
    return graph


def test_a_stack_with_one_of_every_type_has_no_findings() -> None:
    assert findings(full()) == ()
    assert {node.type for node in full().nodes} >= set(KINDS) - NOT_SHOWN


NOT_SHOWN: Final = {token for token in KINDS if token.startswith("aws:iam/")}
"""Documents have tests of their own, in which what cannot be read counts as allowed."""


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS.values() if kind.type not in NOT_SHOWN],
    ids=lambda kind: kind.type,
)
def test_an_unknown_value_of_a_judged_property_fails_its_rule(kind: Kind) -> None:
    silent = [
        (path, rule) for path, rule in sorted(kind.judged.items()) if not fails(kind, path, rule)
    ]
    assert silent == []


@pytest.mark.parametrize(("rule", "token", "path"), WITHOUT_TABLE)
def test_an_unknown_value_fails_a_rule_that_no_table_names(
    rule: str, token: str, path: str
) -> None:
    assert fails(Kind(type=token), path, rule)


def fails(kind: Kind, path: str, rule: str) -> bool:
    """Whether a rule finds something on a stack in which a path of one resource is unknown."""
    return any(asked(rule, poisoned(node, path)) for node in nodes(kind, path))


def nodes(kind: Kind, path: str) -> list[Node]:
    """Resources of a type, those that give the property first."""
    top = path.replace("[]", "").split(".")[0]
    found = [node for node in full().nodes if node.type == kind.type]
    return sorted(found, key=lambda node: (top not in node.inputs, node.urn))


def asked(rule: str, node: Node) -> tuple[Found, ...]:
    """What a rule says of the full stack with one of its nodes replaced."""
    others = tuple(node if other.urn == node.urn else other for other in full().nodes)
    return findings(replace(full(), nodes=others), (BY_ID[rule],))


def poisoned(node: Node, path: str) -> Node:
    """A resource in which the value of a path is unknown, and computed from nothing known."""
    links = {
        at: urns
        for at, urns in node.property_dependencies.items()
        if at != path.replace("[]", "").split(".")[0]
    }
    parts, more = path.split("."), ONLY_WITH.get(path, {})
    return replace(
        node,
        inputs=_put({**node.inputs, **more}, parts) if node.custom else node.inputs,
        outputs=_put({**node.outputs, **more}, parts),
        property_dependencies=links,
    )


def _put(value: Value, parts: list[str]) -> Mapping[str, Value]:
    fields = dict(value) if isinstance(value, Mapping) else {}
    name, rest = parts[0].removesuffix("[]"), parts[1:]
    if not rest:
        return {**fields, name: UNKNOWN}
    inner = fields.get(name)
    if parts[0].endswith("[]"):
        items: list[Value] = list(inner) if isinstance(inner, list | tuple) else []
        return {**fields, name: [_put(items[0] if items else None, rest), *items[1:]]}
    return {**fields, name: _put(inner, rest)}
