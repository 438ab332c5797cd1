from datetime import date

import pytest

from policies.waivers import WAIVERS, Waiver, is_waived, wrong_waivers

REASON = "accepted by the platform team until the table is moved"
TODAY = date(2026, 11, 23)


def waiver(
    rule: str = "table-replicated", reason: str = REASON, expires: date = date(2026, 12, 1)
) -> Waiver:
    return Waiver(rule=rule, urn="urn:*::table", reason=reason, expires=expires)


def test_a_waiver_covers_its_rule_and_its_resources_only() -> None:
    assert is_waived((waiver(),), "table-replicated", "urn:pulumi:s::p::t::table", TODAY)
    assert not is_waived((waiver(),), "table-encrypted", "urn:pulumi:s::p::t::table", TODAY)
    assert not is_waived((waiver(),), "table-replicated", "urn:pulumi:s::p::t::other", TODAY)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (waiver(expires=TODAY), "expired"),
        (waiver(reason="because"), "no reason"),
        (waiver(rule="no-such-rule"), "names no rule"),
    ],
)
def test_a_waiver_that_is_not_in_order_is_a_violation(wrong: Waiver, what: str) -> None:
    (violation,) = wrong_waivers((wrong,), frozenset({"table-replicated"}), TODAY)
    assert what in violation.found


@pytest.mark.parametrize("wrong", [waiver(expires=TODAY), waiver(reason="because")])
def test_a_waiver_that_is_not_in_order_covers_nothing(wrong: Waiver) -> None:
    assert not is_waived((wrong,), "table-replicated", "urn:pulumi:s::p::t::table", TODAY)


def test_a_waiver_in_order_is_no_violation() -> None:
    assert not list(wrong_waivers((waiver(),), frozenset({"table-replicated"}), TODAY))


def test_the_waivers_of_this_repository_are_in_order() -> None:
    assert not [item for item in WAIVERS if len(item.reason) < len("0123456789")]
