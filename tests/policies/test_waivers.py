"""Waivers accept one violation of one resource for a while, and only while it is there."""

from dataclasses import replace
from datetime import date

import pytest

from policies.core.contract import environment_of
from policies.core.kinds import TABLE
from policies.core.rule import Rule
from policies.pack import RULES
from policies.waivers import WAIVERS, Waiver, today, waived, wrong_waivers
from tests.policies.specs import Spec, changed, compliant, stack_of, tags

BY_ID = {rule.id: rule for rule in RULES}
RULE = BY_ID["table-recoverable"]
TODAY = date(2026, 11, 23)
WAIVER = Waiver(
    rule=RULE.id,
    urn=f"urn:pulumi:s::p::{TABLE}::coordination",
    reason="the platform team moves this table to another account until the middle of December",
    owner="@acme/platform",
    granted=date(2026, 11, 1),
    expires=date(2026, 12, 15),
)
BROKEN = changed("coordination", "pointInTimeRecovery.enabled", value=False)


def faults(waiver: Waiver, specs: dict[str, Spec] = BROKEN, today: date = TODAY) -> str:
    found = wrong_waivers((waiver,), RULES, stack_of(specs), today)
    return "; ".join(violation.found for violation in found)


def accepted(waiver: Waiver, specs: dict[str, Spec] = BROKEN, rule: Rule = RULE) -> list[str]:
    return [urn for urn, _ in waived(waiver, rule, stack_of(specs), TODAY)]


def of_environment(specs: dict[str, Spec], environment: str) -> dict[str, Spec]:
    for spec in specs.values():
        if "tags" in spec.inputs:
            spec.inputs["tags"] = {
                **spec.inputs["tags"],
                "holdfast:environment": environment,
            }
    specs["contract"].inputs["platform"]["environment"] = environment
    return specs


def test_a_waiver_in_order_accepts_its_violation_and_is_none_itself() -> None:
    assert accepted(WAIVER) == [WAIVER.urn]
    assert faults(WAIVER) == ""
    assert "@acme/platform" in str(WAIVER)


def test_it_may_leave_the_project_and_the_parents_open() -> None:
    assert accepted(replace(WAIVER, urn=f"urn:pulumi:s::*::*{TABLE}::coordination"))


def test_it_covers_its_rule_and_its_resource_only() -> None:
    assert not accepted(replace(WAIVER, rule="table-encrypted"))
    assert not accepted(replace(WAIVER, urn=f"urn:pulumi:s::p::{TABLE}::other"))
    assert not accepted(WAIVER, rule=BY_ID["table-replicated"])


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (replace(WAIVER, urn="*"), "no one resource"),
        (replace(WAIVER, urn="urn:*::coordination"), "no one resource"),
        (replace(WAIVER, urn="urn:pulumi:s::p::*::coordination"), "no one resource"),
        (replace(WAIVER, urn="urn:pulumi:s::p::*:Table::coordination"), "no one resource"),
        (replace(WAIVER, urn=f"urn:pulumi:*::p::{TABLE}::coordination"), "no one resource"),
        (replace(WAIVER, urn=f"urn:pulumi:s::p::{TABLE}::co*"), "no one resource"),
        (replace(WAIVER, urn=f"urn:pulumi:s::p::{TABLE}::[a-z]oordination"), "no one resource"),
        (replace(WAIVER, reason="because"), "no reason"),
        (replace(WAIVER, reason="todo " * 40), "no reason"),
        (replace(WAIVER, reason="a b c d e f g h i j k"), "no reason"),
        (replace(WAIVER, owner=""), "no owner"),
        (replace(WAIVER, owner="somebody"), "no owner"),
        (replace(WAIVER, expires=TODAY), "expired"),
        (replace(WAIVER, granted=date(2026, 1, 1)), "lasts from"),
        (replace(WAIVER, granted=date(2026, 12, 1)), "granted on"),
        (replace(WAIVER, expires=date(2026, 10, 1)), "lasts from"),
    ],
)
def test_a_waiver_that_is_not_in_order_is_a_violation_and_accepts_nothing(
    wrong: Waiver, what: str
) -> None:
    assert what in faults(wrong)
    assert not accepted(wrong)


def test_a_waiver_of_no_rule_is_a_violation() -> None:
    assert "names no rule" in faults(replace(WAIVER, rule="no-such-rule"))


def test_ninety_days_are_allowed_and_one_more_is_not() -> None:
    start = date(2026, 11, 1)
    assert accepted(replace(WAIVER, granted=start, expires=date(2027, 1, 30)))
    assert not accepted(replace(WAIVER, granted=start, expires=date(2027, 1, 31)))


def test_a_waiver_that_is_no_longer_needed_is_a_violation() -> None:
    assert "accepts nothing" in faults(WAIVER, compliant())
    elsewhere = replace(WAIVER, urn=WAIVER.urn.replace("urn:pulumi:s:", "urn:pulumi:other:"))
    assert faults(elsewhere, compliant()) == "", "it is another stack's"


@pytest.mark.parametrize(
    ("rule", "broken", "name"),
    [
        ("residency-region", ("coordination", "region", "us-east-1"), "coordination"),
        ("kill-switch-final", ("flag", "item", '{"pk": {"S": "kill"}}'), "flag"),
    ],
)
def test_production_waives_nothing_of_residency_and_the_kill_switch(
    rule: str, broken: tuple[str, str, str], name: str
) -> None:
    specs = changed(*broken)
    specs["flag"].ignored = ()
    waiver = replace(WAIVER, rule=rule, urn=f"urn:pulumi:s::p::{specs[name].type}::{name}")
    assert "is of prod" in faults(waiver, specs)
    assert not accepted(waiver, specs, BY_ID[rule])
    staging = of_environment(specs, "staging")
    assert accepted(waiver, staging, BY_ID[rule])
    assert faults(waiver, staging) == ""


def test_a_stack_whose_contract_and_tags_disagree_waives_as_production_does() -> None:
    specs = compliant()
    assert environment_of(stack_of(specs)) == "prod"
    specs["contract"].inputs["platform"]["environment"] = "dev"
    assert environment_of(stack_of(specs)) is None
    assert environment_of(stack_of({"q": Spec(TABLE, {"tags": tags("x")})})) is None


def test_the_waivers_of_this_repository_are_in_order() -> None:
    found = list(wrong_waivers(WAIVERS, RULES, stack_of(compliant()), today()))
    assert not [one for one in found if "accepts nothing" not in one.found]
