"""The DynamoDB adapter refuses what cannot work, and counts on nothing it does not know."""

import os
import threading

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from holdfast.contract import Consistency, Table
from holdfast.coordination import (
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
from holdfast.coordination.stores.store import Always, Equals
from holdfast.errors import ConfigurationError, StoreUnavailableError
from tests.coordination.servers import REGION, TABLE, client, environment

STRONG = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "because"}}, "UpdateItem")


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
        # A record that has grown too large is no matter of credentials.
        ("ValidationException", "size of the item .400 KB at most"),
        # Of the token service, when a role cannot be taken on.
        ("AccessDenied", "permissions"),
        ("ExpiredToken", "permissions"),
    ],
)
def test_a_final_refusal_is_an_error_that_says_what_to_check(code: str, check: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{TABLE} refuses requests .*Check .*{check}"):
        Codec(STRONG, "pk").failed(_error(code))


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
