"""The in-process graph beside the real engine's preview of the same stack."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from holdfast.graph import (
    UNKNOWN,
    Asset,
    Graph,
    Node,
    Secret,
    Value,
    run,
)
from tests.graph.engine import Preview, engine, needs_engine, preview
from tests.graph.projects import EVERYTHING, EVERYTHING_CONFIG, project

ROOT = Path(__file__).parents[2]
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

pytestmark = [pytest.mark.engine, pytest.mark.slow, needs_engine]


def ours(value: Value) -> object:
    """A value in terms that both sides share."""
    if value is UNKNOWN:
        return SENTINEL
    if isinstance(value, Secret):
        return {"secret": ours(value.value)}
    if isinstance(value, Asset):
        return {"asset": value.text or value.path or value.uri}
    if isinstance(value, Mapping):
        return {key: ours(item) for key, item in value.items()}
    if isinstance(value, list):
        return [ours(item) for item in value]
    return value


def theirs(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        if fields.get(SIGNATURE) == SECRET:
            return {"secret": theirs(json.loads(cast("str", fields["plaintext"])))}
        if fields.get(SIGNATURE) == ASSET:
            return {"asset": fields.get("text") or fields.get("path") or fields.get("uri")}
        return {key: theirs(item) for key, item in fields.items() if key != "__internal"}
    if isinstance(value, list):
        return [theirs(item) for item in cast("list[object]", value)]
    return value


def our_goal(node: Node) -> dict[str, object]:
    return {
        "type": node.type,
        "name": node.name,
        "custom": node.custom,
        "parent": node.parent or "",
        "protect": node.options.protect,
        "deleteBeforeReplace": node.options.delete_before_replace,
        "ignoreChanges": sorted(node.options.ignore_changes),
        "provider": node.provider or "",
        "dependencies": list(node.dependencies),
        "propertyDependencies": {key: list(v) for key, v in node.property_dependencies.items()},
        "inputs": {key: ours(value) for key, value in node.inputs.items()},
        # The engine has outputs in a plan only where the program registered them.
        "outputs": {} if node.custom else {key: ours(v) for key, v in node.outputs.items()},
    }


def their_goal(goal: Mapping[str, Any]) -> dict[str, object]:
    dependencies: dict[str, list[str]] = goal.get("propertyDependencies") or {}
    return {
        "type": goal["type"],
        "name": goal["name"],
        "custom": goal["custom"],
        "parent": goal.get("parent", ""),
        "protect": goal["protect"],
        "deleteBeforeReplace": goal.get("deleteBeforeReplace"),
        "ignoreChanges": sorted(goal.get("ignoreChanges") or []),
        "provider": goal.get("provider", "").rpartition("::")[0],
        "dependencies": sorted(goal.get("dependencies") or []),
        "propertyDependencies": {key: sorted(v) for key, v in dependencies.items() if v},
        "inputs": theirs(goal["inputDiff"].get("adds") or {}),
        "outputs": theirs(goal["outputDiff"].get("adds") or {}),
    }


def assert_same(graph: Graph, real: Preview) -> None:
    assert real.exit_code == 0, real.output
    assert [node.urn for node in graph.nodes] == sorted(real.goals)
    for node in graph.nodes:
        assert our_goal(node) == their_goal(real.goals[node.urn]), node.urn


def test_every_kind_of_option_is_as_the_engine_has_it(tmp_path: Path) -> None:
    root = project(tmp_path / "demo", EVERYTHING, config=EVERYTHING_CONFIG)
    with engine(root, "dev", tmp_path / "engine") as environment:
        real = preview("dev", tmp_path / "engine", environment)
    assert_same(run(root, "dev"), real)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_our_own_stacks_are_as_the_engine_has_them(stack: str, tmp_path: Path) -> None:
    with engine(ROOT, stack, tmp_path / "engine") as environment:
        real = preview(stack, tmp_path / "engine", environment)
    assert_same(run(ROOT, stack), real)


def test_a_missing_dependency_would_be_noticed(tmp_path: Path) -> None:
    root = project(tmp_path / "demo", EVERYTHING, config=EVERYTHING_CONFIG)
    with engine(root, "dev", tmp_path / "engine") as environment:
        real = preview("dev", tmp_path / "engine", environment)
    fewer = EVERYTHING.replace("depends_on=[outer],", "")
    graph = run(project(tmp_path / "mutant", fewer, config=EVERYTHING_CONFIG), "dev")
    with pytest.raises(AssertionError):
        assert_same(graph, real)
