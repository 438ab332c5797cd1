"""Partitions shared by real processes on a real PostgreSQL, with real signals."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from holdfast.coordination import Delete, Get
from holdfast.coordination.stores.postgresql import PostgreSqlStore
from holdfast.coordination.stores.store import Always
from tests.coordination.leases.partition_member import PARTITIONS, TIMING
from tests.coordination.postgresql_server import PostgreSqlServer

pytestmark = pytest.mark.slow

# For a machine that is busy with other things.
SLACK_S = 2.0


class Member:
    """A process of the group, and the partitions that it says it leads."""

    def __init__(self, connection: str, owner: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.coordination.leases.partition_member", connection, owner],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.leads: dict[str, int] = {}
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if said["what"] == "leads":
                self.leads[said["partition"]] = said["token"]
            elif said["what"] in {"worked", "fenced"}:
                self.leads.pop(said["partition"], None)

    def until_leads(self, count: int, timeout_s: float = 20) -> float:
        """Waits until it leads so many, and says when."""
        deadline = time.monotonic() + timeout_s
        while len(self.leads) != count:
            assert time.monotonic() < deadline, f"leads {self.leads}, not {count}"
            time.sleep(0.01)
        return time.monotonic()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def group(server: PostgreSqlServer, *owners: str) -> Generator[list[Member]]:
    """Processes that share the partitions evenly."""
    store = PostgreSqlStore(server.connection)
    store.create()
    keys = [f"{kind}/{name}" for kind in ("cells/at", "ledger") for name in PARTITIONS]
    for key in (*keys, "cells/roster"):
        store.call(Delete(key=key, when=Always()))
    store.close()
    members: list[Member] = []
    try:
        members += [Member(server.connection, owner) for owner in owners]
        for member in members:
            member.until_leads(len(PARTITIONS) // len(owners))
        yield members
    finally:
        for member in members:
            member.end()


def test_a_killed_members_partitions_are_led_by_the_others_in_time(
    postgresql_server: PostgreSqlServer,
) -> None:
    with group(postgresql_server, "x", "y") as (first, second):
        assert set(first.leads) | set(second.leads) == set(PARTITIONS)
        lost = dict(first.leads)
        first.process.send_signal(signal.SIGKILL)
        killed_s = time.monotonic()
        took_s = second.until_leads(4) - killed_s
        limit_ms = TIMING.lease_ms + 3 * TIMING.renew_ms + 2 * TIMING.retry_ms
        assert took_s <= limit_ms / 1000 + SLACK_S
        assert all(second.leads[name] > token for name, token in lost.items())


def test_a_frozen_member_is_replaced_and_gets_its_share_back_when_it_thaws(
    postgresql_server: PostgreSqlServer,
) -> None:
    with group(postgresql_server, "x", "y") as (first, second):
        before = dict(first.leads)
        first.process.send_signal(signal.SIGSTOP)
        second.until_leads(4)
        first.process.send_signal(signal.SIGCONT)
        first.until_leads(0)
        second.until_leads(2)
        first.until_leads(2)
        assert all(token > before.get(name, 0) for name, token in first.leads.items())
        # Nobody with an earlier token has written since the last leader's first write.
        time.sleep(1)
        store = PostgreSqlStore(postgresql_server.connection)
        for name, token in {**first.leads, **second.leads}.items():
            assert (store.call(Get(f"ledger/{name}")).item or {})["fence"] == token
        store.close()


def test_a_member_that_is_asked_to_leave_hands_everything_over(
    postgresql_server: PostgreSqlServer,
) -> None:
    with group(postgresql_server, "x", "y") as (first, second):
        first.process.send_signal(signal.SIGTERM)
        asked_s = time.monotonic()
        assert first.process.wait(10) == 0
        took_s = second.until_leads(4) - asked_s
        limit_ms = TIMING.renew_ms + TIMING.retry_ms
        assert took_s <= limit_ms / 1000 + SLACK_S
        assert first.leads == {}
