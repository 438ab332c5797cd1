"""Checklist item: somebody hears of a month's spending before it passes what was planned.

Guarantees:
    Where state lasts there is a budget of the account, no higher than the contract says, and a
    month in which spending rises past it makes somebody hear of it in time.

Does not guarantee:
    That anything stops: AWS knows what was spent 8 to 24 hours later. What agents may spend is the
    runtime's to enforce, and the issue that brings it brings its rules.
"""

from collections.abc import Iterator
from typing import Final

from holdfast.contract import Environment
from policies.alarms.permission import may
from policies.core.contract import STACK, contract_of, environment_of
from policies.core.kinds import TOPIC
from policies.core.properties import Properties, Undetermined
from policies.core.rule import (
    ChecklistItem,
    Rule,
    Severity,
    Violation,
    whole_rule,
)
from policies.core.subjects import Resource, Stack
from policies.iam.account import account_of

BUDGET: Final = "aws:budgets/budget:Budget"
_FRAMEWORKS: Final = ("SOC 2 CC7.2",)
_SPOKEN: Final = frozenset({Environment.DEV, Environment.TEST})
"""Environments that may do without a budget. One that nobody knows may not."""

_BUDGETS: Final = "budgets.amazonaws.com"
_WHOLE: Final = {"budgetType": "COST", "timeUnit": "MONTHLY", "limitUnit": "USD"}


@whole_rule(
    id="cost-limits-budget",
    item=ChecklistItem.COST_LIMITS,
    severity=Severity.HIGH,
    frameworks=_FRAMEWORKS,
)
def somebody_hears_of_spending(stack: Stack) -> Iterator[tuple[str, Violation]]:
    """Where state lasts, a budget as high as the contract says tells somebody before it is spent.

    Why: an agent in a loop spends a month's money in a night, and the bill comes weeks later.
    Good: ``limit_amount="4000"`` with notifications at 80 % and 100 % to whoever is on call
    Bad: ``notifications=[]``
    Fix: give the stack a ``Spending`` with ``monthly_budget_usd`` and ``alarm_emails``.
    """
    budgets = stack.of_type(BUDGET)
    if not budgets and environment_of(stack) not in _SPOKEN:
        for root in stack.of_type(STACK):
            yield root.urn, _wrong("there is no budget", "")
    contract = contract_of(stack)
    planned = None if contract is None else contract.properties.number("monthly_budget_usd")
    faults = [[(one.urn, fault) for fault in _faults(one, stack, planned)] for one in budgets]
    # One that works is enough: others may watch a part of the bill.
    if all(faults):
        yield from (fault for found in faults for fault in found)


def _faults(budget: Resource, stack: Stack, planned: float | None) -> Iterator[Violation]:
    for name, asked in _WHOLE.items():
        said = budget.properties.text(name)
        if said != asked:
            yield _wrong(f"it is {said or 'nothing'}, not {asked}", name)
    limit = _amount(budget)
    if limit is None or limit <= 0:
        yield _wrong("it has no limit", "limitAmount")
    elif planned is not None and limit != planned:
        yield _wrong(f"its limit is {limit:g} USD, and the contract's {planned:g}", "limitAmount")
    else:
        yield from _unheard(budget, stack, limit)


def _unheard(budget: Resource, stack: Stack, limit: float) -> Iterator[Violation]:
    """Whether somebody hears of a month in which spending rises from nothing past the limit."""
    told = [
        (_percent(part, limit), part)
        for part in budget.properties.objects("notifications")
        if _is_heard(part, budget, stack) and part.text("comparisonOperator") == "GREATER_THAN"
    ]
    actual = [at for at, part in told if part.text("notificationType") == "ACTUAL"]
    early = [at for at, _ in told if at < 100] + [  # noqa: PLR2004 - all of it, in percent
        at for at, part in told if part.text("notificationType") == "FORECASTED"
    ]
    if not actual or min(actual) > 100:  # noqa: PLR2004
        yield _wrong("nobody is told when it is spent", "notifications")
    elif not early or min(early) > 100:  # noqa: PLR2004
        yield _wrong("nobody is told before it is spent", "notifications")


def _percent(notification: Properties, limit: float) -> float:
    """At how much of the limit a notification is sent, in percent."""
    threshold = notification.number("threshold")
    if threshold is None:
        raise Undetermined(notification.at("threshold"), notification.owner)
    percentage = notification.text("thresholdType") == "PERCENTAGE"
    return threshold if percentage else 100 * threshold / limit


def _is_heard(notification: Properties, budget: Resource, stack: Stack) -> bool:
    """Whether somebody receives a notification."""
    at = "subscriberSnsTopicArns"
    topics = budget.referenced("notifications", (TOPIC,))
    if None in notification.names(at) and not topics:
        raise Undetermined(notification.at(at), budget.urn)
    if any("@" in one for one in notification.texts("subscriberEmailAddresses")):
        return True
    if not notification.is_given(at):
        return False
    return any(
        may(topic, "sns:Publish", _arn(topic, stack), account_of(stack).id, service=_BUDGETS)
        for topic in topics
        if topic.properties.is_given("policy")
    )


def _arn(topic: Resource, stack: Stack) -> str:
    name = topic.properties.text("name")
    return f"arn:aws:sns:{topic.region}:{account_of(stack).id}:{name}"


def _amount(budget: Resource) -> float | None:
    text = budget.properties.text("limitAmount")
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise Undetermined("limitAmount", budget.urn) from error


def _wrong(found: str, at: str) -> Violation:
    return Violation(
        found=found,
        rule="somebody hears of a month's spending before it passes what was planned",
        fix="set `monthly_budget_usd` and `alarm_emails`; Spending makes the budget of them",
        at=at,
    )


RULES: Final[tuple[Rule, ...]] = (somebody_hears_of_spending,)
