"""Tables that are not strongly consistent, served by real processes."""

import pytest
from botocore.exceptions import ClientError

from tests.twin.region.regions import Regions, code_of, eventually, plain

pytestmark = pytest.mark.slow
EAST, WEST, THIRD = "us-east-1", "us-west-2", "us-east-2"


def put(regions: Regions, region: str, key: str, value: str, table: str = "table") -> None:
    regions.client("dynamodb", region).put_item(
        TableName=table, Item={"pk": {"S": key}, "v": {"S": value}}
    )


def read(regions: Regions, region: str, key: str, table: str = "table") -> str | None:
    answer = regions.client("dynamodb", region).get_item(
        TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True
    )
    item = plain(answer.get("Item"))
    return None if item is None else item["v"]


def both_read(regions: Regions, key: str, value: str | None) -> None:
    def check() -> None:
        assert [read(regions, region, key) for region in (EAST, WEST)] == [value, value]

    eventually(check)


def test_a_write_is_seen_here_at_once_and_there_after_the_lag(us: Regions) -> None:
    us.make_eventual("table")
    assert us.ask(EAST, "set_lag", lag_ms=4000)["ok"]
    put(us, EAST, "k", "1")
    assert read(us, EAST, "k") == "1"
    assert read(us, WEST, "k") is None
    pending = us.ask(EAST, "status")["pending"]
    assert [(entry["resource"], entry["peer"], entry["items"]) for entry in pending] == [
        ("table", WEST, 1)
    ]
    both_read(us, "k", "1")

    def delivered() -> None:
        assert us.ask(EAST, "status")["pending"] == []

    eventually(delivered)


def test_under_a_cut_both_regions_write_and_the_later_write_wins_after_it(us: Regions) -> None:
    us.make_eventual("table")
    us.cut(EAST, WEST)
    put(us, WEST, "west-last", "early")
    put(us, EAST, "west-last", "middle")
    put(us, EAST, "east-last", "early")
    put(us, WEST, "west-last", "late")
    put(us, WEST, "east-last", "middle")
    put(us, EAST, "east-last", "late")
    assert read(us, EAST, "west-last") == "middle"
    us.heal(EAST, WEST)
    both_read(us, "west-last", "late")
    both_read(us, "east-last", "late")


def test_a_lock_on_such_a_table_splits_which_is_why_nothing_may_lock_on_it(us: Regions) -> None:
    us.make_eventual("table")
    us.cut(EAST, WEST)
    for region in (EAST, WEST):
        us.client("dynamodb", region).put_item(
            TableName="table",
            Item={"pk": {"S": "lock"}, "v": {"S": region}},
            ConditionExpression="attribute_not_exists(pk)",
        )
    us.heal(EAST, WEST)
    both_read(us, "lock", WEST)


def test_a_deletion_is_not_undone_by_an_older_write_that_arrives_later(us: Regions) -> None:
    us.make_eventual("table")
    us.cut(EAST, WEST)
    put(us, EAST, "k", "old")
    put(us, WEST, "k", "newer")
    us.client("dynamodb", WEST).delete_item(TableName="table", Key={"pk": {"S": "k"}})
    us.heal(EAST, WEST)
    both_read(us, "k", None)


def test_updates_batches_and_transactions_are_replicated(us: Regions) -> None:
    us.make_eventual("table")
    east = us.client("dynamodb", EAST)
    east.update_item(
        TableName="table",
        Key={"pk": {"S": "u"}},
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"S": "1"}},
    )
    east.batch_write_item(
        RequestItems={"table": [{"PutRequest": {"Item": {"pk": {"S": "b"}, "v": {"S": "2"}}}}]}
    )
    east.transact_write_items(
        TransactItems=[{"Put": {"TableName": "table", "Item": {"pk": {"S": "t"}, "v": {"S": "3"}}}}]
    )
    east.execute_statement(Statement="INSERT INTO \"table\" VALUE {'pk': 'q', 'v': '4'}")
    for key, value in (("u", "1"), ("b", "2"), ("t", "3"), ("q", "4")):
        both_read(us, key, value)


def test_a_transaction_that_is_cancelled_replicates_nothing(us: Regions) -> None:
    us.make_eventual("table")
    with pytest.raises(ClientError) as caught:
        us.client("dynamodb", EAST).transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "table", "Item": {"pk": {"S": "a"}}}},
                {
                    "ConditionCheck": {
                        "TableName": "table",
                        "Key": {"pk": {"S": "b"}},
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
            ]
        )
    assert code_of(caught.value) == "TransactionCanceledException"
    assert us.ask(EAST, "status")["pending"] == []
    assert us.client("dynamodb", EAST).scan(TableName="table")["Count"] == 0


def test_what_was_not_delivered_before_a_kill_is_delivered_after_the_restore(
    us: Regions,
) -> None:
    us.make_eventual("table")
    us.cut(EAST, WEST)
    for number in range(20):
        put(us, EAST, f"k{number}", str(number))
    us.kill(EAST)
    us.heal_one(WEST, EAST)
    us.start(EAST)
    for number in range(20):
        both_read(us, f"k{number}", str(number))


def test_a_region_that_was_down_receives_what_it_missed(us: Regions) -> None:
    us.make_eventual("table")
    put(us, EAST, "k", "before")
    both_read(us, "k", "before")
    us.kill(WEST)
    put(us, EAST, "k", "meanwhile")
    us.start(WEST)
    both_read(us, "k", "meanwhile")


def test_an_item_that_changes_all_the_time_queues_once(us: Regions) -> None:
    us.make_eventual("table")
    us.cut(EAST, WEST)
    for number in range(50):
        put(us, EAST, "k", str(number))
    assert [entry["items"] for entry in us.ask(EAST, "status")["pending"]] == [1]
    us.heal(EAST, WEST)
    both_read(us, "k", "49")


def test_a_replica_of_a_table_with_items_receives_them(us: Regions) -> None:
    us.make_table("table", EAST)
    put(us, EAST, "k", "1")
    us.client("dynamodb", EAST).update_table(
        TableName="table", ReplicaUpdates=[{"Create": {"RegionName": WEST}}]
    )
    both_read(us, "k", "1")


def test_a_third_replica_receives_what_the_second_had_still_to_deliver(us: Regions) -> None:
    us.make_eventual("table")
    assert us.ask(WEST, "set_lag", lag_ms=3000)["ok"]
    put(us, WEST, "k", "1")
    us.client("dynamodb", EAST).update_table(
        TableName="table", ReplicaUpdates=[{"Create": {"RegionName": THIRD}}]
    )
    assert read(us, EAST, "k") is None  # So it was not among what the first one handed over.
    both_read(us, "k", "1")

    def received() -> None:
        assert read(us, THIRD, "k") == "1"

    eventually(received, within_s=10)


def test_items_of_a_table_without_replicas_survive_a_kill(us: Regions) -> None:
    us.make_table("table", EAST)
    for number in range(20):
        put(us, EAST, f"k{number}", str(number))
    us.client("dynamodb", EAST).delete_item(TableName="table", Key={"pk": {"S": "k0"}})
    us.kill(EAST)
    us.start(EAST)
    found = us.client("dynamodb", EAST).scan(TableName="table")
    assert {(plain(item) or {})["v"] for item in found["Items"]} == {str(n) for n in range(1, 20)}


def test_a_table_that_was_deleted_and_made_again_starts_empty_also_after_a_kill(
    us: Regions,
) -> None:
    us.make_table("table", EAST)
    put(us, EAST, "k", "old")
    us.client("dynamodb", EAST).delete_table(TableName="table")
    us.make_table("table", EAST)
    us.kill(EAST)
    us.start(EAST)
    assert us.client("dynamodb", EAST).scan(TableName="table")["Count"] == 0


def test_bytes_of_a_table_without_replicas_go_nowhere(us: Regions) -> None:
    us.make_table("table", EAST)
    put(us, EAST, "k", "1")
    assert us.ask(EAST, "status")["sent"] == []
