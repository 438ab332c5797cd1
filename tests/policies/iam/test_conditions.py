"""Conditions in three answers, operator by operator."""

import pytest

from policies.iam.conditions import ABSENT, MAYBE, NO, YES, Answer, Fact, hold
from policies.iam.documents import Statement

KILL = Fact(("kill",))
BOTH = Fact(("kill", "x"))
SOME = Fact(("kill",), open=True)
LEADING = "dynamodb:LeadingKeys"


def _answer(operator: str, key: str, values: str | list[str], *facts: Fact) -> Answer:
    condition = {operator: {key: tuple([values] if isinstance(values, str) else values)}}
    statement = Statement(effect="Allow", actions=("*",), conditions=condition)
    return hold(statement, {key.lower(): fact for fact in facts})


@pytest.mark.parametrize(
    ("operator", "values", "fact", "answer"),
    [
        ("StringEquals", "a", Fact(("a",)), YES),
        ("StringEquals", "A", Fact(("a",)), NO),
        ("stringequals", ["b", "a"], Fact(("a",)), YES),
        ("StringEquals", "a", ABSENT, NO),
        ("StringEqualsIfExists", "a", ABSENT, YES),
        ("StringEqualsIfExists", "a", Fact(("b",)), NO),
        ("StringNotEquals", "a", Fact(("a",)), NO),
        ("StringNotEquals", ["a", "b"], Fact(("b",)), NO),
        ("StringNotEquals", "a", ABSENT, YES),
        ("StringEqualsIgnoreCase", "A", Fact(("a",)), YES),
        ("StringNotEqualsIgnoreCase", "A", Fact(("a",)), NO),
        ("StringLike", "a*", Fact(("abc",)), YES),
        ("StringEquals", "a*", Fact(("abc",)), NO),
        ("StringNotLike", "a*", Fact(("abc",)), NO),
        ("StringLike", "*", ABSENT, NO),
        ("ArnEquals", "arn:aws:iam::*:role/x", Fact(("arn:aws:iam::1:role/x",)), YES),
        ("ArnLike", "arn:aws:iam::*", Fact(("arn:aws:iam::1:role/x",)), NO),
        ("ArnNotLike", "arn:aws:iam::2:*", Fact(("arn:aws:iam::1:role/x",)), YES),
        ("ArnLike", "no ARN", Fact(("arn:aws:iam::1:role/x",)), NO),
        ("NumericLessThan", "10", Fact(("9.5",)), YES),
        ("NumericLessThanEquals", "10", Fact(("10",)), YES),
        ("NumericGreaterThan", "10", Fact(("10",)), NO),
        ("NumericGreaterThanEquals", "10", Fact(("10",)), YES),
        ("NumericEquals", "1", Fact(("1.0",)), YES),
        ("NumericNotEquals", "1", Fact(("1.0",)), NO),
        ("NumericEquals", "one", Fact(("1",)), NO),
        ("DateLessThan", "2020-01-01T00:00:00Z", Fact(("2026-01-01T00:00:00Z",)), NO),
        ("DateGreaterThan", "1577836800", Fact(("2026-01-01",)), YES),
        ("Bool", "true", Fact(("True",)), YES),
        ("Bool", "false", ABSENT, NO),
        ("BoolIfExists", "false", ABSENT, YES),
        ("BinaryEquals", "QmFzZQ==", Fact(("QmFzZQ==",)), YES),
        ("IpAddress", "192.0.2.0/24", Fact(("192.0.2.7",)), YES),
        ("NotIpAddress", "192.0.2.0/24", Fact(("192.0.2.7",)), NO),
        ("IpAddress", "2001:db8::/32", Fact(("192.0.2.7",)), NO),
        ("Null", "true", ABSENT, YES),
        ("Null", "false", ABSENT, NO),
        ("Null", "false", Fact(("x",)), YES),
        ("Null", ["true", "false"], Fact(("x",)), YES),
        ("StringNearly", "a", Fact(("a",)), MAYBE),
        ("ForSomeValues:StringEquals", "a", Fact(("a",)), MAYBE),
    ],
)
def test_an_operator_compares_as_aws_says(
    operator: str, values: str | list[str], fact: Fact, answer: Answer
) -> None:
    assert _answer(operator, "aws:Any", values, fact) is answer


@pytest.mark.parametrize(
    ("operator", "fact", "answer"),
    [
        ("ForAnyValue:StringEquals", BOTH, YES),
        ("ForAllValues:StringEquals", BOTH, NO),
        ("ForAllValues:StringEquals", KILL, YES),
        ("ForAllValues:StringEquals", ABSENT, YES),
        ("ForAnyValue:StringEquals", ABSENT, NO),
        ("ForAnyValue:StringEqualsIfExists", ABSENT, MAYBE),
        ("ForAnyValue:StringNotEquals", BOTH, YES),
        ("ForAllValues:StringNotEquals", BOTH, NO),
        ("ForAnyValue:StringEquals", SOME, YES),
        ("ForAllValues:StringEquals", SOME, MAYBE),
        ("ForAllValues:StringNotEquals", SOME, NO),
        # What AWS leaves open is not decided here.
        ("StringEquals", KILL, MAYBE),
    ],
)
def test_several_values_are_compared_each_by_each(
    operator: str, fact: Fact, answer: Answer
) -> None:
    assert _answer(operator, LEADING, "kill", fact) is answer


@pytest.mark.parametrize("operator", ["StringEquals", "Null", "ForAllValues:StringLike"])
def test_what_is_not_known_of_a_request_is_not_decided(operator: str) -> None:
    assert _answer(operator, "aws:SourceIp", "true") is MAYBE


def test_all_conditions_have_to_hold() -> None:
    condition = {"StringEquals": {"a:b": ("x",), "a:c": ("y",)}}
    statement = Statement(effect="Allow", actions=("*",), conditions=condition)
    met = {"a:b": Fact(("x",)), "a:c": Fact(("y",))}
    assert hold(statement, met) is YES
    assert hold(statement, {**met, "a:c": Fact(("z",))}) is NO
    assert hold(statement, {"a:b": Fact(("x",))}) is MAYBE


@pytest.mark.parametrize(
    ("value", "facts", "answer"),
    [
        ("${aws:PrincipalAccount}-b", {"aws:principalaccount": Fact(("1",))}, YES),
        ("${aws:PrincipalAccount}-c", {"aws:principalaccount": Fact(("1",))}, NO),
        ("${aws:username}-b", {}, MAYBE),
        ("${aws:username}-c", {}, NO),
        ("${aws:username, '1'}-b", {"aws:username": ABSENT}, YES),
    ],
)
def test_a_variable_stands_for_what_the_request_says(
    value: str, facts: dict[str, Fact], answer: Answer
) -> None:
    condition = {"StringLike": {"s3:prefix": (value,)}}
    statement = Statement(effect="Allow", actions=("*",), conditions=condition)
    assert hold(statement, {"s3:prefix": Fact(("1-b",)), **facts}) is answer


def test_in_the_first_version_of_the_language_a_variable_is_its_characters() -> None:
    condition = {"StringEquals": {"s3:prefix": ("${aws:username}",)}}
    statement = Statement(effect="Allow", actions=("*",), conditions=condition, variables=False)
    known = {"s3:prefix": Fact(("me",)), "aws:username": Fact(("me",))}
    assert hold(statement, known) is NO
