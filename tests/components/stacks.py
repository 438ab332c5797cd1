"""The graphs that component tests look at: the four stacks, and shapes that no stack has."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from holdfast.graph import Graph, Node, Value, run
from tests.components.fake_cloud import FakeCloud

ROOT = Path(__file__).parents[2]
STACKS = ("dev", "test", "staging", "prod")
KEY = "holdfast:platform"

SHAPES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    # Three regions that serve need no witness.
    "three-serving": (
        "prod",
        {
            "jurisdictions": {
                "eu": {"home": "eu-west-1", "replicas": ["eu-central-1", "eu-west-3"]},
            },
            "tenants": {"initech": "eu"},
        },
    ),
    "europe-only": (
        "prod",
        {
            "jurisdictions": {
                "eu": {"home": "eu-west-1", "replicas": ["eu-central-1"], "witness": "eu-west-3"},
            },
            "tenants": {"initech": "eu"},
        },
    ),
    "decommissioned": ("prod", {"decommission": True}),
    # As large as a contract gets with names of these lengths.
    "six-serving": (
        "prod",
        {
            "jurisdictions": {
                "ap": {"home": "ap-northeast-1", "replicas": ["ap-northeast-2", "ap-northeast-3"]},
                "eu": {"home": "eu-west-1", "replicas": ["eu-central-1", "eu-west-3"]},
            },
            "tenants": {f"tenant{number}": "eu" for number in range(100)},
        },
    ),
}
"""Stack and what is different from its file, by name."""


@cache
def preview(stack: str) -> Graph:
    """What a preview of a stack, or of a shape, registers."""
    base, config = _configured(stack)
    return run(ROOT, base, config=config)


def _configured(stack: str) -> tuple[str, dict[str, str]]:
    """The stack that a stack or shape is of, and what is said beside its file."""
    if stack not in SHAPES:
        return stack, {}
    base, changes = SHAPES[stack]
    file = yaml.safe_load((ROOT / f"Pulumi.{base}.yaml").read_text(encoding="utf-8"))
    return base, {KEY: json.dumps({**file["config"][KEY], **changes})}


@cache
def deployed(stack: str) -> Graph:
    """The same after a cloud has answered everything."""
    base, config = _configured(stack)
    return run(ROOT, base, provider=FakeCloud(), config=config)


def nodes(stack: str, token: str) -> tuple[Node, ...]:
    """A preview's nodes of one type; a test that looks at none would pass for nothing."""
    found = preview(stack).of_type(token)
    assert found, f"{stack} has no {token}"
    return found


def document(node: Node, key: str = "policy") -> list[Mapping[str, object]]:
    """The statements of a policy document among a node's inputs, which must be known."""
    text = node.inputs[key]
    assert isinstance(text, str), f"{node.urn}: {key} is {text!r}, not known text"
    return cast("list[Mapping[str, object]]", json.loads(text)["Statement"])


def mapping(value: Value) -> Mapping[str, Value]:
    """An input that is a map."""
    assert isinstance(value, Mapping)
    return value


def mappings(value: Value) -> list[Mapping[str, Value]]:
    """An input that is a list of maps."""
    assert isinstance(value, Iterable)
    return [mapping(item) for item in cast("Iterable[Value]", value)]


def jurisdiction(node: Node) -> Value:
    """The jurisdiction that a node's tag names."""
    return mapping(node.inputs["tags"]).get("holdfast:jurisdiction")
