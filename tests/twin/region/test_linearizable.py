"""Real processes under real faults, judged by the checker that also judges the simulation."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.twin.region.linearizability import Entry, Outcome, violations
from tests.twin.region.regions import Regions, code_of

pytestmark = pytest.mark.slow
EAST, WEST, WITNESS = "us-east-1", "us-west-2", "us-east-2"
RUN_S = 12.0


class Client(threading.Thread):
    """Appends to, and reads, one list in one region until it is told to stop."""

    def __init__(self, regions: Regions, region: str, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.history: list[Entry] = []
        self._client: Any = regions.client_signing_for(region, "dynamodb", region, read_timeout_s=4)
        self._name = name
        self._stop_asked = stop

    def run(self) -> None:
        dice = random.Random(self._name)  # noqa: S311 -- a workload, not a secret
        while not self._stop_asked.is_set():
            token = f"{self._name}-{len(self.history)}"
            entry = Entry(token, appends=dice.random() < 0.6, invoked=time.monotonic())
            self.history.append(entry)
            try:
                entry.seen = self._append(token) if entry.appends else self._read()
                entry.outcome = Outcome.OK
            except ClientError as error:
                if code_of(error) == "ReplicatedWriteConflictException":
                    entry.outcome = Outcome.FAILED
            except BotoCoreError:
                time.sleep(0.05)
            entry.returned = time.monotonic()

    def _append(self, token: str) -> tuple[str, ...]:
        answer = self._client.update_item(
            TableName="table",
            Key={"pk": {"S": "list"}},
            UpdateExpression="SET tokens = list_append(if_not_exists(tokens, :none), :token)",
            ExpressionAttributeValues={":none": {"L": []}, ":token": {"L": [{"S": token}]}},
            ReturnValues="ALL_NEW",
        )
        return _tokens(answer["Attributes"])

    def _read(self) -> tuple[str, ...]:
        answer = self._client.get_item(
            TableName="table", Key={"pk": {"S": "list"}}, ConsistentRead=True
        )
        return _tokens(answer.get("Item", {}))


def _tokens(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(token["S"] for token in item.get("tokens", {"L": []})["L"])


def _faults(regions: Regions) -> list[Callable[[], None]]:
    def kill(name: str) -> None:
        regions.kill(name)
        time.sleep(0.5)
        regions.start(name)

    def pause(name: str) -> None:
        regions.pause(name)
        time.sleep(0.7)
        regions.resume(name)

    def cut(one: str, other: str) -> None:
        regions.cut(one, other)
        time.sleep(0.7)
        regions.heal(one, other)

    return [
        *(lambda name=name: kill(name) for name in regions.names),
        *(lambda name=name: pause(name) for name in regions.names),
        lambda: cut(EAST, WEST),
        lambda: cut(EAST, WITNESS),
        lambda: cut(WEST, WITNESS),
    ]


def test_one_list_stays_one_list_through_kills_pauses_and_cuts(us: Regions) -> None:
    us.make_strong("table")
    stop = threading.Event()
    clients = [
        Client(us, region, f"{region}-{number}", stop)
        for region in (EAST, WEST)
        for number in range(2)
    ]
    for client in clients:
        client.start()
    dice = random.Random(1)  # noqa: S311 -- a fault schedule, not a secret
    faults = _faults(us)
    until = time.monotonic() + RUN_S
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.1, 0.5))
        dice.choice(faults)()
    time.sleep(0.5)
    stop.set()
    for client in clients:
        client.join(15)
    history = [entry for client in clients for entry in client.history]
    assert violations(history) == []
    done = [entry for entry in history if entry.outcome is Outcome.OK]
    assert sum(entry.appends for entry in done) > 50
    assert len(done) < len(history)
