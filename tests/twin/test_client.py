"""A twin of real processes: started, used, broken, mended, and gone without a trace."""

import functools
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol, cast

import boto3
import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from holdfast.errors import PortInUseError, TwinError
from holdfast.twin.client import Twin
from holdfast.twin.launch import SUPERVISOR_LOG
from holdfast.twin.plan import TWIN_FILE, TwinRecord
from holdfast.twin.processes import ProcessIdentity
from holdfast.twin.status import AgentState, RegionState
from tests.twin.resolver.zone_maker import load_balancer

pytestmark = pytest.mark.slow

EAST, WEST = "us-east-1", "us-west-2"


class Route53(Protocol):
    """What is used of a Route 53 client, for which no type stubs are installed."""

    def create_hosted_zone(self, **arguments: object) -> dict[str, dict[str, str]]: ...
    def create_health_check(self, **arguments: object) -> dict[str, dict[str, str]]: ...
    def change_resource_record_sets(self, **arguments: object) -> object: ...


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """One twin of two regions; every test leaves both up."""
    with Twin.start(
        state_dir=tmp_path_factory.mktemp("twin"), regions=[EAST, WEST], lag_ms=50, detached=False
    ) as running:
        yield running


def client(twin: Twin, service: str, region: str) -> object:
    made = boto3.client(  # pyright: ignore[reportUnknownMemberType, reportCallIssue, reportUnknownVariableType]
        service,  # type: ignore[call-overload]  # a name known at run time only
        region_name=region,
        endpoint_url=twin.endpoint(region),
        aws_access_key_id=twin.credentials.key_id,
        aws_secret_access_key=twin.credentials.secret,
    )
    return cast("object", made)


def dynamodb(twin: Twin, region: str) -> DynamoDBClient:
    return cast("DynamoDBClient", client(twin, "dynamodb", region))


def processes_of(twin: Twin) -> list[ProcessIdentity]:
    status = twin.status()
    pids = [status.supervisor_pid, *(agent.pid for agent in status.agents)]
    for region in status.regions:
        pids += [region.server_pid, region.valkey_pid]
    return [found for pid in pids if pid and (found := ProcessIdentity.of(pid))]


def ports_of(twin: Twin) -> list[tuple[str, int]]:
    plan = twin.plan
    ports = [(plan.control_host, plan.control_port), (plan.dns_host, plan.dns_port)]
    for place in plan.regions.values():
        ports += [
            (place.address, port)
            for port in (place.api_port, place.peer_port, place.valkey_port, plan.ingress_port)
        ]
    return ports


def can_be_taken(address: str, port: int) -> bool:
    """Whether one could listen there; connections that linger do not count."""
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
            listener.listen()
        except OSError:
            return False
    return True


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def leads_to(twin: Twin, location: str) -> str:
    """Where the users' name leads from a location, or "" while it is not known."""
    try:
        return twin.resolve("us.example.com", location).address
    except TwinError:
        return ""


def wait_until_gone(identities: list[ProcessIdentity]) -> list[int]:
    deadline_s = time.monotonic() + 30
    return [
        identity.pid
        for identity in identities
        if not identity.wait_ended(max(0.0, deadline_s - time.monotonic()))
    ]


def test_every_region_answers_as_aws_and_says_so(twin: Twin) -> None:
    for name in (EAST, WEST):
        assert dynamodb(twin, name).list_tables()["TableNames"] == []
    status = twin.status()
    assert [region.name for region in status.regions] == [EAST, WEST]
    for region in status.regions:
        assert (region.state, region.answers, region.reason) == (RegionState.UP, True, "")
        assert region.memory_bytes > 0
    assert status.memory_peak_bytes >= status.memory_bytes > 0
    assert status.supervisor_pid == twin.pid


def test_an_agent_runs_with_its_regions_environment_and_is_seen_to_exit(twin: Twin) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    twin.spawn(WEST, "reporter", [sys.executable, "-c", code], {"EXTRA": "yes"})
    until(lambda: twin.status().agents[-1].state is AgentState.EXITED)
    agent = twin.status().agents[-1]
    assert (agent.name, agent.exit_code) == ("reporter", 0)
    found = json.loads(agent.log.read_text())
    assert found["EXTRA"] == "yes"
    assert {name: found[name] for name in twin.environment(WEST)} == twin.environment(WEST)


def is_stopped(pid: int | None) -> bool:
    return (
        Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"
    )


def test_an_agent_is_ended_by_name_frozen_or_not(twin: Twin) -> None:
    for name, is_frozen in (("polite", False), ("frozen", True)):
        twin.spawn(WEST, name, [sys.executable, "-c", "import time; time.sleep(60)"], {})
        if is_frozen:
            twin.kill(WEST)
            (frozen,) = [agent for agent in twin.status().agents if agent.name == name]
            # Of two signals that wait for a process to have its turn, it takes the lower first.
            until(functools.partial(is_stopped, frozen.pid))
        twin.end_agent(name)
        (ended,) = [agent for agent in twin.status().agents if agent.name == name]
        assert (ended.state, ended.exit_code) == (AgentState.EXITED, -9 if is_frozen else -15)
        with pytest.raises(TwinError, match=f"no agent called {name} runs"):
            twin.end_agent(name)
    twin.restore(WEST)


def test_a_killed_region_comes_back_with_its_tables(twin: Twin) -> None:
    dynamodb(twin, WEST).create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    twin.kill(WEST)
    assert twin.status().region(WEST).state is RegionState.DOWN
    with pytest.raises(TwinError, match="cannot start in us-west-2: the region is down"):
        twin.spawn(WEST, "late", [sys.executable], {})
    report = twin.restore(WEST)
    assert [event.kind for event in report.events][-1] == "region-restored"
    assert dynamodb(twin, WEST).list_tables()["TableNames"] == ["kept"]
    kinds = [event.kind for event in twin.events()]
    assert kinds.index("region-kill") < kinds.index("region-restored")
    dynamodb(twin, WEST).delete_table(TableName="kept")


def test_another_handle_reaches_the_same_twin(twin: Twin) -> None:
    other = Twin.attach(twin.state_dir)
    assert other.plan == twin.plan
    assert other.pause(WEST).changed
    assert twin.status().region(WEST).state is RegionState.PAUSED
    assert not twin.status().region(WEST).answers
    assert twin.resume(WEST).changed
    assert twin.cut(EAST, WEST).changed
    assert twin.status().region(EAST).cut_from == (WEST,)
    assert twin.heal(EAST, WEST).changed


def test_bad_names_are_refused_in_one_sentence(twin: Twin) -> None:
    for refused in (
        lambda: twin.kill("mars-1"),
        lambda: twin.endpoint("mars-1"),
        lambda: twin.spawn("mars-1", "x", ["true"], {}),
    ):
        with pytest.raises(TwinError, match=r"no region 'mars-1'; it has us-east-1, us-west-2"):
            refused()


def test_route_53_is_served_and_outlives_its_control_plane(twin: Twin) -> None:
    route53 = cast("Route53", client(twin, "route53", EAST))
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    for region in (EAST, WEST):
        check = route53.create_health_check(
            CallerReference=region,
            HealthCheckConfig={
                "Type": "HTTPS",
                "FullyQualifiedDomainName": load_balancer(region),
                "Port": 443,
                # Nobody listens there: the check must not turn before the test is over.
                "RequestInterval": 30,
                "FailureThreshold": 10,
            },
        )
        route53.change_resource_record_sets(
            HostedZoneId=zone,
            ChangeBatch={
                "Changes": [
                    {
                        "Action": "CREATE",
                        "ResourceRecordSet": {
                            "Name": "us.example.com",
                            "Type": "CNAME",
                            "SetIdentifier": region,
                            "Region": region,
                            "TTL": 10,
                            "ResourceRecords": [{"Value": load_balancer(region)}],
                            "HealthCheckId": check["HealthCheck"]["Id"],
                        },
                    }
                ]
            },
        )
    until(lambda: len(twin.status().health_checks) == 2)
    # The second record is the last thing that was made.
    until(lambda: leads_to(twin, "seattle") == twin.address(WEST))
    answer = twin.resolve("us.example.com", "new-york")
    assert (answer.address, answer.ttl_s) == (twin.address(EAST), 10)
    twin.kill(EAST)
    assert leads_to(twin, "seattle") == twin.address(WEST)
    assert twin.status().dns.zones == ("example.com",)
    twin.restore(EAST)
    restored_s = time.monotonic()
    until(lambda: (twin.status().dns.age_s or 99) < time.monotonic() - restored_s)
    # Read again from its durable state: the same configuration, and so nothing new to serve.
    assert leads_to(twin, "new-york") == twin.address(EAST)
    with pytest.raises(TwinError, match=r"nothing\.example\.com has no address \(NXDOMAIN"):
        twin.resolve("nothing.example.com", "berlin")


def test_a_second_start_in_the_same_directory_is_refused(twin: Twin) -> None:
    with pytest.raises(TwinError, match=rf"already runs in .* \(process {twin.pid};"):
        Twin.start(state_dir=twin.state_dir, regions=[EAST], detached=False)
    assert twin.status().region(EAST).state is RegionState.UP


def test_a_stop_leaves_no_process_and_no_port_and_keeps_the_state(tmp_path: Path) -> None:
    twin = Twin.start(state_dir=tmp_path, regions=[EAST, WEST])
    twin.spawn(EAST, "sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], {})
    twin.spawn(WEST, "frozen", [sys.executable, "-c", "import time; time.sleep(60)"], {})
    dynamodb(twin, EAST).create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    twin.pause(WEST)
    identities, ports, plan = processes_of(twin), ports_of(twin), twin.plan
    assert len(identities) == 7
    twin.stop()
    twin.stop()
    assert wait_until_gone(identities) == []
    assert all(can_be_taken(*port) for port in ports)
    assert not (tmp_path / TWIN_FILE).exists()
    with pytest.raises(TwinError, match=r"there is no twin\.json"):
        Twin.attach(tmp_path)
    with pytest.raises(TwinError, match="was ended before it answered status"):
        twin.status()

    with Twin.start(state_dir=tmp_path, regions=[EAST, WEST], detached=False) as again:
        assert again.plan == plan
        assert dynamodb(again, EAST).list_tables()["TableNames"] == ["kept"]


def test_a_supervisor_that_is_killed_takes_everything_with_it(tmp_path: Path) -> None:
    twin = Twin.start(state_dir=tmp_path, regions=[EAST])
    twin.spawn(EAST, "frozen", [sys.executable, "-c", "import time; time.sleep(60)"], {})
    twin.kill(EAST)
    twin.restore(EAST)
    twin.pause(EAST)
    identities = processes_of(twin)
    ProcessIdentity(twin.pid, TwinRecord.load(tmp_path).started).kill()  # type: ignore[union-attr]
    assert wait_until_gone(identities) == []
    with pytest.raises(TwinError, match=rf"nothing holds its lock, and process {twin.pid} "):
        Twin.attach(tmp_path)
    twin.stop()
    with Twin.start(state_dir=tmp_path, regions=[EAST], detached=False) as again:
        assert again.status().region(EAST).state is RegionState.UP


def test_a_requested_dns_port_that_is_taken_is_one_clear_error(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"dns_port={port} is held by another process"):
            Twin.start(state_dir=tmp_path, regions=[EAST], dns_port=port, detached=False)
    assert not (tmp_path / TWIN_FILE).exists()


def test_a_region_that_cannot_start_is_one_clear_error_with_its_last_words(
    tmp_path: Path,
) -> None:
    home = tmp_path / "regions" / EAST
    home.mkdir(parents=True)
    (home / "region.sqlite").write_text("this is no database" * 100)
    with pytest.raises(
        TwinError, match=r"region server of us-east-1 ended with exit status 1 .*last words"
    ):
        Twin.start(state_dir=tmp_path, regions=[EAST], detached=False)
    assert "last words" in (tmp_path / SUPERVISOR_LOG).read_text()


def test_a_state_directory_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TwinError, match=r"cannot start in .*Name a --state-dir"):
        Twin.start(state_dir=tmp_path / "file" / "x", regions=[EAST], detached=False)


def test_an_unknown_region_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="no AWS region is called mars-1"):
        Twin.start(state_dir=tmp_path, regions=["mars-1"], detached=False)
