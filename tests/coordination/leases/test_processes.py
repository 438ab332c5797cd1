"""Elections between real processes on real servers, with real signals."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from holdfast.contract import Consistency, Table
from holdfast.coordination import ConditionalStore, Delete, DynamoDbStore, Get
from holdfast.coordination.stores.postgresql import PostgreSqlStore
from holdfast.coordination.stores.store import Always
from tests.coordination.leases.member import KEY, LEDGER
from tests.coordination.servers import REGION, TABLE, environment

LEASE_S, RENEW_S, RETRY_S, MARGIN_S = 2.0, 0.4, 0.2, 0.4
# A round trip to a server on the same machine, and what a busy machine adds to a wake-up.
SLACK_S = 1.0

# Alone: it measures how soon a process is replaced.
pytestmark = [pytest.mark.slow, pytest.mark.alone]


@dataclass(frozen=True)
class Place:
    """Where members vote.

    Attributes:
        name: What they are told of it.
        environment: What they find it by.
        store: The same, for the test.
    """

    name: str
    environment: dict[str, str]
    store: ConditionalStore


@pytest.fixture
def dynamodb(server: int, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    table = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
    return Place("dynamodb", environment(server), DynamoDbStore(table))


@pytest.fixture(params=["dynamodb", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "dynamodb":
        found: Place = request.getfixturevalue("dynamodb")
        return found
    connection: str = request.getfixturevalue("postgresql_server").connection
    store = PostgreSqlStore(connection)
    store.create()
    return Place(connection, {}, store)


class Member:
    """A process of an election, and what it has said."""

    def __init__(self, place: Place, owner: str) -> None:
        timing = [str(int(each * 1000)) for each in (LEASE_S, RENEW_S, RETRY_S, MARGIN_S)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.coordination.leases.member", place.name, owner, *timing],
            env={**os.environ, **place.environment},
            stdout=subprocess.PIPE,
        )
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))

    def says(self, what: str, timeout_s: float = 20) -> dict[str, Any]:
        """Waits until it says something, and forgets all before."""
        deadline = time.monotonic() + timeout_s
        while True:
            said = self._said.get(timeout=max(0.01, deadline - time.monotonic()))
            if said["what"] == what:
                return said

    def send(self, which: signal.Signals) -> float:
        self.process.send_signal(which)
        return time.monotonic()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def members(place: Place, *owners: str) -> Generator[list[Member]]:
    """Processes that start one after the other, so that the first one leads."""
    for key in (KEY, LEDGER):
        place.store.call(Delete(key=key, when=Always()))
    started: list[Member] = []
    try:
        for owner in owners:
            member = Member(place, owner)
            started.append(member)
            member.says("stands")
            if member is started[0]:
                member.says("leads")
        time.sleep(2 * RENEW_S)
        yield started
    finally:
        for member in started:
            member.end()


def test_a_killed_leader_is_replaced_in_time(place: Place) -> None:
    with members(place, "a", "b") as (leader, waiter):
        killed_at = leader.send(signal.SIGKILL)
        begins = waiter.says("leads")
        assert begins["token"] == 2
        assert begins["at"] - killed_at <= LEASE_S + 2 * RETRY_S + SLACK_S
        assert begins["at"] - killed_at >= LEASE_S - RENEW_S - RETRY_S


def test_a_frozen_leader_is_replaced_in_time_and_fenced_when_it_thaws(place: Place) -> None:
    with members(place, "a", "b") as (leader, waiter):
        frozen_at = leader.send(signal.SIGSTOP)
        begins = waiter.says("leads")
        assert begins["at"] - frozen_at <= LEASE_S + 2 * RETRY_S + SLACK_S
        time.sleep(0.3)
        leader.send(signal.SIGCONT)
        stops = leader.says("stops")
        assert stops["reason"] in {"lost contact", "stolen"}
        ledger = place.store.call(Get(LEDGER)).item or {}
        assert (ledger["writer"], ledger["fence"]) == ("b", 2)


def test_a_leader_that_is_asked_to_leave_hands_over_within_a_retry_period(place: Place) -> None:
    with members(place, "a", "b") as (leader, waiter):
        leader.send(signal.SIGTERM)
        stops = leader.says("stops")
        assert stops["reason"] == "asked"
        left = leader.says("left")
        begins = waiter.says("leads")
        assert begins["at"] - left["at"] <= RETRY_S + SLACK_S
        assert leader.process.wait(timeout=10) == 0


def test_three_processes_that_are_killed_in_turn_never_share_a_token(dynamodb: Place) -> None:
    with members(dynamodb, "a", "b", "c") as (first, second, third):
        first.send(signal.SIGKILL)
        seen: queue.SimpleQueue[tuple[Member, int]] = queue.SimpleQueue()

        def watch(member: Member) -> None:
            try:
                seen.put((member, member.says("leads", timeout_s=10)["token"]))
            except queue.Empty:
                return

        for member in (second, third):
            threading.Thread(target=watch, args=(member,), daemon=True).start()
        successor, token = seen.get(timeout=10)
        assert token == 2
        successor.send(signal.SIGKILL)
        last, token = seen.get(timeout=10)
        assert last is not successor
        assert token == 3


def test_a_process_that_holds_a_lease_is_lean(dynamodb: Place) -> None:
    with members(dynamodb, "a") as (leader,):
        with open(f"/proc/{leader.process.pid}/status", encoding="ascii") as status:  # noqa: PTH123
            resident_kb = next(int(line.split()[1]) for line in status if "VmRSS" in line)
        assert resident_kb < 80 * 1024
