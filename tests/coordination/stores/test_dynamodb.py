"""The DynamoDB adapter refuses what cannot work, and counts on nothing it does not know."""

import os
import threading

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
    Delete,
    DynamoDbStore,
    Get,
    Lock,
    Outcome,
    Put,
    Request,
    Update,
    dynamodb_client,
)
from holdfast.coordination.leases.partitions import MOST_CALLS
from holdfast.coordination.stores.dynamodb_codec import Codec
from holdfast.coordination.stores.store import Absent, Always, AnyOf, Equals
from holdfast.errors import ConfigurationError, StoreUnavailableError
from tests.coordination.servers import REGION, TABLE, client, create_table, environment

STRONG = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))


MANY = 400


def _error(code: str, message: str = "because") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "UpdateItem")


def test_a_last_writer_wins_table_is_refused_by_its_contract() -> None:
    table = Table(name="state", consistency=Consistency.EVENTUAL, regions=(REGION,))
    with pytest.raises(ConfigurationError, match=r"state is eventual .*strongly consistent table"):
        Codec(table, "pk")


def test_a_client_that_repeats_requests_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"makes up to \d+ attempts .*dynamodb_client"):
        DynamoDbStore(STRONG, client(9))


@pytest.mark.parametrize(
    "code",
    ["ReplicatedWriteConflictException", "ThrottlingException", "RequestLimitExceeded"],
)
def test_a_passing_refusal_is_known_not_to_have_been_applied(code: str) -> None:
    assert Codec(STRONG, "pk").failed(_error(code)).outcome is Outcome.RETRY


@pytest.mark.parametrize("code", ["InternalServerError", "ServiceUnavailable", "SomethingNew"])
def test_an_error_of_the_server_leaves_the_outcome_unknown(code: str) -> None:
    assert Codec(STRONG, "pk").failed(_error(code)).outcome is Outcome.UNKNOWN


def test_a_timeout_leaves_the_outcome_unknown() -> None:
    reply = Codec(STRONG, "pk").failed(ReadTimeoutError(endpoint_url="http://x"))
    assert reply.outcome is Outcome.UNKNOWN
    assert "ReadTimeoutError" in reply.reason


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("AccessDeniedException", "permissions"),
        ("ResourceNotFoundException", "its name"),
        # Of the token service, when a role cannot be taken on.
        ("AccessDenied", "permissions"),
        ("ExpiredToken", "permissions"),
    ],
)
def test_a_final_refusal_is_an_error_that_says_what_to_check(code: str, check: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{TABLE} refuses requests .*Check .*{check}"):
        Codec(STRONG, "pk").failed(_error(code))


# What DynamoDB Local says is asked of it below; these are words of the service's own.
@pytest.mark.parametrize(
    ("message", "check"),
    [
        (
            "Invalid ConditionExpression: The expression has redundant parentheses;",
            "the condition,",
        ),
        ("The provided key element does not match the schema", "key_attribute: it must name"),
        ("Missing the key pk in the item", "key_attribute: it must name"),
        ("Size of hashkey has exceeded the maximum size limit of2048 bytes", "the key: 1 to 2,048"),
        ("Type mismatch for key pk expected: N actual: S", "its type must be S"),
        ("Item size has exceeded the maximum allowed size", "size of the item: 400 KB at most"),
        ("Attempting to store more than 38 significant digits in a Number", "the numbers: 38"),
        ("Something that was never said before", "what DynamoDB names in its answer"),
    ],
)
def test_a_request_that_is_refused_for_good_is_told_what_of_it_to_change(
    message: str, check: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"{message}\)\. Check .*{check}"):
        Codec(STRONG, "pk").failed(_error("ValidationException", message))


@pytest.mark.slow
@pytest.mark.java
@pytest.mark.parametrize(
    ("request_", "check"),
    [
        (Get(""), "the key: 1 to 2,048 bytes"),
        (Get("x" * 2_049), "the key: 1 to 2,048 bytes"),
        (Put(key="a", when=Always(), item={"a": "x" * 410_000}), "the size of the item: 400 KB"),
        (Update(key="a", when=Always(), assign={"a": "x" * 410_000}), "the size of the item"),
        (Put(key="a", when=Always(), item={"a": 10**38 + 1}), "the numbers: 38 significant"),
        (Update(key="a", when=Always(), assign={"a": 10**38 + 1}), "the numbers: 38 significant"),
        (Put(key="a", when=Equals("a", 10**127), item={}), "the numbers: 38 significant"),
        (Update(key="text", when=Always(), add={"text": 1}), "attributes that are added to"),
        (Update(key="a", when=Always(), assign={"": 1}), "the names of attributes"),
        (Put(key="a", when=Always(), item={"": 1}), "the names of attributes"),
        (Update(key="a", when=Absent("x" * 65_536)), "the names of attributes"),
        (
            Delete(key="a", when=AnyOf(tuple(Equals("a", each) for each in range(MANY)))),
            "the condition, of which 4,096 bytes and 300 operators",
        ),
        (
            Update(key="a", when=Always(), assign={f"a{each}": each for each in range(MANY)}),
            "the changes of the update, of which 4,096 bytes",
        ),
    ],
    ids=lambda given: str(given)[:60],
)
def test_what_dynamodb_refuses_is_named(
    dynamodb_local: int, monkeypatch: pytest.MonkeyPatch, request_: Request, check: str
) -> None:
    for name, value in environment(dynamodb_local).items():
        monkeypatch.setenv(name, value)
    table = Table(name="refusals", consistency=Consistency.STRONG, regions=(REGION,))
    if table.name not in client(dynamodb_local).list_tables()["TableNames"]:
        create_table(dynamodb_local, table.name)
    store = DynamoDbStore(table)
    store.call(Put(key="text", when=Always(), item={"text": "a"}))
    with pytest.raises(ConfigurationError, match=rf"refuses requests .*Check .*{check}"):
        store.call(request_)
    with pytest.raises(ConfigurationError, match="key_attribute: it must name the table's"):
        DynamoDbStore(table, key_attribute="id").call(Get("a"))


def test_a_large_number_is_read_in_any_form() -> None:
    found = Codec(STRONG, "pk").applied({"a": {"N": "-12E+40"}, "b": {"N": "1" + "0" * 40}})
    assert found.item == {"a": -12 * 10**40, "b": 10**40}


@pytest.mark.parametrize(
    "update",
    [
        Update(key="a", when=Always(), assign={"pk": "b"}),
        Update(key="a", when=Always(), add={"pk": 1}),
        Update(key="a", when=Always(), remove=("pk",)),
    ],
)
def test_an_update_cannot_change_the_key(update: Update) -> None:
    with pytest.raises(ConfigurationError, match=r"Item a has an attribute pk, .*Name the attrib"):
        Codec(STRONG, "pk").update(update)


def test_a_process_without_credentials_is_told_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    # It keeps the credentials that whoever made it had.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    store = DynamoDbStore(STRONG, dynamodb_client(REGION))
    lock = Lock(store=store, key="a", owner="a", wait_s=0, keeps_trying=True)
    for use in (store.verify, lock.__enter__):
        with pytest.raises(ConfigurationError, match=f"{TABLE} cannot be asked without credential"):
            use()


def test_a_fraction_is_refused_rather_than_misread() -> None:
    with pytest.raises(ConfigurationError, match=r"Attribute n holds \{'N': '1\.5'\}"):
        Codec(STRONG, "pk").applied({"pk": {"S": "a"}, "n": {"N": "1.5"}})
    whole = Codec(STRONG, "pk").applied({"pk": {"S": "a"}, "n": {"N": "-15"}})
    assert whole.item == {"n": -15}


def test_an_attribute_cannot_take_the_place_of_the_key() -> None:
    with pytest.raises(ConfigurationError, match=r"Item a has an attribute pk, .*Name the attrib"):
        Codec(STRONG, "pk").put(Put(key="a", when=Always(), item={"pk": "b"}))


@pytest.mark.slow
def test_a_member_that_shares_many_partitions_keeps_its_connections(
    server: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    store, ready = DynamoDbStore(STRONG), threading.Barrier(MOST_CALLS)

    def ask() -> None:
        ready.wait(10)
        store.call(Get("a"))

    threads = [threading.Thread(target=ask) for _ in range(MOST_CALLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each for each in caplog.messages if "pool is full" in each] == []


@pytest.mark.parametrize(
    "request_",
    [
        Get("a\ud83d"),
        Put(key="a\ud83d", when=Always(), item={}),
        Put(key="a", when=Always(), item={"result": "a\ud83d"}),
        Update(key="a", when=Equals("result", "a\ud83d")),
        Update(key="a", when=Absent("a\ud83d")),
        Put(key="a", when=Always(), item={"a\ud83d": 1}),
    ],
)
def test_text_that_no_server_can_read_is_refused_rather_than_sent(request_: Request) -> None:
    store = DynamoDbStore(STRONG, dynamodb_client(REGION))
    with pytest.raises(ConfigurationError, match=r"half a surrogate pair, '.ud83d', at 1, which"):
        store.call(request_)


def test_a_table_deployed_as_last_writer_wins_is_refused_whatever_the_contract_says() -> None:
    with pytest.raises(ConfigurationError, match="replicated to us-west-2 with consistency EVENT"):
        Codec(STRONG, "pk").check_description(
            {
                "Table": {
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "Replicas": [{"RegionName": "us-west-2"}],
                },
                "ResponseMetadata": {
                    "RequestId": "",
                    "HTTPStatusCode": 200,
                    "HTTPHeaders": {},
                    "RetryAttempts": 0,
                },
            }
        )


def test_an_unreachable_server_is_an_unknown_outcome_and_no_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment(9).items():
        monkeypatch.setenv(name, value)
    store = DynamoDbStore(STRONG, dynamodb_client(timeout_ms=200))
    assert store.call(Get("a")).outcome is Outcome.UNKNOWN
    with pytest.raises(StoreUnavailableError, match="could not be described"):
        store.verify()


@pytest.mark.slow
def test_an_unknown_table_and_another_key_are_refused_at_start_up(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    unknown = Table(name="nowhere", consistency=Consistency.STRONG, regions=(REGION,))
    with pytest.raises(ConfigurationError, match=f"nowhere does not exist in {REGION}"):
        DynamoDbStore(unknown).verify()
    with pytest.raises(ConfigurationError, match="nowhere refuses requests"):
        DynamoDbStore(unknown).call(Get("a"))
    with pytest.raises(ConfigurationError, match=r"it must be id \(HASH\) alone"):
        DynamoDbStore(STRONG, key_attribute="id").verify()


@pytest.mark.slow
def test_an_item_of_another_making_is_refused_rather_than_misread(
    server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    client(server).put_item(
        TableName=TABLE, Item={"pk": {"S": "foreign"}, "list": {"L": [{"S": "a"}]}}
    )
    with pytest.raises(ConfigurationError, match="Attribute list holds"):
        DynamoDbStore(STRONG).call(Get("foreign"))
