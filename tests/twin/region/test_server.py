"""One region's process: how it starts, refuses, ends, and what it weighs."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.twin.region.regions import Regions, code_of, eventually

pytestmark = pytest.mark.slow
EAST, WEST, WITNESS = "us-east-1", "us-west-2", "us-east-2"
PROD = (EAST, WEST, WITNESS, "eu-west-1", "eu-central-1", "eu-west-3")


@pytest.fixture
def six(tmp_path: Path) -> Iterator[Regions]:
    regions = Regions(tmp_path, PROD)
    yield regions
    regions.stop()


def test_six_regions_start_and_weigh_little(six: Regions) -> None:
    six.start()
    six.make_strong("table")
    six.client("dynamodb", WEST).put_item(TableName="table", Item={"pk": {"S": "k"}})
    for region in PROD:
        for service, call in (("ec2", "describe_vpcs"), ("kms", "list_keys")):
            getattr(six.client(service, region), call)()
        assert six.memory_bytes(region) < 60_000_000


def test_data_of_one_jurisdiction_is_never_sent_to_the_other(six: Regions) -> None:
    six.start()
    six.make_strong("table")
    six.client("dynamodb", EAST).put_item(TableName="table", Item={"pk": {"S": "k"}})
    for region in PROD:
        peers = {entry["peer"] for entry in six.ask(region, "status")["sent"]}
        assert peers <= {EAST, WEST, WITNESS}
    assert six.ask("eu-west-1", "status")["sent"] == []


def test_sigterm_ends_the_process_with_zero_and_frees_its_ports(us: Regions) -> None:
    us.make_strong("table")
    us.stop()
    assert [process.returncode for process in us.processes.values()] == [0, 0, 0]
    for port in (us.api_ports[EAST], us.peer_ports[EAST]):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((us.hosts[EAST], port))
    assert us.log(EAST) == ""


@pytest.mark.parametrize("file", ["emulator/dynamodb.json", "region.sqlite"])
def test_state_that_a_crash_of_the_machine_has_damaged_is_one_clear_sentence(
    tmp_path: Path, file: str
) -> None:
    alone = Regions(tmp_path, (EAST,))
    alone.start()
    alone.make_table("table", EAST)
    for number in range(200):
        alone.client("dynamodb", EAST).put_item(
            TableName="table", Item={"pk": {"S": f"k{number}"}, "v": {"S": "x" * 500}}
        )
    alone.stop()
    path = tmp_path / EAST / file
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    config = tmp_path / EAST / "config.json"
    ended = subprocess.run(
        [sys.executable, "-m", "holdfast.twin.region", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith(f"{path} cannot be read")
    assert "Traceback" not in ended.stderr
    assert "holdfast twin down" in ended.stderr


def test_a_port_in_use_is_one_clear_sentence(us: Regions) -> None:
    config = us.base / EAST / "config.json"
    second = subprocess.run(
        [sys.executable, "-m", "holdfast.twin.region", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("the region's server cannot use its address")
    assert "Traceback" not in second.stderr


def test_a_broken_configuration_is_one_clear_sentence(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}")
    done = subprocess.run(
        [sys.executable, "-m", "holdfast.twin.region", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "is not a region's configuration" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_request_signed_for_another_region_is_refused(shared: Regions) -> None:
    client = shared.client_signing_for(WEST, "dynamodb", EAST)
    with pytest.raises(ClientError) as caught:
        client.list_tables()
    assert code_of(caught.value) == "InvalidSignatureException"
    assert "endpoint of us-east-1" in str(caught.value)


def test_a_secret_with_replica_regions_is_refused_and_not_made(shared: Regions) -> None:
    client = shared.client("secretsmanager", EAST)
    with pytest.raises(ClientError) as caught:
        client.create_secret(
            Name="replicated", SecretString="s", AddReplicaRegions=[{"Region": WEST}]
        )
    assert code_of(caught.value) == "ValidationException"
    assert client.list_secrets()["SecretList"] == []


def test_an_unknown_question_is_answered_with_what_the_server_knows(shared: Regions) -> None:
    reply = shared.ask(EAST, "nonsense")
    assert reply["ok"] is False
    assert "snapshot" in reply["error"]


def test_faults_that_name_no_peer_are_refused(shared: Regions) -> None:
    for op in ("cut", "heal"):
        reply = shared.ask(EAST, op, peer="mars-1")
        assert reply["ok"] is False
        assert "us-west-2" in reply["error"]
    assert shared.ask(EAST, "set_lag", lag_ms=-1)["ok"] is False


def test_catch_up_and_snapshot_answer_when_they_are_done(shared: Regions) -> None:
    assert shared.ask(EAST, "catch_up") == {"id": 1, "ok": True, "catching_up": False}
    assert shared.ask(EAST, "snapshot") == {"id": 1, "ok": True}


def test_a_region_started_under_a_cut_stays_cut_off(us: Regions) -> None:
    us.make_eventual("table")
    us.kill(EAST)
    us.ask(WEST, "cut", peer=EAST)
    us.start(EAST, cut=(WEST,))
    assert us.ask(EAST, "status")["cut"] == [WEST]
    us.client("dynamodb", EAST).put_item(TableName="table", Item={"pk": {"S": "k"}})
    time.sleep(0.5)
    assert us.client("dynamodb", WEST).scan(TableName="table")["Count"] == 0
    us.heal(EAST, WEST)

    def arrived() -> None:
        assert us.client("dynamodb", WEST).scan(TableName="table")["Count"] == 1

    eventually(arrived)


def records(regions: Regions, region: str, name: str) -> list[str]:
    """The events in a table's stream."""
    streams: Any = regions.client("dynamodbstreams", region)
    (stream,) = streams.list_streams(TableName=name)["Streams"]
    arn = stream["StreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = streams.get_records(ShardIterator=iterator)["Records"]
    return [record["eventName"] for record in found]


def test_each_replica_streams_each_change_once_and_nothing_that_did_not_happen(
    shared: Regions,
) -> None:
    shared.make_table("streamed", EAST)
    east = shared.client("dynamodb", EAST)
    east.update_table(
        TableName="streamed",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    east.update_table(
        TableName="streamed",
        MultiRegionConsistency="STRONG",
        ReplicaUpdates=[{"Create": {"RegionName": WEST}}],
        GlobalTableWitnessUpdates=[{"Create": {"RegionName": WITNESS}}],
    )
    east.put_item(TableName="streamed", Item={"pk": {"S": "k"}, "v": {"S": "1"}})
    with pytest.raises(ClientError):
        east.put_item(
            TableName="streamed",
            Item={"pk": {"S": "k"}},
            ConditionExpression="attribute_not_exists(pk)",
        )
    east.put_item(TableName="streamed", Item={"pk": {"S": "k"}, "v": {"S": "2"}})
    east.delete_item(TableName="streamed", Key={"pk": {"S": "k"}})
    for region in (EAST, WEST):

        def told(region: str = region) -> None:
            assert records(shared, region, "streamed") == ["INSERT", "MODIFY", "REMOVE"]

        eventually(told)
