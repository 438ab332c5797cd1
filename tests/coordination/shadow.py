"""A pytest plugin that has DynamoDB answer wherever a test keeps its records in memory.

``pytest -p tests.coordination.shadow``, with the port of a DynamoDB in ``SHADOW_PORT``, runs tests
of modules that name ``MemoryStore``. Each such store gets keys of its own in one table; every
request is carried out in the table and in memory, and a test fails if the two ever answer
differently.
"""

import itertools
import os
import threading
import weakref
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


_shadows: weakref.WeakKeyDictionary[MemoryStore, _Shadow] = weakref.WeakKeyDictionary()
_mutex = threading.Lock()
_asked = itertools.count()
_differences: list[str] = []


def _call(self: MemoryStore, request: Request) -> Reply:
    with _mutex:
        shadow = _shadows.setdefault(self, _Shadow())
        next(_asked)
    with shadow.turn:
        expected = _in_memory(self, request)
        reply = _dynamodb.call(replace(request, key=f"{shadow.number}:{request.key}"))
    if reply != expected:
        _differences.append(f"{request} in the table: {reply}; in memory: {expected}")
    return reply


def pytest_configure(config: pytest.Config) -> None:
    """Puts the table in the place of memory for the whole session."""
    create_table(PORT, TABLE.name)
    shadowed = patch.object(MemoryStore, "call", _call)
    shadowed.start()
    config.add_cleanup(shadowed.stop)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out modules that keep nothing in memory."""
    if collection_path.suffix != ".py":
        return None
    return "MemoryStore" not in collection_path.read_text(encoding="utf-8") or None


def pytest_runtest_teardown() -> None:
    """Fails a test whose answers were not the same."""
    found = _differences.copy()
    _differences.clear()
    assert not found, "\n".join(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how much was asked, so that nothing asked is noticed."""
    terminalreporter.write_line(f"requests to DynamoDB: {next(_asked)}")
