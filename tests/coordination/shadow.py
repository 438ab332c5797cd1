"""A pytest plugin that has DynamoDB answer, too, wherever a test keeps its records in memory.

``pytest -p tests.coordination.shadow``, with the port of a DynamoDB in ``SHADOW_PORT``, runs the
tests of modules that name ``MemoryStore``. Each such store gets keys of its own in one table. Once
a test has ended, all that it asked of memory is asked of the table in the same order, and the test
fails where the answers differ: where they do not, it would have gone as it did on DynamoDB. That
this waits for the end keeps the time that requests take out of tests that count time.
"""

import itertools
import os
import threading
import weakref
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest
from botocore.config import Config

from holdfast.contract import Consistency, Table
from holdfast.coordination import DynamoDbStore, MemoryStore, Reply, Request
from tests.coordination.servers import REGION, create_table

PORT = int(os.environ["SHADOW_PORT"])
TABLE = Table(name="shadow", consistency=Consistency.STRONG, regions=(REGION,))

_in_memory = MemoryStore.call
_dynamodb = DynamoDbStore(
    TABLE,
    boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{PORT}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
    ),
)


@dataclass
class _Shadow:
    """Where one store in memory has its records in the table."""

    number: int = field(default_factory=itertools.count().__next__)
    turn: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class _Call:
    """One request to a store in memory, and its answer."""

    store: int
    request: Request
    reply: Reply


_shadows: weakref.WeakKeyDictionary[MemoryStore, _Shadow] = weakref.WeakKeyDictionary()
_mutex = threading.Lock()
_calls: deque[_Call] = deque()
_asked = itertools.count()


def _call(self: MemoryStore, request: Request) -> Reply:
    with _mutex:
        shadow = _shadows.setdefault(self, _Shadow())
    # Written down in the order in which they are carried out.
    with shadow.turn:
        reply = _in_memory(self, request)
        _calls.append(_Call(shadow.number, request, reply))
    return reply


def pytest_configure(config: pytest.Config) -> None:
    """Writes down what stores in memory are asked, for the whole session."""
    create_table(PORT, TABLE.name)
    shadowed = patch.object(MemoryStore, "call", _call)
    shadowed.start()
    config.add_cleanup(shadowed.stop)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out modules that keep nothing in memory."""
    if collection_path.suffix != ".py":
        return None
    return "MemoryStore" not in collection_path.read_text(encoding="utf-8") or None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Asks DynamoDB the same, and fails a test to which it answers otherwise."""
    for call in [_calls.popleft() for _ in range(len(_calls))]:
        next(_asked)
        key = f"{call.store}:{call.request.key}"
        assert _dynamodb.call(replace(call.request, key=key)) == call.reply, call.request


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much was asked, so that nothing asked is noticed."""
    terminalreporter.write_line(f"requests to DynamoDB: {next(_asked)}")
