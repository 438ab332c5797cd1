"""The table of limits reads as a table: one sentence a line, none twice."""

from holdfast.twin.limits import LIMITS
from holdfast.twin.resolver.health import CHECKER_REGIONS


def test_every_limit_is_one_sentence_and_stands_once() -> None:
    assert len({limit.text for limit in LIMITS}) == len(LIMITS)
    assert all(limit.subject and limit.text.endswith(".") for limit in LIMITS)


def test_the_number_of_checkers_is_the_one_that_is_told() -> None:
    assert len(CHECKER_REGIONS) == 8
    assert any("eight locations" in limit.text for limit in LIMITS)
