"""Edits after which a platform promises, spends or tells its agents something else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

from holdfast.graph import Graph, Node, Value
from policies.checklist.cost_limits import BUDGET
from policies.core.contract import OUTPUT, STACK
from policies.core.kinds import TABLE
from tests.policies.shipped import Edit, Harm, removing, setting, together, without

ROOT: Final = "holdfast-*"
MONEY: Final = f"{BUDGET}::global-spending"


def contract(path: str, value: Value) -> Edit:
    """A program that exports something else at one place of the contract; None for nothing."""
    *above, last = path.split(".")

    def put(exported: Value) -> Value:
        document = _copied(exported)
        part: Any = document
        for step in above:
            part = part[step]
        if value is None:
            del part[last]
        else:
            part[last] = value
        return cast("Value", document)

    return _exporting(put)


def without_contract() -> Edit:
    """A program that exports no contract."""

    def nothing(_exported: Value) -> Value:
        return None

    return _exporting(nothing)


def _exporting(change: Callable[[Value], Value]) -> Edit:
    def changed(node: Node) -> Node:
        if node.type != STACK:
            return node
        exported = change(node.outputs[OUTPUT])
        outputs = {name: value for name, value in node.outputs.items() if name != OUTPUT}
        return replace(node, outputs=outputs if exported is None else {**outputs, OUTPUT: exported})

    def edit(graph: Graph) -> Graph:
        return replace(graph, nodes=tuple(changed(node) for node in graph.nodes))

    return edit


def _copied(value: Any) -> Any:  # noqa: ANN401
    """A value that can be changed, without what it holds that cannot be copied."""
    if isinstance(value, dict):
        parts = cast("dict[str, object]", value)
        return {name: _copied(part) for name, part in parts.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(part) for part in cast("list[object]", value)]
    return value


_TOLD: Final[tuple[tuple[str, str, Value, str], ...]] = (
    ("safety checks are optional", "agents.safety_checks", "optional", "prod"),
    ("safety checks are those of staging", "agents.safety_checks", "as-prod", "prod"),
    ("nobody approves", "agents.approvals", "skipped", "prod"),
    ("a fake approves", "agents.approvals", "mocked", "prod"),
    ("tools are stubs", "agents.tools", "stubs", "prod"),
    ("tools are those of the sandbox", "agents.tools", "real-in-a-sandbox", "prod"),
    ("data is made up", "agents.data", "made-up", "prod"),
    ("tokens are spent freely", "agents.token_budget", "loose", "prod"),
    ("a release cannot be taken back", "agents.rollback", "not-applicable", "prod"),
    ("agents are told nothing of approvals", "agents.approvals", None, "prod"),
    ("agents are told nothing", "agents", None, "prod"),
    ("the model is a fake", "agents.model.mocked", True, "prod"),
    ("no model takes over", "agents.model.fallback", None, "prod"),
    ("the model takes over from itself", "agents.model.fallback",
     "anthropic.claude-sonnet-4-5-20250929-v1:0", "prod"),
    ("staging works on real data", "agents.data", "real", "staging"),
    ("staging acts on the world", "agents.tools", "real-behind-safety-checks", "staging"),
    ("staging checks nothing", "agents.safety_checks", "optional", "staging"),
    ("a test acts on the world", "agents.tools", "real-behind-safety-checks", "test"),
    ("development works on real data", "agents.data", "real", "dev"),
)  # fmt: skip

_MONEY: Final[tuple[tuple[str, Edit], ...]] = (
    ("has no limit", setting(MONEY, "limitAmount", "0")),
    ("lacks its limit", removing(MONEY, "limitAmount")),
    ("is a hundred times as high", setting(MONEY, "limitAmount", "400000")),
    ("is in another currency", setting(MONEY, "limitUnit", "JPY")),
    ("is for a year", setting(MONEY, "timeUnit", "ANNUALLY")),
    ("counts hours and no money", setting(MONEY, "budgetType", "USAGE")),
    ("tells nobody", setting(MONEY, "notifications", [])),
    (
        "tells nobody who can be reached",
        together(
            *(
                setting(MONEY, f"notifications.{number}.subscriberEmailAddresses", [])
                for number in range(3)
            )
        ),
    ),
    (
        "tells when less is spent",
        together(
            *(
                setting(MONEY, f"notifications.{number}.comparisonOperator", "LESS_THAN")
                for number in range(3)
            )
        ),
    ),
    (
        "tells when ten times as much is spent",
        together(
            *(setting(MONEY, f"notifications.{number}.threshold", 1000) for number in range(3))
        ),
    ),
    (
        "takes dollars for percent",
        together(
            *(setting(MONEY, f"notifications.{number}.threshold", 8000) for number in range(3)),
            *(
                setting(MONEY, f"notifications.{number}.thresholdType", "ABSOLUTE_VALUE")
                for number in range(3)
            ),
        ),
    ),
    (
        "tells of forecasts only",
        together(
            *(
                setting(MONEY, f"notifications.{number}.notificationType", "FORECASTED")
                for number in range(3)
            )
        ),
    ),
)

_PROMISED: Final[tuple[tuple[str, str, Value], ...]] = (
    ("disaster-recovery-objectives", "rto_s", 86_400),
    ("disaster-recovery-objectives", "rpo_s", 86_400),
    ("disaster-recovery-objectives", "rpo_s", None),
    ("rollback-in-time", "rollback_s", 3600),
    ("rollback-in-time", "rollback_s", None),
    ("kill-switch-in-time", "kill_s", 3600),
    ("kill-switch-in-time", "kill_s", 0),
)

ITEM_EDITS: Final[tuple[Harm, ...]] = (
    *(
        Harm(
            name=f"in {stack} {what}",
            edit=contract(path, value),
            rule="environment-matrix",
            at=ROOT,
            stack=stack,
        )
        for what, path, value, stack in _TOLD
    ),
    Harm(
        name="the stack exports no contract",
        edit=without_contract(),
        rule="environment-matrix",
        at=ROOT,
    ),
    Harm(
        name="the contract calls production development",
        edit=contract("environment", "dev"),
        rule="environment-named",
        at=ROOT,
    ),
    Harm(
        name="a table calls itself development's",
        edit=setting(f"{TABLE}::eu-store", "tags.holdfast:environment", "dev"),
        rule="environment-named",
        at="eu-store",
    ),
    *(
        Harm(name=f"the budget {what}", edit=edit, rule="cost-limits-budget", at="global-spending")
        for what, edit in _MONEY
    ),
    Harm(
        name="the budget is gone",
        edit=without(MONEY),
        rule="cost-limits-budget",
        at=ROOT,
    ),
    Harm(
        name="the contract plans less than the budget",
        edit=contract("monthly_budget_usd", 40),
        rule="cost-limits-budget",
        at="global-spending",
    ),
    *(
        Harm(
            name=f"the contract promises {name} of {value}",
            edit=contract(f"objectives.{name}", value),
            rule=rule,
            at=ROOT,
        )
        for rule, name, value in _PROMISED
    ),
)
"""Harmful edits of the shipped stacks, by what they touch; ``test_edits.py`` tries each of them."""
