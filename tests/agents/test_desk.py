import threading
import time
from typing import TYPE_CHECKING, cast

import pytest

from agents.orchestrator import desk as desks
from agents.orchestrator.desk import Desk, QueueFullError, Task
from holdfast.coordination import ConditionalStore, Get, MemoryStore, Outcome, Reply, Request
from holdfast.errors import ConfigurationError, ConflictError, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class StateTable:
    """Stands for a DynamoDB client that is only ever asked to put an item."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def put_item(self, *, TableName: str, Item: dict[str, dict[str, str]]) -> None:  # noqa: N803
        assert TableName == "state"
        self.keys.append(Item["pk"]["S"])


class Flaky:
    """A store that carries every write out but loses some answers, or is in conflict at first."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.store = MemoryStore()
        self.outcomes = list(outcomes)

    def call(self, request: Request) -> Reply:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is Outcome.RETRY:
            return Reply(outcome, reason="conflict")
        reply = self.store.call(request)
        return reply if outcome is None else Reply(outcome, reason="no answer")


class Refusing:
    """A table whose permissions are missing, as for a while after a change of roles."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.refuses = True
        self.asked = threading.Event()

    def call(self, request: Request) -> Reply:
        self.asked.set()
        if self.refuses:
            raise ConfigurationError("no permission")
        return self.store.call(request)


def a_desk(store: ConditionalStore, state: StateTable | None = None) -> Desk:
    client = cast("DynamoDBClient", state or StateTable())
    return Desk(store=store, client=client, state_table="state", region="us-east-1")


def test_an_accepted_task_waits_for_whoever_leads() -> None:
    state = StateTable()
    desk = a_desk(MemoryStore(), state)
    task = desk.accept("acme", "t1", "do it")
    assert list(desk.waiting()) == [task]
    assert desk.payload(task) == "do it"
    assert state.keys == ["task#acme/t1"]


def test_sending_a_task_again_changes_nothing() -> None:
    desk = a_desk(MemoryStore())
    first = desk.accept("acme", "t1", "do it")
    assert desk.accept("acme", "t1", "do it") == first
    assert list(desk.waiting()) == [first]


def test_a_task_that_is_sent_again_a_minute_later_keeps_its_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = a_desk(MemoryStore())
    first = desk.accept("acme", "t1", "do it")
    later_s = (first.minute + 7) * 60.0
    monkeypatch.setattr(time, "time", lambda: later_s)
    assert desk.accept("acme", "t1", "do it").minute == first.minute


def test_an_id_cannot_stand_for_two_tasks() -> None:
    desk = a_desk(MemoryStore())
    desk.accept("acme", "t1", "do it")
    with pytest.raises(ConflictError, match="acme/t1"):
        desk.accept("acme", "t1", "do something else")


def test_tenants_may_use_the_same_ids() -> None:
    desk = a_desk(MemoryStore())
    desk.accept("acme", "t1", "do it")
    desk.accept("globex", "t1", "do something else")
    assert {task.tenant for task in desk.waiting()} == {"acme", "globex"}


def test_a_task_that_is_done_waits_no_more_and_doing_so_twice_makes_no_room_twice() -> None:
    store = MemoryStore()
    desk = a_desk(store)
    task = desk.accept("acme", "t1", "do it")
    desk.done(task)
    desk.done(task)
    assert list(desk.waiting()) == []
    item = store.call(Get(task.queue)).item
    assert item is not None
    assert item["waiting"] == 0


def test_a_full_queue_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "QUEUE_LIMIT", 1)
    monkeypatch.setattr(desks, "QUEUES", 1)
    desk = a_desk(MemoryStore())
    desk.accept("acme", "t1", "do it")
    with pytest.raises(QueueFullError):
        desk.accept("acme", "t2", "do it")


def test_a_queue_that_is_full_of_the_largest_tasks_fits_into_an_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desks, "QUEUES", 1)
    store = MemoryStore()
    desk = a_desk(store)
    largest = "\N{GRINNING FACE}" * 4096
    for number in range(desks.QUEUE_LIMIT):
        desk.accept("t" * 63, f"{number:064}", largest)
    item = store.call(Get(desks.queue_key(0))).item
    assert item is not None
    size = sum(len(name) + len(str(value).encode()) for name, value in item.items())
    # DynamoDB refuses an item of more.
    assert size < 400 * 1024


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.RETRY])
@pytest.mark.parametrize("before", [0, 1])
def test_a_write_whose_answer_was_lost_is_repeated_and_counts_once(
    outcome: Outcome, before: int
) -> None:
    store = Flaky(*[Outcome.RETRY] * before, outcome, outcome)
    desk = a_desk(store)
    task = desk.accept("acme", "t1", "do it")
    assert list(desk.waiting()) == [task]
    item = store.store.call(Get(task.queue)).item
    assert item is not None
    assert item["waiting"] == 1


def test_what_a_task_is_about_is_not_made_up_when_it_cannot_be_read() -> None:
    with pytest.raises(StoreUnavailableError, match="task#acme/t1 could not be read"):
        a_desk(Flaky(Outcome.UNKNOWN)).payload(Task("acme", "t1", 1))


def test_a_store_that_does_not_answer_is_not_mistaken_for_success() -> None:
    desk = a_desk(Flaky(*[Outcome.UNKNOWN] * 50))
    with pytest.raises(StoreUnavailableError, match="task#acme/t1"):
        desk.accept("acme", "t1", "do it")


def test_a_desk_is_healthy_while_its_store_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = a_desk(MemoryStore())
    assert not desk.healthy
    list(desk.waiting())
    assert desk.healthy
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + desks.FRESH_S + 1)
    assert not desk.healthy


def test_the_sign_of_life_is_asked_for_without_anybody_asking() -> None:
    desk = a_desk(MemoryStore())
    threading.Thread(target=desk.keep_looking, daemon=True).start()
    until = threading.Event()
    for _ in range(100):
        if desk.healthy:
            break
        until.wait(0.01)
    assert desk.healthy


def test_a_table_that_refuses_for_a_while_does_not_end_the_looking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desks, "LOOK_EVERY_S", 0.01)
    store = Refusing()
    desk = a_desk(store)
    threading.Thread(target=desk.keep_looking, daemon=True).start()
    assert store.asked.wait(10)
    assert not desk.healthy
    store.refuses = False
    for _ in range(1_000):
        if desk.healthy:
            break
        time.sleep(0.01)
    assert desk.healthy


def test_a_table_that_refuses_requests_is_a_store_that_is_not_available() -> None:
    with pytest.raises(StoreUnavailableError, match="no permission"):
        a_desk(Refusing()).accept("acme", "t1", "do it")


def test_every_task_of_a_name_waits_in_the_same_queue() -> None:
    assert Task("acme", "t1", 1).queue == Task("acme", "t1", 2).queue
