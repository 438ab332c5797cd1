"""The page of rules is what the pack says of itself, whole."""

from pathlib import Path
from typing import Final

import pytest

from holdfast.check import page, policies_of
from policies.core.rule import Rule
from policies.pack import RULES

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "policies.md"
PARTS: Final = ("Why: ", "Good: ", "Bad: ", "Fix: ")
CERTAIN: Final = (
    *("EU AI Act Art.", "GDPR Art.", "ISO 27001:2022 A.", "NIST AI RMF ", "PCI DSS ", "SOC 2 "),
)
"""Frameworks whose controls are mapped; a mapping that is not certain is left out."""


@pytest.mark.slow
def test_the_page_is_made_of_what_the_pack_says(updating: bool) -> None:  # noqa: FBT001
    now = page(policies_of(ROOT / "policies"), "Policies", _INTRODUCTION)
    if updating:
        PAGE.write_text(now, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == now, "run `make golden`, and review the difference"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_why_what_is_good_what_is_bad_and_the_fix(rule: Rule) -> None:
    lines = rule.explanation.splitlines()
    assert [line.partition(": ")[0] + ": " for line in lines] == [*PARTS]
    assert all(len(line) > len(part) for line, part in zip(lines, PARTS, strict=True))
    assert rule.description.endswith(".")
    assert all(framework.startswith(CERTAIN) for framework in rule.frameworks)


_INTRODUCTION: Final = (
    "What `holdfast check` asks of a stack, rule by rule, under the items of the checklist; the "
    "same rules hold under `pulumi preview --policy-pack policies`. This page is made of their own "
    "words, which `holdfast rules` lists and `holdfast explain RULE` prints without a network; "
    "`make golden` writes it anew.\n\nA stack is a closed world: what must exist is named, what "
    "may be there is named property by property (`policies/world`), and what no rule accounts for "
    "fails. A value that is not known before deployment is undetermined, and fails like a "
    "violation."
)
