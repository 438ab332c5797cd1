"""Checklist item: a stack is of one environment, and its agents behave as that one asks.

The matrix here is the pack's own. A check that asked the settings how agents behave in production
would pass whatever they say.

Does not guarantee:
    That agents behave so: the contract tells them, and the runtime does not start against it.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from holdfast.contract import (
    Approvals,
    Data,
    Environment,
    Rollback,
    SafetyChecks,
    TokenBudget,
    Tools,
)
from policies.core.contract import OUTPUT, STACK, Contract, contract_of, tagged_environment
from policies.core.properties import Properties
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    whole_rule,
)
from policies.core.subjects import ENVIRONMENT_TAG, Stack

_FRAMEWORKS: Final = ("SOC 2 CC8.1", "ISO 27001:2022 A.8.31")

_COLUMNS: Final = ("tools", "data", "safety_checks", "approvals", "token_budget", "rollback")
MATRIX: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        Environment.DEV: (
            Tools.STUBS,
            Data.MADE_UP,
            SafetyChecks.OPTIONAL,
            Approvals.SKIPPED,
            TokenBudget.LOOSE,
            Rollback.NOT_APPLICABLE,
        ),
        Environment.TEST: (
            Tools.MOCKED,
            Data.FIXED,
            SafetyChecks.AS_PROD,
            Approvals.MOCKED,
            TokenBudget.TIGHT,
            Rollback.NOT_APPLICABLE,
        ),
        Environment.STAGING: (
            Tools.SANDBOX,
            Data.ANONYMISED,
            SafetyChecks.AS_PROD,
            Approvals.MOCKED,
            TokenBudget.PRODUCTION,
            Rollback.REDEPLOY,
        ),
        Environment.PROD: (
            Tools.GUARDED,
            Data.REAL,
            SafetyChecks.FAIL_CLOSED,
            Approvals.HUMANS,
            TokenBudget.PRODUCTION,
            Rollback.FLAG,
        ),
    }
)
"""What agents are told in each environment, in the order of ``_COLUMNS``."""

_REAL_MODELS: Final = frozenset({Environment.STAGING, Environment.PROD})
"""Where a model answers for itself, and another is there to take over."""


@whole_rule(
    id="environment-named",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def a_stack_is_of_one_environment(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Every resource, and the contract, name the same environment, by which other rules judge.

    Why: whatever calls itself another environment's escapes the rules of its own.
    Good: ``"holdfast:environment": "prod"`` on every resource of ``prod``
    Bad: ``"holdfast:environment": "dev"`` on a table of ``prod``
    Fix: write the environment that the others name.
    """
    named: dict[str, list[tuple[str, str]]] = {}
    for resource in stack.resources:
        if "tags" in resource.properties and (environment := resource.environment):
            named.setdefault(environment, []).append((resource.urn, "tags"))
    usual = max(named, key=lambda environment: len(named[environment]), default="")
    contract = contract_of(stack)
    said = None if contract is None else contract.properties.text("environment")
    if contract is not None and usual:
        place = (contract.urn, contract.properties.at("environment"))
        named.setdefault(said or "none", []).append(place)
    for environment in sorted(set(named) - {usual}):
        for urn, at in named[environment]:
            yield (
                urn,
                Violation(
                    found=f"its environment is {environment}, and that of the others {usual}",
                    rule="no resource escapes the rules of production by calling itself another's",
                    fix=f"set the tag {ENVIRONMENT_TAG}, or the contract's field, to {usual}",
                    at=at,
                ),
            )


@whole_rule(
    id="environment-matrix",
    item=ChecklistItem.ENVIRONMENT,
    severity=Severity.CRITICAL,
    frameworks=(*_FRAMEWORKS, "EU AI Act Art. 14"),
)
def agents_behave_as_the_environment_asks(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """The contract tells agents what the environment's column of the matrix says.

    Why: agents do what the contract tells them; one word of it turns every approval off.
    Good: ``approvals: real-humans`` in ``prod``
    Bad: ``safety_checks: optional`` in ``prod``
    Fix: leave ``agents`` out of the stack file: the environment implies it.
    """
    contract = contract_of(stack)
    if contract is None:
        for root in stack.of_type(STACK):
            yield root.urn, _no_contract()
        return
    agents = contract.properties.object("agents")
    # Where the contract names another, `environment-named` says so.
    environment = tagged_environment(stack) or contract.properties.text("environment") or ""
    if agents is None or environment not in MATRIX:
        at = contract.properties.at("agents" if agents is None else "environment")
        yield contract.urn, _another(environment, "nothing", " or ".join(MATRIX), at)
        return
    for column, asked in zip(_COLUMNS, MATRIX[environment], strict=True):
        said = agents.text(column)
        if said != asked:
            yield contract.urn, _another(environment, said, asked, agents.at(column))
    yield from _models(contract, agents, environment)


def _models(
    contract: Contract, agents: Properties, environment: str
) -> Iterator[tuple[str, Violation]]:
    model = agents.object("model")
    name = None if model is None else model.text("id")
    if model is None or not name:
        yield contract.urn, _another(environment, "no model", "one model", agents.at("model"))
        return
    if environment not in _REAL_MODELS:
        return
    if model.flag("mocked") is not False:
        yield contract.urn, _another(environment, "a mock", "the model", model.at("mocked"))
    if model.text("fallback") in {None, "", name}:
        yield contract.urn, _another(environment, "none", "another model", model.at("fallback"))


def _another(environment: str, said: str | None, asked: str, at: str) -> Violation:
    return Violation(
        found=f"agents are told {said or 'nothing'}",
        rule=f"{environment or 'an environment'} asks for {asked}",
        fix="leave `agents` out of the stack file, or change the matrix in infra/environments.py "
        "and here in one review",
        at=at,
    )


def _no_contract() -> Violation:
    return Violation(
        found=f"the stack exports no {OUTPUT}",
        rule="agents are told how to behave, and where everything is",
        fix=f'export infra.outputs.platform(...) as "{OUTPUT}"',
    )


RULES: Final[tuple[Rule, ...]] = (
    a_stack_is_of_one_environment,
    agents_behave_as_the_environment_asks,
)
