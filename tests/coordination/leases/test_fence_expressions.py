"""Whatever expressions a caller writes, the fence neither spoils them nor is got around by them."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import pytest
from boto3.dynamodb.conditions import (
    Attr,
    BuiltConditionExpression,
    ConditionBase,
    ConditionExpressionBuilder,
)
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import event, given, settings
from hypothesis import strategies as st

from holdfast.coordination import Fence
from holdfast.coordination.stores.dynamodb_errors import error_code
from holdfast.errors import ConditionFailedError, LeaseLostError
from tests.coordination.servers import client, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UpdateItemInputTypeDef

T = TypeVar("T")
TABLE = "fenced"
NAMES = {"#n": "n", "#set": "set", "#or": "OR", "#set3": "set3"}
VALUES: dict[str, object] = {":one": 1, ":set": 2}


def _simple(name: str, kind: str, bound: int) -> ConditionBase:
    attribute = Attr(name)
    simple: dict[str, ConditionBase] = {
        "exists": attribute.exists(),
        "not exists": attribute.not_exists(),
        "<=": attribute.lte(bound),
        "between": attribute.between(0, bound),
        "in": attribute.is_in([0, 1]),
    }
    return simple[kind]


def _deeper(parts: st.SearchStrategy[ConditionBase]) -> st.SearchStrategy[ConditionBase]:
    def joined(how: str, left: ConditionBase, right: ConditionBase) -> ConditionBase:
        if how == "not":
            return operator.invert(left)
        return left & right if how == "and" else left | right

    return st.builds(joined, st.sampled_from(["and", "or", "not"]), parts, parts)


def _build(condition: ConditionBase) -> BuiltConditionExpression:
    return ConditionExpressionBuilder().build_expression(condition)


built = st.recursive(
    st.builds(
        _simple,
        st.sampled_from(["n", "set", "OR", "two words"]),
        st.sampled_from(["exists", "not exists", "<=", "between", "in"]),
        st.integers(0, 2),
    ),
    _deeper,
    max_leaves=5,
).map(_build)
"""Conditions as boto3's builder makes them."""

written = st.recursive(
    st.sampled_from(["#n=:one", "#set <= :set", "attribute_exists(#or)", "NOT n = :set", "n>:one"]),
    lambda parts: st.one_of(
        st.builds("{} {} {}".format, parts, st.sampled_from(["OR", "and", "Or"]), parts),
        st.builds("({}){}({})".format, parts, st.sampled_from(["OR", "AND", " or\n"]), parts),
        st.builds("not({})".format, parts),
        parts.map("({})".format),
    ),
    max_leaves=5,
)
"""Conditions as people write them, some of which DynamoDB refuses."""

_assignments = st.lists(
    st.sampled_from(["#set = :one", "#or=:set", "n4 = if_not_exists(n4, :one)"]),
    min_size=1,
    unique=True,
).map(",".join)
updates = st.lists(
    st.one_of(
        st.builds("{} {}".format, st.sampled_from(["SET", "set", "Set\n"]), _assignments),
        st.just("SET#set = :one"),
        st.builds("{} #n :one".format, st.sampled_from(["ADD", "add"])),
        st.builds("{} n2, #set3".format, st.sampled_from(["REMOVE", "remove\t"])),
    ),
    min_size=1,
    max_size=3,
    # DynamoDB takes each clause once.
    unique_by=lambda clause: clause[0].lower(),
).map(" ".join)


def _used(text: str, known: Mapping[str, T]) -> dict[str, T]:
    """The placeholders that stand in a text; DynamoDB refuses any other."""
    return {name: value for name, value in known.items() if re.search(rf"{name}(?!\w)", text)}


def _request(
    key: str, condition: BuiltConditionExpression | str | None, update: str
) -> "UpdateItemInputTypeDef":
    request: UpdateItemInputTypeDef = {
        "TableName": TABLE,
        "Key": {"pk": {"S": key}},
        "UpdateExpression": update,
    }
    names, values, expression = NAMES, VALUES, condition
    if isinstance(condition, BuiltConditionExpression):
        expression = condition.condition_expression
        names = {**names, **condition.attribute_name_placeholders}
        values = {**values, **condition.attribute_value_placeholders}
    if isinstance(expression, str):
        request["ConditionExpression"] = expression
    text, serialize = f"{expression} {update}", TypeSerializer().serialize
    if used := _used(text, names):
        request["ExpressionAttributeNames"] = used
    if asked := _used(text, values):
        request["ExpressionAttributeValues"] = {each: serialize(asked[each]) for each in asked}
    return request


def _outcome(send: Callable[[], object]) -> str:
    try:
        send()
    except ConditionFailedError:
        return "ConditionalCheckFailedException"
    except LeaseLostError:
        return "lost"
    except ClientError as error:
        return error_code(error)
    return "applied"


@pytest.fixture(scope="module")
def port(dynamodb_local: int) -> int:
    create_table(dynamodb_local, TABLE)
    return dynamodb_local


@pytest.mark.slow
@pytest.mark.java
@given(condition=st.none() | built | written, update=updates, n=st.integers(0, 2))
@settings(max_examples=150)
def test_a_fenced_write_is_taken_exactly_where_the_same_is_without_a_fence(
    port: int, condition: BuiltConditionExpression | str | None, update: str, n: int
) -> None:
    dynamo, item = client(port), {"n": {"N": str(n)}, "fence": {"N": "5"}}

    def outcome(key: str, send: Callable[["UpdateItemInputTypeDef"], object]) -> str:
        dynamo.put_item(TableName=TABLE, Item={"pk": {"S": key}, **item})
        return _outcome(lambda: send(_request(key, condition, update)))

    def found(key: str) -> Mapping[str, object]:
        answer = dynamo.get_item(TableName=TABLE, Key={"pk": {"S": key}})
        return {name: value for name, value in answer.get("Item", {}).items() if name != "pk"}

    plain = outcome("plain", lambda request: dynamo.update_item(**request))
    event(plain)
    assert outcome("fenced", lambda request: Fence(6).update_item(dynamo, request)) == plain
    fence = {"N": "6" if plain == "applied" else "5"}
    assert found("fenced") == {**found("plain"), "fence": fence}
    stale = outcome("stale", lambda request: Fence(4).update_item(dynamo, request))
    assert stale == ("ValidationException" if plain == "ValidationException" else "lost")
    assert found("stale") == item
