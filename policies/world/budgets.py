"""What the platform may cost a month, and who is told."""

from typing import Final

from policies.world.kind import LABEL, TAGS, Kind, alike

_PART: Final = "it leaves a part of the bill out: leave it out"

BUDGET: Final = Kind(
    type="aws:budgets/budget:Budget",
    judged=alike(
        "cost-limits-budget",
        "budgetType",
        "limitAmount",
        "limitUnit",
        "notifications[].comparisonOperator",
        "notifications[].notificationType",
        "notifications[].subscriberEmailAddresses",
        "notifications[].threshold",
        "notifications[].thresholdType",
        "timeUnit",
    ),
    neutral={
        "tags": TAGS,
        **alike(LABEL, "name", "namePrefix"),
        "notifications[].subscriberSnsTopicArns": "it counts only where the topic lets budgets in",
    },
    refused={
        "accountId": "the budget is of this account: leave it out",
        "autoAdjustData": "a limit that follows spending limits nothing: use `limitAmount`",
        "metrics": _PART,
        "plannedLimits": "one limit holds for every month: use `limitAmount`",
        **alike(_PART, "billingViewArn", "costFilters", "costTypes", "filterExpression"),
        **alike("a budget that begins later or ends", "timePeriodEnd", "timePeriodStart"),
    },
)

KINDS: Final = (BUDGET,)
