"""Events handled by real processes on real servers, with real signals."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from holdfast.coordination import ConditionalStore, DynamoDbStore, Get, Item
from holdfast.coordination.leases.lease import random_nonce
from holdfast.coordination.stores.postgresql import PostgreSqlStore
from tests.coordination.records.event_runner import DYNAMODB, PREFIX, STRONG, TIMING
from tests.coordination.servers import environment

pytestmark = pytest.mark.slow

TAKEOVER_S = (TIMING.lease_ms + 2 * TIMING.retry_ms) / 1000
# For a machine that is busy with other things.
SLACK_S = 2.0
PATIENCE_S = 30


class Runner:
    """A process that was delivered the event, and what it has said."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.coordination.records.event_runner", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))

    def says(self, what: str) -> dict[str, Any]:
        """The next thing that it says, which must be this."""
        said = self._said.get(timeout=PATIENCE_S)
        assert said["what"] == what, said
        return said

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def send(self, which: signal.Signals) -> float:
        self.process.send_signal(which)
        return time.monotonic()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


class Site:
    """One event, on one kind of store, delivered to processes of one kind."""

    def __init__(self, driver: str, where: str, store: ConditionalStore) -> None:
        self._driver = driver
        self._where = where
        self._store = store
        self._event = random_nonce()
        self._started: list[Runner] = []

    def deliver(self, owner: str) -> Runner:
        runner = Runner(self._driver, self._where, owner, self._event)
        self._started.append(runner)
        runner.says("delivered")
        return runner

    def record(self) -> Item:
        return self._store.call(Get(f"{PREFIX}/{self._event}")).item or {}

    def end(self) -> None:
        for runner in self._started:
            runner.end()


@pytest.fixture(params=["tasks", "threads"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[Site]:
    """Tasks on DynamoDB, threads on PostgreSQL: each driver and each server once."""
    if request.param == "tasks":
        for name, value in environment(request.getfixturevalue("server")).items():
            monkeypatch.setenv(name, value)
        made = Site("tasks", DYNAMODB, DynamoDbStore(STRONG))
    else:
        connection: str = request.getfixturevalue("postgresql_server").connection
        store = PostgreSqlStore(connection)
        store.create()
        made = Site("threads", connection, store)
    yield made
    made.end()


def test_a_killed_run_is_taken_over_within_one_lease_and_its_result_is_replayed(
    site: Site,
) -> None:
    killed = site.deliver("first")
    assert killed.says("runs")["token"] == 1
    heir = site.deliver("second")
    time.sleep(2 * TIMING.retry_ms / 1000)
    killed_at = killed.send(signal.SIGKILL)
    runs = heir.says("runs")
    assert runs["token"] == 2
    assert runs["at"] - killed_at <= TAKEOVER_S + SLACK_S
    heir.tell("complete")
    heir.says("kept")
    assert site.deliver("third").says("replayed")["result"] == "second"


@pytest.mark.parametrize("word", ["complete", "fail"])
def test_a_run_that_thaws_after_it_was_overtaken_changes_nothing(site: Site, word: str) -> None:
    zombie = site.deliver("first")
    zombie.says("runs")
    heir = site.deliver("second")
    zombie.send(signal.SIGSTOP)
    assert heir.says("runs")["token"] == 2
    before = site.record()
    zombie.send(signal.SIGCONT)
    zombie.tell(word)
    zombie.says("not kept" if word == "complete" else "failed")
    assert zombie.process.wait(PATIENCE_S) == 0
    after = site.record()
    assert (after["holder"], after["token"]) == (before["holder"], 2)
    assert "result" not in after
    heir.tell("complete")
    heir.says("kept")
    assert site.record()["result"] == "second"
