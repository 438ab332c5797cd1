import pytest

from components.aws.spending import SpendingArgs
from holdfast.errors import ConfigurationError
from tests.components.stacks import mappings, nodes, preview

BUDGET = "aws:budgets/budget:Budget"


def test_people_hear_early_at_the_limit_and_when_the_forecast_passes_it() -> None:
    (budget,) = nodes("prod", BUDGET)
    heard = {
        (item["notificationType"], item["threshold"])
        for item in mappings(budget.inputs["notifications"])
        if item["subscriberEmailAddresses"] == ["oncall@holdfast.example"]
    }
    assert heard == {("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}
    assert budget.inputs["limitAmount"] == "4000"


def test_a_platform_that_names_nobody_has_no_budget() -> None:
    assert not preview("dev").of_type(BUDGET)
    with pytest.raises(ConfigurationError, match="Name at least one"):
        SpendingArgs(budget_name="b", limit_usd=1, emails=(), tags={})
