"""The ledger and the leader's work, on a real table in one region of the twin."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from agents.orchestrator import executor as executors
from agents.orchestrator.desk import Desk, Task
from agents.orchestrator.executor import Executor
from agents.orchestrator.ledger import Ledger, page_of
from holdfast.contract import Consistency, Environment, Table
from holdfast.control import KillSwitch
from holdfast.coordination import (
    DynamoDbStore,
    Fence,
    Lease,
    StopReason,
    SystemClock,
    dynamodb_client,
)
from holdfast.errors import LeaseLostError
from holdfast.twin.client import Twin

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.slow

REGION = "us-east-1"
TABLE = Table(name="coordination", consistency=Consistency.STRONG, regions=(REGION,))


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    home = tmp_path_factory.mktemp("twin")
    with Twin.start(state_dir=home, regions=[REGION], detached=False) as running:
        yield running


@pytest.fixture
def client(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> "DynamoDBClient":
    for name, value in twin.environment(REGION).items():
        monkeypatch.setenv(name, value)
    made = dynamodb_client(REGION, timeout_ms=5_000)
    for name in ("coordination", "state"):
        if name in made.list_tables()["TableNames"]:
            made.delete_table(TableName=name)
        made.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
    return made


@pytest.fixture
def ledger(client: "DynamoDBClient") -> Ledger:
    return Ledger(client=client, table="coordination", region=REGION)


def entries(client: "DynamoDBClient", page: str) -> list[str]:
    item = client.get_item(TableName="coordination", Key={"pk": {"S": page}}).get("Item", {})
    return [entry["S"] for entry in item.get("ledger", {}).get("L", []) if "S" in entry]


TASK = Task("acme", "t1", 7)


def test_an_append_stands_on_the_page_with_its_token_and_region(
    client: "DynamoDBClient", ledger: Ledger
) -> None:
    ledger.append(TASK, Fence(3))
    assert entries(client, page_of(TASK)) == ["t1 3 us-east-1"]


def test_a_repetition_within_a_term_is_recognised(client: "DynamoDBClient", ledger: Ledger) -> None:
    ledger.append(TASK, Fence(3))
    ledger.append(TASK, Fence(3))
    assert len(entries(client, page_of(TASK))) == 1


def test_once_a_page_is_claimed_no_earlier_leader_can_append(
    client: "DynamoDBClient", ledger: Ledger
) -> None:
    assert ledger.open(page_of(TASK), Fence(4)) == set()
    with pytest.raises(LeaseLostError):
        ledger.append(TASK, Fence(3))
    assert entries(client, page_of(TASK)) == []


def test_a_claim_shows_what_earlier_terms_have_done(ledger: Ledger) -> None:
    ledger.append(TASK, Fence(3))
    assert ledger.open(page_of(TASK), Fence(4)) == {"t1"}


def test_an_earlier_leader_cannot_claim_the_page_back(ledger: Ledger) -> None:
    ledger.open(page_of(TASK), Fence(4))
    with pytest.raises(LeaseLostError):
        ledger.open(page_of(TASK), Fence(3))


def test_many_at_once_lose_nothing(client: "DynamoDBClient", ledger: Ledger) -> None:
    tasks = [Task("acme", f"t{number}", 7) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        for ended in [pool.submit(ledger.append, task, Fence(1)) for task in tasks]:
            ended.result()
    found = [entry.split(" ")[0] for entry in entries(client, page_of(TASK))]
    assert sorted(found) == sorted(task.id for task in tasks)


def a_lease(token: int) -> Lease:
    clock = SystemClock()
    return Lease(key="leader", token=token, until_ms=clock.now_ms() + 60_000, clock=clock)


@pytest.fixture
def desk(client: "DynamoDBClient") -> Desk:
    store = DynamoDbStore(TABLE, client)
    return Desk(store=store, client=client, state_table="state", region=REGION)


@pytest.fixture
def kill(client: "DynamoDBClient") -> KillSwitch:
    store = DynamoDbStore(TABLE, client)
    switch = KillSwitch(store=store, environment=Environment.PROD, max_age_ms=1)
    switch.arm(by="test", reason="start", epoch=0)
    return switch


@pytest.fixture
def leader(
    desk: Desk, ledger: Ledger, kill: KillSwitch, monkeypatch: pytest.MonkeyPatch
) -> Executor:
    monkeypatch.setattr(executors, "POLL_S", 0.05)
    monkeypatch.setattr(executors, "complete", hash)
    return Executor(desk=desk, ledger=ledger, kill=kill)


def lead(leader: Executor, desk: Desk, lease: Lease) -> None:
    """Leads for one look at the queue; what it finds is carried out before this returns."""
    looked = desk.waiting

    def look() -> Iterator[Task]:
        yield from looked()
        lease.end(StopReason.ASKED)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(desk, "waiting", look)
        leader.lead(lease)


def test_the_leader_carries_out_what_waits_and_takes_it_off_the_queue(
    client: "DynamoDBClient", desk: Desk, leader: Executor
) -> None:
    task = desk.accept("acme", "t1", "do it")
    lead(leader, desk, a_lease(2))
    assert entries(client, page_of(task)) == ["t1 2 us-east-1"]
    assert list(desk.waiting()) == []


def test_a_task_that_an_earlier_leader_has_done_is_not_done_again(
    client: "DynamoDBClient", desk: Desk, ledger: Ledger, leader: Executor
) -> None:
    task = desk.accept("acme", "t1", "do it")
    ledger.append(task, Fence(1))
    lead(leader, desk, a_lease(2))
    assert entries(client, page_of(task)) == ["t1 1 us-east-1"]
    assert list(desk.waiting()) == []


def test_a_leader_that_was_replaced_while_it_was_thinking_changes_nothing(
    client: "DynamoDBClient",
    desk: Desk,
    ledger: Ledger,
    leader: Executor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = desk.accept("acme", "t1", "do it")

    def replaced_meanwhile(_prompt: str) -> str:
        ledger.open(page_of(task), Fence(9))
        ledger.append(task, Fence(9))
        return "an answer that comes too late"

    monkeypatch.setattr(executors, "complete", replaced_meanwhile)
    lead(leader, desk, a_lease(2))
    assert entries(client, page_of(task)) == ["t1 9 us-east-1"]


def test_a_model_that_fails_is_logged_and_its_task_waits_again(
    client: "DynamoDBClient",
    desk: Desk,
    leader: Executor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = desk.accept("acme", "t1", "do it")

    def overloaded(_prompt: str) -> str:
        raise RuntimeError("the model is overloaded")

    monkeypatch.setattr(executors, "complete", overloaded)
    lead(leader, desk, a_lease(2))
    assert list(desk.waiting()) == [task]
    assert entries(client, page_of(task)) == []
    assert "the model is overloaded" in caplog.text


def test_nothing_is_done_while_the_kill_switch_is_tripped_and_all_of_it_afterwards(
    client: "DynamoDBClient", desk: Desk, kill: KillSwitch, leader: Executor
) -> None:
    task = desk.accept("acme", "t1", "do it")
    tripped = kill.trip(by="oncall", reason="test")
    lead(leader, desk, a_lease(2))
    assert entries(client, page_of(task)) == []
    kill.arm(by="oncall", reason="over", epoch=tripped.epoch)
    lead(leader, desk, a_lease(3))
    assert entries(client, page_of(task)) == ["t1 3 us-east-1"]
