"""The life of replicas, over the AWS API, in real processes."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.region.regions import Regions, code_of, eventually

pytestmark = pytest.mark.slow
EAST, WEST, WITNESS = "us-east-1", "us-west-2", "us-east-2"


def describe(regions: Regions, region: str, name: str) -> dict[str, Any]:
    return dict(regions.client("dynamodb", region).describe_table(TableName=name)["Table"])


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert code_of(caught.value) == "ValidationException"
    return str(caught.value)


def test_a_strong_table_is_described_as_aws_describes_it(shared: Regions) -> None:
    shared.make_strong("described")
    for region, other in ((EAST, WEST), (WEST, EAST)):
        table = describe(shared, region, "described")
        assert table["TableStatus"] == "ACTIVE"
        assert table["MultiRegionConsistency"] == "STRONG"
        assert table["GlobalTableVersion"] == "2019.11.21"
        assert [replica["RegionName"] for replica in table["Replicas"]] == [other]
        assert table["Replicas"][0]["ReplicaStatus"] == "ACTIVE"
        assert table["GlobalTableWitnesses"] == [{"RegionName": WITNESS, "WitnessStatus": "ACTIVE"}]
        assert f":{region}:" in table["TableArn"]


def test_an_eventual_table_does_not_report_a_consistency(shared: Regions) -> None:
    shared.make_eventual("quiet")
    table = describe(shared, EAST, "quiet")
    assert "MultiRegionConsistency" not in table
    assert [replica["RegionName"] for replica in table["Replicas"]] == [WEST]
    assert table["StreamSpecification"] == {
        "StreamEnabled": True,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_three_replicas_without_a_witness_are_a_strong_table_too(shared: Regions) -> None:
    shared.make_table("three", EAST)
    east = shared.client("dynamodb", EAST)
    east.update_table(
        TableName="three",
        MultiRegionConsistency="STRONG",
        ReplicaUpdates=[
            {"Create": {"RegionName": WEST}},
            {"Create": {"RegionName": WITNESS}},
        ],
    )
    shared.client("dynamodb", WITNESS).put_item(TableName="three", Item={"pk": {"S": "k"}})
    found = east.get_item(TableName="three", Key={"pk": {"S": "k"}}, ConsistentRead=True)
    assert "Item" in found
    message = refused(
        lambda: east.update_table(
            TableName="three", ReplicaUpdates=[{"Delete": {"RegionName": WEST}}]
        )
    )
    assert "only one table replica" in message


def test_a_table_with_items_cannot_become_strong(shared: Regions) -> None:
    shared.make_table("full", EAST)
    east = shared.client("dynamodb", EAST)
    east.put_item(TableName="full", Item={"pk": {"S": "k"}})
    message = refused(
        lambda: east.update_table(
            TableName="full",
            MultiRegionConsistency="STRONG",
            ReplicaUpdates=[{"Create": {"RegionName": WEST}}],
            GlobalTableWitnessUpdates=[{"Create": {"RegionName": WITNESS}}],
        )
    )
    assert "empty" in message
    assert "Replicas" not in describe(shared, EAST, "full")


def test_a_strong_table_ends_as_a_plain_table_that_keeps_its_items(shared: Regions) -> None:
    shared.make_strong("ending")
    west, east = shared.client("dynamodb", WEST), shared.client("dynamodb", EAST)
    west.put_item(TableName="ending", Item={"pk": {"S": "k"}})
    assert "only one table replica" in refused(lambda: east.delete_table(TableName="ending"))
    east.update_table(
        TableName="ending",
        ReplicaUpdates=[{"Delete": {"RegionName": WEST}}],
        GlobalTableWitnessUpdates=[{"Delete": {"RegionName": WITNESS}}],
    )
    assert "MultiRegionConsistency" not in describe(shared, EAST, "ending")
    assert "ending" not in west.list_tables()["TableNames"]
    assert east.scan(TableName="ending")["Count"] == 1
    east.delete_table(TableName="ending")
    for region in shared.names:
        names = [table["name"] for table in shared.ask(region, "status")["tables"]]
        assert "ending" not in names


def test_a_replica_is_made_nowhere_when_one_region_cannot_take_it(us: Regions) -> None:
    us.make_table("table", EAST)
    us.kill(WITNESS)
    with pytest.raises(ClientError) as caught:
        us.client("dynamodb", EAST).update_table(
            TableName="table",
            MultiRegionConsistency="STRONG",
            ReplicaUpdates=[{"Create": {"RegionName": WEST}}],
            GlobalTableWitnessUpdates=[{"Create": {"RegionName": WITNESS}}],
        )
    assert code_of(caught.value) == "InternalServerError"
    assert "Replicas" not in describe(us, EAST, "table")
    assert us.client("dynamodb", WEST).list_tables()["TableNames"] == []


def test_a_replica_where_a_table_of_that_name_exists_is_refused(shared: Regions) -> None:
    shared.make_table("taken", EAST)
    shared.make_table("taken", WEST)
    message = refused(
        lambda: shared.client("dynamodb", EAST).update_table(
            TableName="taken", ReplicaUpdates=[{"Create": {"RegionName": WEST}}]
        )
    )
    assert "already existed" in message


def test_a_table_may_have_the_name_of_one_that_is_only_witnessed_there(shared: Regions) -> None:
    shared.make_strong("namesake")
    shared.make_table("namesake", WITNESS)
    shared.client("dynamodb", WITNESS).put_item(TableName="namesake", Item={"pk": {"S": "mine"}})
    east = shared.client("dynamodb", EAST)
    assert east.scan(TableName="namesake", ConsistentRead=True)["Count"] == 0
    east.put_item(TableName="namesake", Item={"pk": {"S": "theirs"}})
    assert shared.client("dynamodb", WITNESS).scan(TableName="namesake")["Count"] == 1


def test_a_replica_has_its_own_key_tags_and_protection(shared: Regions) -> None:
    shared.make_table("own", EAST)
    east, west = shared.client("dynamodb", EAST), shared.client("dynamodb", WEST)
    key = f"arn:aws:kms:{WEST}:000000000000:key/1"
    east.update_table(
        TableName="own",
        ReplicaUpdates=[{"Create": {"RegionName": WEST, "KMSMasterKeyId": key}}],
    )
    assert describe(shared, WEST, "own")["SSEDescription"]["KMSMasterKeyArn"] == key
    assert describe(shared, EAST, "own")["Replicas"][0]["KMSMasterKeyId"] == key
    west.update_table(TableName="own", DeletionProtectionEnabled=True)
    west.update_continuous_backups(
        TableName="own", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    arn = describe(shared, WEST, "own")["TableArn"]
    west.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert describe(shared, EAST, "own")["DeletionProtectionEnabled"] is False
    message = refused(
        lambda: east.update_table(
            TableName="own", ReplicaUpdates=[{"Delete": {"RegionName": WEST}}]
        )
    )
    assert "protected" in message
    new_key = f"arn:aws:kms:{WEST}:000000000000:key/2"
    east.update_table(
        TableName="own",
        ReplicaUpdates=[{"Update": {"RegionName": WEST, "KMSMasterKeyId": new_key}}],
    )
    assert describe(shared, WEST, "own")["SSEDescription"]["KMSMasterKeyArn"] == new_key
    west.update_table(TableName="own", DeletionProtectionEnabled=False)
    east.update_table(TableName="own", ReplicaUpdates=[{"Delete": {"RegionName": WEST}}])
    assert "own" not in west.list_tables()["TableNames"]


def test_settings_that_aws_keeps_equal_reach_the_other_replicas(shared: Regions) -> None:
    shared.make_eventual("equal")
    shared.client("dynamodb", WEST).update_time_to_live(
        TableName="equal", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )

    def arrived() -> None:
        found = shared.client("dynamodb", EAST).describe_time_to_live(TableName="equal")
        assert found["TimeToLiveDescription"].get("TimeToLiveStatus") == "ENABLED"

    eventually(arrived)


def test_deleting_one_replica_of_an_eventual_table_leaves_the_others(shared: Regions) -> None:
    shared.make_eventual("shrinking")
    shared.client("dynamodb", EAST).delete_table(TableName="shrinking")

    def alone() -> None:
        assert "Replicas" not in describe(shared, WEST, "shrinking")

    eventually(alone)
    assert "shrinking" not in shared.client("dynamodb", EAST).list_tables()["TableNames"]


def test_control_and_data_survive_a_kill_of_the_region_that_made_them(us: Regions) -> None:
    us.make_strong("table")
    us.client("iam", EAST).create_role(RoleName="out-of-band", AssumeRolePolicyDocument="{}")
    us.client("secretsmanager", EAST).create_secret(Name="s", SecretString="v")
    us.client("ec2", EAST).create_vpc(CidrBlock="10.1.0.0/16")
    us.kill(EAST)
    us.start(EAST)
    assert describe(us, EAST, "table")["MultiRegionConsistency"] == "STRONG"
    roles = us.client("iam", EAST).list_roles()["Roles"]
    assert "out-of-band" in [role["RoleName"] for role in roles]
    secret = us.client("secretsmanager", EAST).get_secret_value(SecretId="s")
    assert secret["SecretString"] == "v"
    blocks = [vpc["CidrBlock"] for vpc in us.client("ec2", EAST).describe_vpcs()["Vpcs"]]
    assert "10.1.0.0/16" in blocks


def test_a_multi_account_global_table_is_refused_by_name(shared: Regions) -> None:
    message = refused(
        lambda: shared.client("dynamodb", EAST).create_table(
            TableName="copy",
            GlobalTableSourceArn=f"arn:aws:dynamodb:{WEST}:111111111111:table/copy",
        )
    )
    assert "GlobalTableSourceArn" in message


def test_a_replica_left_over_by_a_maker_that_died_is_made_anew(us: Regions) -> None:
    us.make_strong("table")
    us.kill(EAST)
    # What it would know had it died before it took the decision over itself.
    forget_replicas(us.base / EAST / "region.sqlite", EAST)
    us.start(EAST)
    assert "Replicas" not in describe(us, EAST, "table")
    assert "Replicas" in describe(us, WEST, "table")
    us.client("dynamodb", EAST).update_table(
        TableName="table",
        MultiRegionConsistency="STRONG",
        ReplicaUpdates=[{"Create": {"RegionName": WEST}}],
        GlobalTableWitnessUpdates=[{"Create": {"RegionName": WITNESS}}],
    )
    us.client("dynamodb", WEST).put_item(TableName="table", Item={"pk": {"S": "k"}})
    assert us.client("dynamodb", EAST).scan(TableName="table", ConsistentRead=True)["Count"] == 1


def forget_replicas(database: Path, region: str) -> None:
    with closing(sqlite3.connect(database)) as store:
        rows = store.execute("SELECT gid, body FROM groups").fetchall()
        for gid, body in rows:
            alone = {
                **json.loads(body),
                "consistency": "local",
                "replicas": [region],
                "witness": None,
            }
            store.execute("UPDATE groups SET body = ? WHERE gid = ?", (json.dumps(alone), gid))
        store.commit()


def test_a_region_that_was_down_hears_of_a_deletion_when_it_is_back(us: Regions) -> None:
    us.make_eventual("table")
    us.kill(WEST)
    us.client("dynamodb", EAST).delete_table(TableName="table")
    us.start(WEST)

    def alone() -> None:
        assert "Replicas" not in describe(us, WEST, "table")

    eventually(alone)
