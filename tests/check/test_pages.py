"""What a pack asks for can be listed, explained and made a page of, by its own words."""

import pytest

from holdfast.check import Level, Policy, explanation, listing, page
from holdfast.errors import PolicyRunError

POLICIES = (
    Policy(
        name="state-kept",
        description="State is kept.",
        level=Level.MANDATORY,
        severity="high",
        frameworks="SOC 2 A1.2",
        explanation="Why: it is dear.\nGood: ``kept=True``\nWaive: never.",
        tags=("state-safety",),
    ),
    Policy(name="plain", description="Is plain.", level=Level.ADVISORY, severity="", frameworks=""),
)


def test_rules_are_listed_by_what_they_belong_to() -> None:
    assert listing(POLICIES).splitlines() == [
        "other",
        "  plain (advisory): Is plain.",
        "",
        "state-safety",
        "  state-kept (mandatory, high): State is kept.",
    ]


def test_a_rule_is_explained_with_all_that_its_pack_says() -> None:
    text = explanation(POLICIES, "state-kept")
    for part in ("state-kept (mandatory, high)", "SOC 2 A1.2", "Why: it is dear.", "Waive: never."):
        assert part in text


def test_a_rule_that_is_not_there_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(PolicyRunError, match=r"no rule state-kep\. Did you mean state-kept\?"):
        explanation(POLICIES, "state-kep")


def test_a_page_has_every_rule_under_its_item() -> None:
    text = page(POLICIES, "Rules", "What is asked.")
    assert text.startswith("# Rules\n\nWhat is asked.\n\n## other")
    assert "### state-kept\n\n*mandatory, high.* State is kept.\n\n- **Why**: it is dear." in text
