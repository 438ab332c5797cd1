"""Rules bear whatever a program gives: no crash, no secret shown, the same words each time."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pytest

from holdfast.check.masking import Masking
from holdfast.graph import UNKNOWN, Graph, Node, Secret, Value
from tests.policies.shipped import Found, findings, graph_of

WORLDS: Final = 2_000
BATCH: Final = 100
PLANTED: Final = "hunter2-never-to-be-shown"
STACKS: Final = ("prod", "us-with-standby")

_TEXTS: Final = (
    *("", "*", "a", "::error::x", "\x00", "ü\u202e", "x" * 5_000, "arn:", "arn:aws:s3:::*"),
    *("arn:aws:dynamodb:*:*:table/*", "us-east-1", "eu-west-2", "mars-north-1", "${aws:username}"),
    *("true", "0", "-1", "[]", "{}", "null", "NaN", "https://user:pass@host/", "0.0.0.0/0", "::/0"),
)


def _value(draw: random.Random, depth: int = 0) -> Value:
    """Any value that the wire can hold, three levels deep at most."""
    below = depth + 1
    makers: tuple[Callable[[], Value], ...] = (
        lambda: draw.choice(_TEXTS),
        lambda: draw.choice((0, 1, -1, 10**15, 0.5, float("inf"), True, False, None, UNKNOWN)),
        lambda: json.dumps(_document(draw)),
        lambda: [_value(draw, below) for _ in range(draw.randrange(4))],
        lambda: {draw.choice(_NAMES): _value(draw, below) for _ in range(draw.randrange(4))},
        lambda: Secret(_value(draw, below)),
    )
    return draw.choice(makers if depth < 3 else makers[:3])()


_NAMES: Final = (
    *("Version", "Statement", "Effect", "Action", "NotAction", "Resource", "Condition", "a", ""),
    *("name", "region", "policy", "tags", "rules", "regionName", "kmsKeyArn", "status", "filter"),
)


def _some(draw: random.Random, *options: object) -> object:
    one = draw.choice(options)
    return [one, draw.choice(options)] if draw.random() < 0.3 else one


def _document(draw: random.Random) -> object:
    """A policy document, or what somebody took for one."""
    actions = (
        "*",
        "dynamodb:*",
        "kms:Decrypt",
        "iam:Pass*",
        "sts:AssumeRole",
        "bogus",
        "",
        5,
        None,
    )
    resources = (*_TEXTS, {"a": 1}, None)
    conditions: tuple[object, ...] = (
        {},
        {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["kill", "*"]}},
        {"Bool": {"aws:SecureTransport": False}},
        {"NumericLessThan": {"s3:max-keys": "many"}},
        {"Nonsense": "x"},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/33"}},
        5,
    )
    principals: tuple[object, ...] = (
        "*",
        {"AWS": "*"},
        {"AWS": ["123456789012", "arn:aws:iam::999999999999:root"]},
        {"Service": "lambda.amazonaws.com"},
        {"Federated": "accounts.example.com"},
        [],
        5,
    )
    statements: list[object] = []
    for _ in range(draw.randrange(4)):
        statement: dict[str, object] = {
            "Effect": draw.choice(("Allow", "Deny", "allow", None)),
            draw.choice(("Action", "NotAction")): _some(draw, *actions),
            draw.choice(("Resource", "NotResource")): _some(draw, *resources),
        }
        if draw.random() < 0.5:
            statement["Condition"] = draw.choice(conditions)
        if draw.random() < 0.5:
            statement[draw.choice(("Principal", "NotPrincipal"))] = draw.choice(principals)
        statements.append(draw.choice((statement, statement, statement, "x", None)))
    whole: object = {"Version": "2012-10-17", "Statement": draw.choice((statements, *statements))}
    return draw.choice((whole, whole, whole, statements, 5, "x"))


def _changed(draw: random.Random, value: Value) -> Value:
    """A value with something in it replaced, removed, or added."""
    if isinstance(value, Mapping) and value and draw.random() < 0.8:
        name = draw.choice(sorted(value))
        rest = {key: item for key, item in value.items() if key != name}
        if draw.random() < 0.1:
            return rest
        return {**rest, name: _changed(draw, value[name])}
    if isinstance(value, Sequence) and not isinstance(value, str) and value and draw.random() < 0.8:
        items = list(value)
        place = draw.randrange(len(items))
        items[place] = _changed(draw, items[place])
        return items
    return _value(draw)


def _world(seed: int) -> Graph:
    """A part of a shipped stack, in which some resources are not as they should be."""
    draw = random.Random(seed)  # noqa: S311 - one seed is one world
    graph = graph_of(draw.choice(STACKS))
    custom = [node for node in graph.nodes if node.custom]
    kept = {node.urn for node in draw.sample(custom, 12)}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.custom and node.urn not in kept:
            continue
        if node.custom and draw.random() < 0.5:
            at = draw.choice(sorted(node.inputs) or ["name"])
            values = {**node.inputs, at: _changed(draw, node.inputs.get(at))}
            name = draw.choice(sorted(values))
            secret: Mapping[str, Value] = {**values, name: Secret(PLANTED)}
            inputs = secret if draw.random() < 0.2 else values
            nodes.append(replace(node, inputs=inputs, outputs=inputs))
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, WORLDS, BATCH))
def test_rules_bear_whatever_a_program_gives(first: int) -> None:
    for seed in range(first, first + BATCH):
        world = _world(seed)
        found = findings(world)
        masking = Masking(world)
        shown = [one for one in found if PLANTED in masking.masked(one.text)]
        assert not shown, f"world {seed} shows a secret"
        if seed % 10 == 0:
            again: tuple[Found, ...] = findings(_world(seed))
            assert again == found, f"world {seed} is told in other words the second time"
