"""A stale holder's write fails in the item that it would change."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from holdfast.coordination import Fence, Get, MemoryStore, Outcome, Put, Update
from holdfast.coordination.stores.aio_dynamodb import async_dynamodb_client
from holdfast.coordination.stores.store import Absent, Always, Equals
from holdfast.errors import ConditionFailedError, ConfigurationError, LeaseLostError
from tests.coordination.servers import TABLE, client, environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef, UpdateItemInputTypeDef


def test_a_token_that_no_lease_has_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="token=0 is no fencing token"):
        Fence(0)


@given(st.lists(st.integers(min_value=1, max_value=6), min_size=1, max_size=20))
def test_the_tokens_that_get_through_never_shrink(tokens: list[int]) -> None:
    store = MemoryStore()
    through = [
        token
        for token in tokens
        if store.call(Fence(token).guard(Update(key="a", when=Always(), add={"writes": 1}))).outcome
        is Outcome.APPLIED
    ]
    assert through == sorted(through)
    highest = 0
    for token in tokens:
        assert (token in through) or token < max(tokens)
        highest = max(highest, token)
    assert store.call(Get("a")).item == {"writes": len(through), "fence": max(through)}


def test_a_guarded_put_keeps_its_own_condition() -> None:
    store = MemoryStore()
    put = Put(key="a", when=Absent("done"), item={"done": True})
    assert store.call(Fence(2).guard(put)).outcome is Outcome.APPLIED
    assert store.call(Fence(3).guard(put)).outcome is Outcome.REFUSED
    assert store.call(Get("a")).item == {"done": True, "fence": 2}


@pytest.mark.parametrize(
    ("given_expression", "expected"),
    [
        ("", "SET #holdfast_fence = :holdfast_token"),
        ("SET a = :a", "SET #holdfast_fence = :holdfast_token, a = :a"),
        ("ADD n :one set a = :a", "ADD n :one SET #holdfast_fence = :holdfast_token, a = :a"),
        ("REMOVE #set", "SET #holdfast_fence = :holdfast_token REMOVE #set"),
        ("ADD reset :set", "SET #holdfast_fence = :holdfast_token ADD reset :set"),
    ],
)
def test_the_fence_is_woven_into_any_update(given_expression: str, expected: str) -> None:
    request = Fence(1).guard_update(
        {"TableName": "t", "Key": {"pk": {"S": "a"}}, "UpdateExpression": given_expression}
    )
    assert request.get("UpdateExpression") == expected


def test_a_condition_of_the_callers_opens_no_way_around_the_fence() -> None:
    guarded = Fence(1).guard_update(
        {"TableName": "t", "Key": {"pk": {"S": "a"}}, "ConditionExpression": "n = :one OR n = :two"}
    )
    assert guarded.get("ConditionExpression") == (
        "(attribute_not_exists(#holdfast_fence) OR #holdfast_fence <= :holdfast_token)"
        " AND (n = :one OR n = :two)"
    )


def test_the_callers_request_is_left_as_it_was() -> None:
    names = {"#a": "a"}
    Fence(1).guard_put(
        {
            "TableName": "t",
            "Item": {"pk": {"S": "a"}},
            "ConditionExpression": "attribute_exists(#a)",
            "ExpressionAttributeNames": names,
        }
    )
    assert names == {"#a": "a"}


def test_a_write_is_fenced_once() -> None:
    put: PutItemInputTypeDef = {"TableName": "t", "Item": {"pk": {"S": "a"}}}
    with pytest.raises(ConfigurationError, match="has a fence already, on attribute fence"):
        Fence(2, "other").guard_put(Fence(1).guard_put(put))


@pytest.mark.parametrize(
    "update",
    [
        Update(key="a", when=Always(), add={"fence": 1}),
        Update(key="a", when=Always(), remove=("fence",)),
    ],
)
def test_only_the_fence_writes_its_attribute(update: Update) -> None:
    with pytest.raises(ConfigurationError, match="adds to fence or removes it"):
        Fence(1).guard(update)


@pytest.mark.slow
def test_dynamodb_refuses_the_stale_and_accepts_the_latest(server: int) -> None:
    dynamo = client(server)
    key = {"pk": {"S": "fenced"}}
    Fence(5).put_item(dynamo, {"TableName": TABLE, "Item": {**key, "n": {"N": "1"}}})
    with pytest.raises(LeaseLostError, match="written with token 5; this writer's is 4"):
        Fence(4).update_item(
            dynamo,
            {
                "TableName": TABLE,
                "Key": key,
                "UpdateExpression": "ADD n :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
        )
    with pytest.raises(LeaseLostError):
        Fence(4).put_item(dynamo, {"TableName": TABLE, "Item": {**key}})
    changed = Fence(5).update_item(
        dynamo,
        {
            "TableName": TABLE,
            "Key": key,
            "UpdateExpression": "SET #set = :v ADD n :one",
            "ConditionExpression": "n = :one OR n = :two",
            "ExpressionAttributeNames": {"#set": "set"},
            "ExpressionAttributeValues": {
                ":one": {"N": "1"},
                ":two": {"N": "2"},
                ":v": {"S": "x"},
            },
            "ReturnValues": "ALL_NEW",
        },
    )
    assert changed["Attributes"] == {
        **key,
        "n": {"N": "2"},
        "set": {"S": "x"},
        "fence": {"N": "5"},
    }


@pytest.mark.slow
def test_dynamodb_refuses_a_stale_task_too(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    key = {"pk": {"S": "fenced by tasks"}}
    add: UpdateItemInputTypeDef = {
        "TableName": TABLE,
        "Key": key,
        "UpdateExpression": "ADD n :one",
        "ConditionExpression": "n < :two",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":two": {"N": "2"}},
        "ReturnValues": "ALL_NEW",
    }

    async def story() -> None:
        async with async_dynamodb_client() as dynamo:
            await Fence(5).put_item_async(
                dynamo, {"TableName": TABLE, "Item": {**key, "n": {"N": "1"}}}
            )
            with pytest.raises(LeaseLostError, match="written with token 5; this writer's is 4"):
                await Fence(4).put_item_async(dynamo, {"TableName": TABLE, "Item": {**key}})
            with pytest.raises(LeaseLostError, match="written with token 5; this writer's is 4"):
                await Fence(4).update_item_async(dynamo, add)
            changed = await Fence(6).update_item_async(dynamo, add)
            assert changed["Attributes"] == {**key, "n": {"N": "2"}, "fence": {"N": "6"}}
            with pytest.raises(ConditionFailedError, match="the request's own condition"):
                await Fence(6).update_item_async(dynamo, add)
            with pytest.raises(ClientError, match="ResourceNotFound"):
                await Fence(6).update_item_async(dynamo, {**add, "TableName": "nowhere"})

    asyncio.run(story())


@pytest.mark.slow
def test_dynamodb_tells_a_lost_lease_from_a_failed_condition_and_from_an_error(
    server: int,
) -> None:
    dynamo = client(server)
    key = {"pk": {"S": "conditional"}}
    Fence(2).put_item(dynamo, {"TableName": TABLE, "Item": {**key}})
    with pytest.raises(ConditionFailedError, match="the request's own condition"):
        Fence(3).put_item(
            dynamo,
            {
                "TableName": TABLE,
                "Item": {**key},
                "ConditionExpression": "attribute_not_exists(pk)",
            },
        )
    with pytest.raises(dynamo.exceptions.ResourceNotFoundException):
        Fence(3).put_item(dynamo, {"TableName": "nowhere", "Item": {**key}})


def test_a_condition_of_the_fence_can_be_combined() -> None:
    store = MemoryStore()
    store.call(Put(key="a", when=Always(), item={"fence": 3, "state": "open"}))
    close = Update(key="a", when=Equals("state", "open"), assign={"state": "closed"})
    assert store.call(Fence(2).guard(close)).outcome is Outcome.REFUSED
    assert store.call(Fence(4).guard(close)).outcome is Outcome.APPLIED
    assert store.call(Fence(4).guard(close)).outcome is Outcome.REFUSED
