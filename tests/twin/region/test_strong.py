"""Strongly consistent tables, served by real processes."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from botocore.exceptions import ClientError

from holdfast.twin.region.peers import REQUEST_TIMEOUT_S
from tests.twin.region.regions import Regions, code_of, eventually, plain

pytestmark = pytest.mark.slow
EAST, WEST, WITNESS = "us-east-1", "us-west-2", "us-east-2"
REFUSALS = ("ConditionalCheckFailedException", "ReplicatedWriteConflictException")


def put_new(regions: Regions, region: str, key: str, value: str = "1") -> str:
    """A conditional put; "ok" or the error's name."""
    try:
        regions.client("dynamodb", region).put_item(
            TableName="table",
            Item={"pk": {"S": key}, "v": {"S": value}},
            ConditionExpression="attribute_not_exists(pk)",
        )
    except ClientError as error:
        return code_of(error)
    return "ok"


def read(regions: Regions, region: str, key: str, *, consistent: bool) -> dict[str, str] | None:
    answer = regions.client("dynamodb", region).get_item(
        TableName="table", Key={"pk": {"S": key}}, ConsistentRead=consistent
    )
    return plain(answer.get("Item"))


def test_a_write_in_one_region_is_read_in_the_other_at_once(us: Regions) -> None:
    us.make_strong("table")
    for number in range(50):
        writer, reader = (EAST, WEST) if number % 2 else (WEST, EAST)
        assert put_new(us, writer, f"k{number}") == "ok"
        assert read(us, reader, f"k{number}", consistent=True) == {"pk": f"k{number}", "v": "1"}


def test_of_conditional_writes_that_race_across_regions_exactly_one_wins(us: Regions) -> None:
    us.make_strong("table")
    for number in range(25):
        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(partial(put_new, us, key=f"k{number}"), [EAST, WEST] * 3))
        # A writer that was outbid for seconds, on a busy machine, does not know what became of it.
        unsure = outcomes.count("InternalServerError")
        assert outcomes.count("ok") == 1 or (not outcomes.count("ok") and unsure), outcomes
        assert set(outcomes) <= {"ok", "InternalServerError", *REFUSALS}, outcomes
        assert read(us, EAST, f"k{number}", consistent=True) is not None


def test_counters_that_both_regions_raise_lose_and_repeat_nothing(us: Regions) -> None:
    us.make_strong("table")
    done = {EAST: 0, WEST: 0}
    unsure: list[str] = []

    def count(region: str) -> None:
        client = us.client("dynamodb", region)
        for _ in range(60):
            try:
                client.update_item(
                    TableName="table",
                    Key={"pk": {"S": "c"}},
                    UpdateExpression="ADD n :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
            except client.exceptions.ReplicatedWriteConflictException:
                continue  # AWS says, and the sum shows, that nothing was written.
            except client.exceptions.InternalServerError:
                unsure.append(region)
            else:
                done[region] += 1

    threads = [threading.Thread(target=count, args=(region,)) for region in (EAST, WEST)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(done.values())
    assert total > 60
    counted = read(us, EAST, "c", consistent=True)
    assert counted is not None
    assert total <= int(counted["n"]) <= total + len(unsure)


def test_a_failed_condition_returns_the_item_as_it_is_in_the_whole_jurisdiction(
    us: Regions,
) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "k", "mine") == "ok"
    with pytest.raises(ClientError) as caught:
        us.client("dynamodb", WEST).put_item(
            TableName="table",
            Item={"pk": {"S": "k"}},
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert code_of(caught.value) == "ConditionalCheckFailedException"
    assert plain(caught.value.response.get("Item")) == {"pk": "k", "v": "mine"}


def test_with_one_replica_dead_the_witness_carries_the_vote(us: Regions) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "before") == "ok"
    us.kill(EAST)
    assert put_new(us, WEST, "after") == "ok"
    assert put_new(us, WEST, "before") == "ConditionalCheckFailedException"
    assert read(us, WEST, "before", consistent=True) == {"pk": "before", "v": "1"}


def test_without_a_quorum_writes_and_consistent_reads_are_refused_and_others_served(
    us: Regions,
) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "k") == "ok"
    us.kill(WEST, WITNESS)
    assert put_new(us, EAST, "new") == "InternalServerError"
    with pytest.raises(ClientError) as caught:
        read(us, EAST, "k", consistent=True)
    assert code_of(caught.value) == "InternalServerError"
    with pytest.raises(ClientError):
        us.client("dynamodb", EAST).scan(TableName="table", ConsistentRead=True)
    assert read(us, EAST, "k", consistent=False) == {"pk": "k", "v": "1"}
    assert read(us, EAST, "new", consistent=False) is None


def test_a_region_cut_off_from_both_others_is_refused_and_catches_up_when_healed(
    us: Regions,
) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "k", "old") == "ok"
    us.cut(EAST, WEST)
    us.cut(EAST, WITNESS)
    started = time.monotonic()
    assert put_new(us, EAST, "k2") == "InternalServerError"
    assert time.monotonic() - started < 15
    us.client("dynamodb", WEST).put_item(
        TableName="table", Item={"pk": {"S": "k"}, "v": {"S": "new"}}
    )
    assert read(us, EAST, "k", consistent=False) == {"pk": "k", "v": "old"}
    us.heal(EAST, WEST)
    us.heal(EAST, WITNESS)
    assert read(us, EAST, "k", consistent=True) == {"pk": "k", "v": "new"}


def test_an_announcement_that_a_cut_swallowed_is_made_up_for_without_any_request(
    us: Regions,
) -> None:
    us.make_strong("table")
    us.cut(EAST, WEST)
    assert put_new(us, WEST, "k") == "ok"
    assert read(us, EAST, "k", consistent=False) is None
    us.heal(EAST, WEST)

    def caught_up() -> None:
        assert read(us, EAST, "k", consistent=False) == {"pk": "k", "v": "1"}

    eventually(caught_up)


def test_a_paused_region_neither_blocks_the_others_nor_keeps_stale_reads(us: Regions) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "k", "old") == "ok"
    us.pause(EAST)
    started = time.monotonic()
    assert put_new(us, WEST, "k2") == "ok"
    us.client("dynamodb", WEST).put_item(
        TableName="table", Item={"pk": {"S": "k"}, "v": {"S": "new"}}
    )
    # Two writes that each waited for the paused region would take two timeouts.
    assert time.monotonic() - started < 2 * REQUEST_TIMEOUT_S
    us.resume(EAST)
    assert read(us, EAST, "k", consistent=True) == {"pk": "k", "v": "new"}
    assert put_new(us, EAST, "k2") == "ConditionalCheckFailedException"


def test_killing_every_region_loses_no_acknowledged_write(us: Regions) -> None:
    us.make_strong("table")
    for number in range(40):
        assert put_new(us, (EAST, WEST)[number % 2], f"k{number}") == "ok"
    us.kill(*us.names)
    us.start()
    for region in (EAST, WEST):
        found = us.client("dynamodb", region).scan(TableName="table", ConsistentRead=True)
        assert {(plain(item) or {})["pk"] for item in found["Items"]} == {
            f"k{n}" for n in range(40)
        }


def test_writes_acknowledged_while_regions_are_killed_and_restored_all_survive(
    us: Regions,
) -> None:
    us.make_strong("table")
    acknowledged: list[str] = []
    stop = threading.Event()

    def write(region: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            key = f"{region}-{number}"
            try:
                if put_new(us, region, key) == "ok":
                    acknowledged.append(key)
            except Exception:  # noqa: BLE001 -- the region is down; nothing was acknowledged
                time.sleep(0.05)

    threads = [threading.Thread(target=write, args=(region,)) for region in (EAST, WEST)]
    for thread in threads:
        thread.start()
    for victim in (EAST, WITNESS, WEST):
        time.sleep(0.4)
        us.kill(victim)
        time.sleep(0.4)
        us.start(victim)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(acknowledged) > 50
    for region in (EAST, WEST):
        missing = [key for key in acknowledged if read(us, region, key, consistent=True) is None]
        assert missing == []


def test_a_restored_replica_has_caught_up_before_it_is_ready(us: Regions) -> None:
    us.make_strong("table")
    us.kill(EAST)
    for number in range(30):
        assert put_new(us, WEST, f"k{number}") == "ok"
    us.start(EAST)
    assert us.ask(EAST, "status")["catching_up"] is False
    us.kill(WEST, WITNESS)
    for number in range(30):
        assert read(us, EAST, f"k{number}", consistent=False) is not None


def test_queries_and_scans_see_what_another_region_has_just_written(us: Regions) -> None:
    us.make_strong("table", sort_key=True)
    east, west = us.client("dynamodb", EAST), us.client("dynamodb", WEST)
    us.cut(EAST, WEST)  # No announcement arrives: only a quorum can know.
    for number in range(5):
        west.put_item(TableName="table", Item={"pk": {"S": "p"}, "sk": {"S": str(number)}})
        west.put_item(TableName="table", Item={"pk": {"S": "q"}, "sk": {"S": str(number)}})
    assert east.scan(TableName="table")["Items"] == []
    found = east.query(
        TableName="table",
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "p"}},
        ConsistentRead=True,
    )
    assert [(plain(item) or {})["sk"] for item in found["Items"]] == ["0", "1", "2", "3", "4"]
    # The query has looked at its partition alone.
    assert len(east.scan(TableName="table")["Items"]) == 5
    assert len(east.scan(TableName="table", ConsistentRead=True)["Items"]) == 10


def test_a_number_is_found_however_it_is_spelled(us: Regions) -> None:
    east, west = us.client("dynamodb", EAST), us.client("dynamodb", WEST)
    east.create_table(
        TableName="numbers",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "N"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
    )
    east.update_table(
        TableName="numbers",
        MultiRegionConsistency="STRONG",
        ReplicaUpdates=[{"Create": {"RegionName": WEST}}],
        GlobalTableWitnessUpdates=[{"Create": {"RegionName": WITNESS}}],
    )
    us.cut(EAST, WEST)
    west.put_item(TableName="numbers", Item={"pk": {"N": "1.50"}, "sk": {"N": "20"}})
    for spelled in ("1.5", "1.50", "15e-1"):
        found = east.query(
            TableName="numbers",
            KeyConditionExpression="pk = :pk AND sk = :sk",
            ExpressionAttributeValues={":pk": {"N": spelled}, ":sk": {"N": "2e1"}},
            ConsistentRead=True,
        )
        assert found["Count"] == 1, spelled


def test_a_batch_is_written_and_read_item_by_item(us: Regions) -> None:
    us.make_strong("table")
    us.make_table("local", EAST)
    east, west = us.client("dynamodb", EAST), us.client("dynamodb", WEST)
    answer = east.batch_write_item(
        RequestItems={
            "table": [{"PutRequest": {"Item": {"pk": {"S": f"k{n}"}}}} for n in range(20)],
            "local": [{"PutRequest": {"Item": {"pk": {"S": "here"}}}}],
        }
    )
    assert answer["UnprocessedItems"] == {}
    found = west.batch_get_item(
        RequestItems={
            "table": {"Keys": [{"pk": {"S": f"k{n}"}} for n in range(20)], "ConsistentRead": True}
        }
    )
    assert len(found["Responses"]["table"]) == 20
    east.batch_write_item(RequestItems={"table": [{"DeleteRequest": {"Key": {"pk": {"S": "k3"}}}}]})
    assert read(us, WEST, "k3", consistent=True) is None
    assert east.scan(TableName="local")["Count"] == 1


def test_update_and_delete_return_the_values_that_they_replace(us: Regions) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "k", "old") == "ok"
    west = us.client("dynamodb", WEST)
    updated = west.update_item(
        TableName="table",
        Key={"pk": {"S": "k"}},
        UpdateExpression="SET v = :v",
        ConditionExpression="v = :old",
        ExpressionAttributeValues={":v": {"S": "new"}, ":old": {"S": "old"}},
        ReturnValues="UPDATED_OLD",
    )
    assert plain(updated["Attributes"]) == {"v": "old"}
    deleted = us.client("dynamodb", EAST).delete_item(
        TableName="table", Key={"pk": {"S": "k"}}, ReturnValues="ALL_OLD"
    )
    assert plain(deleted["Attributes"]) == {"pk": "k", "v": "new"}
    assert read(us, WEST, "k", consistent=True) is None


def test_a_table_that_becomes_strong_again_has_forgotten_what_it_had_agreed_on(
    us: Regions,
) -> None:
    us.make_strong("table")
    east, west = us.client("dynamodb", EAST), us.client("dynamodb", WEST)
    for region, key in ((EAST, "here"), (WEST, "there")):
        assert put_new(us, region, key, "old") == "ok"
    east.update_table(
        TableName="table",
        ReplicaUpdates=[{"Delete": {"RegionName": WEST}}],
        GlobalTableWitnessUpdates=[{"Delete": {"RegionName": WITNESS}}],
    )
    for key in ("here", "there"):
        east.delete_item(TableName="table", Key={"pk": {"S": key}})
    east.update_table(
        TableName="table",
        MultiRegionConsistency="STRONG",
        ReplicaUpdates=[{"Create": {"RegionName": WEST}}],
        GlobalTableWitnessUpdates=[{"Create": {"RegionName": WITNESS}}],
    )
    for region, key in ((EAST, "here"), (WEST, "there")):
        assert put_new(us, region, key, "new") == "ok"
    assert west.scan(TableName="table", ConsistentRead=True)["Count"] == 2


def test_what_aws_refuses_on_such_tables_is_refused(us: Regions) -> None:
    us.make_strong("table")
    east = us.client("dynamodb", EAST)
    put = {"Put": {"TableName": "table", "Item": {"pk": {"S": "k"}}}}
    get = {"Get": {"TableName": "table", "Key": {"pk": {"S": "k"}}}}
    calls = (
        lambda: east.transact_write_items(TransactItems=[put]),  # type: ignore[list-item]
        lambda: east.transact_get_items(TransactItems=[get]),  # type: ignore[list-item]
        lambda: east.execute_statement(Statement='SELECT * FROM "table"'),
        lambda: east.update_time_to_live(
            TableName="table", TimeToLiveSpecification={"Enabled": True, "AttributeName": "x"}
        ),
    )
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        assert code_of(caught.value) == "ValidationException"
        assert "STRONG" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        us.client("dynamodb", WITNESS).get_item(TableName="table", Key={"pk": {"S": "k"}})
    assert code_of(caught.value) == "ResourceNotFoundException"
    assert us.client("dynamodb", WITNESS).list_tables()["TableNames"] == []


def test_a_malformed_write_is_told_so_without_asking_anybody(us: Regions) -> None:
    us.make_strong("table")
    us.kill(WEST, WITNESS)
    with pytest.raises(ClientError) as caught:
        us.client("dynamodb", EAST).put_item(TableName="table", Item={"wrong": {"S": "k"}})
    assert code_of(caught.value) == "ValidationException"


def test_bytes_sent_are_booked_by_table_and_peer(us: Regions) -> None:
    us.make_strong("table")
    assert put_new(us, EAST, "k", "x" * 1000) == "ok"
    sent = {
        entry["peer"]: entry["sent_bytes"]
        for entry in us.ask(EAST, "status")["sent"]
        if entry["resource"] == "table"
    }
    assert sent.keys() == {WEST, WITNESS}
    assert all(1000 < sent_bytes < 10_000 for sent_bytes in sent.values()), json.dumps(sent)
