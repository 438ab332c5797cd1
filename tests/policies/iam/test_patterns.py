"""Patterns as sets of texts, beside the sets themselves."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.iam.patterns import arn_covers, covers, matches, overlap

TEXTS = tuple("".join(some) for size in range(7) for some in itertools.product("ab", repeat=size))
PATTERNS = st.text(alphabet="ab*?", max_size=4)


def _set(pattern: str) -> set[str]:
    parts = {"*": ".*", "?": "."}
    read = re.compile("".join(parts.get(letter, letter) for letter in pattern))
    return {text for text in TEXTS if read.fullmatch(text)}


@given(PATTERNS, PATTERNS)
def test_two_patterns_overlap_when_a_text_fits_both(one: str, other: str) -> None:
    # Of two patterns of four the shortest common text has at most six letters.
    assert overlap(one, other) == bool(_set(one) & _set(other))


@given(st.lists(PATTERNS, max_size=3), PATTERNS)
def test_patterns_cover_another_when_every_text_of_it_fits_one_of_them(
    patterns: list[str], other: str
) -> None:
    together = set[str]().union(*map(_set, patterns))
    if covers(patterns, other):
        assert _set(other) <= together
    else:
        # A text of letters that no pattern names may be what is left over.
        assert not _set(other) <= together or "?" in other or "*" in other


@given(PATTERNS, st.sampled_from(TEXTS))
def test_a_pattern_matches_what_is_in_its_set(pattern: str, text: str) -> None:
    assert matches(pattern, text) == (text in _set(pattern))


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("arn:aws:s3:::b*", "*:s3:::*-objects", True),
        ("arn:aws:s3:::b*", "arn:aws:s3:::holdfast*", False),
        ("arn:aws:dynamodb:eu-*:1:table/t", "arn:aws:dynamodb:eu-west-2:*:*", True),
        ("arn:aws:dynamodb:eu-*:1:table/t", "arn:aws:dynamodb:us-*:*:*", False),
        ("*", "", True),
        ("?", "", False),
    ],
)
def test_arns_overlap_by_what_they_stand_for(one: str, other: str, *, shared: bool) -> None:
    assert overlap(one, other) is shared
    assert overlap(other, one) is shared


def test_several_together_can_cover_what_none_covers_alone() -> None:
    assert covers(("a*", "?", "b*", ""), "a*")
    assert covers(("*a", "*b", ""), "?a")
    assert not covers(("*a", "*b"), "*")
    assert not covers(("a?", "a??*"), "a*")
    assert covers(("a", "a?", "a??*"), "a*")


def test_a_star_in_one_part_of_a_denied_arn_stands_for_no_colon() -> None:
    table = "arn:aws:dynamodb:eu-west-1:1:table/t"
    assert arn_covers(("arn:aws:dynamodb:*:1:table/*",), table)
    assert not arn_covers(("arn:aws:dynamodb:*",), table)
    assert not arn_covers(("arn:aws:dynamodb:*:table/t",), table)
    assert arn_covers(("*",), table)
