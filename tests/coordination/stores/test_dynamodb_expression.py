"""What is sent to DynamoDB is what it accepts; the stores' suite has it carried out as well."""

import re
from collections.abc import Mapping

import pytest
from boto3.dynamodb.conditions import Attr
from hypothesis import given

from holdfast.coordination import Item, Update
from holdfast.coordination.stores.dynamodb_expression import (
    Expressions,
    conjunction,
    simplified,
    with_assignment,
)
from holdfast.coordination.stores.store import (
    Absent,
    AllOf,
    Always,
    AnyOf,
    AtMost,
    Condition,
    Equals,
    holds,
)
from holdfast.errors import ConfigurationError
from tests.coordination.stores.conditions import conditions, items

A, B, C = (Equals(name, 1) for name in "abc")


def groups(expression: str) -> list[tuple[int, int]]:
    """Where each parenthesis that groups, and is no function's, begins and ends."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for place, character in enumerate(expression):
        if character == "(":
            opened.append(place)
        elif character == ")":
            begin = opened.pop()
            if not re.search(r"\w$", expression[:begin]):
                found.append((begin, place))
    return found


def outside_groups(expression: str) -> str:
    """An expression without what stands in its parentheses."""
    while (shorter := re.sub(r"\([^()]*\)", "", expression)) != expression:
        expression = shorter
    return expression


def spelt_out(expression: str, expressions: Expressions) -> str:
    """An expression with what its placeholders stand for in their place."""
    for placeholder, name in expressions.names.items():
        expression = expression.replace(placeholder, name)
    for placeholder, value in expressions.values.items():
        expression = expression.replace(placeholder, str(next(iter(value.values()))))
    return expression


@given(conditions)
def test_no_parentheses_are_sent_that_could_be_left_out(condition: Condition) -> None:
    expression = Expressions("pk").condition(condition)
    for begin, end in groups(expression):
        assert " OR " in outside_groups(expression[begin + 1 : end])
        assert re.search(r" AND $", expression[:begin]) or expression[end + 1 :].startswith(" AND ")


@given(conditions, items)
def test_the_fewest_parts_of_a_condition_mean_the_same(condition: Condition, item: Item) -> None:
    assert holds(simplified(condition), item) is holds(condition, item)
    assert holds(simplified(condition), None) is holds(condition, None)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Always(), ""),
        (Absent("a"), "attribute_not_exists(a)"),
        (AllOf(()), ""),
        (AnyOf(()), "attribute_exists(pk) AND attribute_not_exists(pk)"),
        (AllOf((A,)), "a = 1"),
        (AllOf((AnyOf((A, B)), Always())), "a = 1 OR b = 1"),
        (AnyOf((A, AllOf((B, Always())), AnyOf(()))), "a = 1 OR b = 1"),
        (AnyOf((A, Always())), ""),
        (AllOf((A, AllOf((B, C)))), "a = 1 AND b = 1 AND c = 1"),
        (AllOf((A, AnyOf((B, C)))), "a = 1 AND (b = 1 OR c = 1)"),
        (AnyOf((A, AllOf((B, C)))), "a = 1 OR b = 1 AND c = 1"),
        (AllOf((A, AnyOf(()))), "attribute_exists(pk) AND attribute_not_exists(pk)"),
        (AllOf((AtMost("a", bound=True), Equals("b", value=True))), "a <= 1 AND b = True"),
    ],
    ids=str,
)
def test_a_condition_is_put_in_the_fewest_parts(condition: Condition, expected: str) -> None:
    expressions = Expressions("pk")
    assert spelt_out(expressions.condition(condition), expressions) == expected


@pytest.mark.parametrize(
    ("assign", "add", "remove", "expected"),
    [
        ({}, {}, (), ""),
        ({"set": 1, "b": "x"}, {"c": -1}, ("d",), "SET set = 1, b = x ADD c -1 REMOVE d"),
        ({}, {}, ("a", "b", "a"), "REMOVE a, b"),
        ({"a": 2, "b": 1}, {"a": 3}, (), "SET a = 5, b = 1"),
        ({"a": 2, "b": "x"}, {"a": 3, "c": 1}, ("a", "b", "c"), "REMOVE a, b, c"),
        ({"a": True}, {"b": True}, (), "SET a = True ADD b 1"),
    ],
)
def test_a_change_names_each_attribute_once(
    assign: Item, add: Mapping[str, int], remove: tuple[str, ...], expected: str
) -> None:
    expressions = Expressions("pk")
    update = Update(key="a", when=Always(), assign=assign, add=add, remove=remove)
    assert spelt_out(expressions.changes(update), expressions) == expected


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (None, "a OR b"),
        ("  ", "a OR b"),
        ("c = d", "(a OR b) AND c = d"),
        ("c OR d", "(a OR b) AND (c OR d)"),
        ("c or d", "(a OR b) AND (c or d)"),
        ("(c)OR(d)", "(a OR b) AND ((c)OR(d))"),
        (" (c OR d) ", "(a OR b) AND (c OR d)"),
        ("(c OR d) AND e", "(a OR b) AND (c OR d) AND e"),
        ("((c AND d) OR e)", "(a OR b) AND ((c AND d) OR e)"),
        ("NOT (c OR d)", "(a OR b) AND NOT (c OR d)"),
        ("#or = :OR", "(a OR b) AND #or = :OR"),
        ("contains(c, :d)", "(a OR b) AND contains(c, :d)"),
    ],
)
def test_a_condition_of_somebody_elses_is_joined_without_doubling_its_parentheses(
    theirs: str | None, expected: str
) -> None:
    assert conjunction("a OR b", theirs) == expected


@pytest.mark.parametrize("theirs", ["c) OR (d", "(c", "c)", "(c))", ")c("])
def test_a_condition_that_would_open_a_way_around_is_refused(theirs: str) -> None:
    with pytest.raises(ConfigurationError, match="parentheses that do not pair"):
        conjunction("a OR b", theirs)


def test_a_condition_that_is_no_text_is_refused_with_what_makes_one() -> None:
    condition = Attr("a").eq(1) & Attr("b").exists()
    with pytest.raises(ConfigurationError, match=r"type And; .* ConditionExpressionBuilder"):
        conjunction("a OR b", condition)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (None, "SET f = t"),
        (" ", "SET f = t"),
        ("SET#b = :o", "SET f = t, #b = :o"),
        ("set\n\t#b=:o", "SET f = t, #b=:o"),
        ("ADD n :one SeT a = :a", "ADD n :one SET f = t, a = :a"),
        ("REMOVE a[0]SET b = :o", "REMOVE a[0]SET f = t, b = :o"),
        ("SET b = if_not_exists(b, :o)REMOVE c", "SET f = t, b = if_not_exists(b, :o)REMOVE c"),
        ("REMOVE #set, #reset", "SET f = t REMOVE #set, #reset"),
        ("ADD reset :set", "SET f = t ADD reset :set"),
        ("DELETE tags :SET", "SET f = t DELETE tags :SET"),
    ],
)
def test_an_assignment_joins_the_clause_that_is_there(theirs: str | None, expected: str) -> None:
    assert with_assignment(theirs, "f = t") == expected
