"""Tells people when a month's spending goes past what was planned.

Guarantees:
    At 80 % of the limit, at all of it, and when the forecast passes it, the people named get a
    message.

Does not guarantee:
    That anything stops: AWS knows what was spent 8 to 24 hours later. Budgets that stop agents
    are the runtime's, in the rate-limit cluster. That only this platform is counted: AWS
    counts the account, so each environment should have its own.

Costs:
    Nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from holdfast.errors import ConfigurationError

EARLY_PERCENT = 80
LIMIT_PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class SpendingArgs:
    """The limit, and who hears of it.

    Attributes:
        budget_name: Unique in the account.
        limit_usd: For each calendar month.
        emails: Ten at most.
        tags: For the budget.

    Raises:
        ConfigurationError: If nobody would hear of it.
    """

    budget_name: str
    limit_usd: int
    emails: tuple[str, ...]
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.emails:
            raise ConfigurationError(
                f"Nobody would hear that {self.budget_name} is spent: no addresses are given. "
                "Name at least one, or make no budget."
            )


class Spending(pulumi.ComponentResource):
    """One monthly budget of the account.

    Attributes:
        budget_name: Known once the budget is there.
    """

    budget_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: SpendingArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("holdfast:aws:Spending", name, None, opts)

        budget = aws.budgets.Budget(
            name,
            name=args.budget_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.limit_usd),
            limit_unit="USD",
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_email_addresses": list(args.emails),
                }
                for kind, percent in (
                    ("ACTUAL", EARLY_PERCENT),
                    ("ACTUAL", LIMIT_PERCENT),
                    ("FORECASTED", LIMIT_PERCENT),
                )
            ],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.budget_name = budget.name
        self.register_outputs({"budgetName": self.budget_name})
