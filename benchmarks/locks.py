"""One face for the locks that ``bench_coordination`` compares: ours and others'.

All leases last ``LEASE_S``; who must be polled is polled every ``POLL_S``. Imported where only one
of the libraries is installed, so each is imported when it is made.
"""

# The peers have no types, and no public way to acquire and release in two steps.
# ruff: noqa: SLF001

import importlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

import boto3
from botocore.exceptions import EndpointConnectionError

from tests.coordination.servers import REGION, client

LEASE_S = 4
POLL_S = 1.0


class Wire:
    """Counts the requests of this process, tells of each, and can cut it off."""

    def __init__(self) -> None:
        self.requests = 0
        self.cut = False
        self.on_request: Callable[[], None] = lambda: None

    def before_send(self, **_kwargs: object) -> None:
        """Called by botocore with each request, repetitions included."""
        if self.cut:
            raise EndpointConnectionError(endpoint_url="cut off by the benchmark")
        self.requests += 1
        self.on_request()


WIRE = Wire()


class Peer(Protocol):
    """One library's lock, under one key."""

    name: str

    def acquire(self, key: str) -> bool:
        """Tries once."""
        ...

    def wait(self, key: str, longest_s: float) -> bool:
        """Waits for the lock in the library's own way, or by polling if it has none."""
        ...

    def release(self) -> None:
        """Gives the lock back."""
        ...

    def knows_it_holds(self) -> bool | None:
        """What the library tells its user; None if it tells nothing."""
        ...

    def token(self) -> int | None:
        """A token that orders holders, if the library has one."""
        ...


class _PythonDynamoDbLock:
    """python_dynamodb_lock."""

    name = "python_dynamodb_lock"

    def __init__(self) -> None:
        module = importlib.import_module("python_dynamodb_lock.python_dynamodb_lock")
        session = boto3.DEFAULT_SESSION
        assert session is not None
        resource: Any = session.resource(  # pyright: ignore[reportUnknownMemberType]
            "dynamodb"
        )
        with suppress(Exception):
            module.DynamoDBLockClient.create_dynamodb_table(resource.meta.client)
        self._lost = False
        self._client: Any = module.DynamoDBLockClient(
            resource,
            heartbeat_period=timedelta(seconds=LEASE_S / 4),
            safe_period=timedelta(seconds=LEASE_S * 0.8),
            lease_duration=timedelta(seconds=LEASE_S),
        )
        self._error: Any = module.DynamoDBLockError
        self._held: Any = None

    def _try(self, key: str, timeout_s: float) -> bool:
        try:
            self._held = self._client.acquire_lock(
                key,
                retry_period=timedelta(seconds=POLL_S),
                retry_timeout=timedelta(seconds=timeout_s),
                app_callback=self._told,
            )
        except self._error:
            return False
        return True

    def _told(self, *_args: object) -> None:
        self._lost = True

    def acquire(self, key: str) -> bool:
        return self._try(key, 0.001)

    def wait(self, key: str, longest_s: float) -> bool:
        return self._try(key, longest_s)

    def release(self) -> None:
        if self._held is not None:
            self._held.release()

    def knows_it_holds(self) -> bool | None:
        return self._held is not None and not self._lost

    def token(self) -> int | None:
        return None


class _DynaLock:
    """dynalock."""

    name = "dynalock"

    def __init__(self) -> None:
        self._module = importlib.import_module("dynalock")
        with suppress(Exception):
            _table("dynalock", {"LockId": "S"})
        self._held: Any = None

    def acquire(self, key: str) -> bool:
        if self._held is None or self._held.lock_id != key:
            self._held = self._module.DynaLock(key, REGION, "dynalock", LEASE_S)
        try:
            return bool(self._held._acquire_lock())
        except self._module.LockAlreadyAcquiredError:
            return False

    def wait(self, key: str, longest_s: float) -> bool:
        give_up = time.monotonic() + longest_s
        while not (taken := self.acquire(key)) and time.monotonic() < give_up:
            time.sleep(POLL_S)
        return taken

    def release(self) -> None:
        if self._held is not None:
            self._held._release_lock()

    def knows_it_holds(self) -> bool | None:
        return bool(self._held.lock_acquired)

    def token(self) -> int | None:
        return None


class _DynamoDlm:
    """dynamo-dlm."""

    name = "dynamo-dlm"

    def __init__(self) -> None:
        self._module = importlib.import_module("dynamo_dlm")
        with suppress(Exception):
            _table(self._module.DEFAULT_TABLE_NAME, {"resource_id": "S", "concurrency_id": "N"})
        self._held: Any = None
        self._key = ""

    def _try(self, key: str) -> bool:
        if self._held is None or self._key != key:
            self._held = self._module.DynamoDbLock(key, LEASE_S, wait_forever=False)
            self._key = key
        try:
            self._held.acquire()
        except self._module.LockNotAcquiredError:
            self._held = None
            return False
        return True

    def acquire(self, key: str) -> bool:
        return self._try(key)

    def wait(self, key: str, longest_s: float) -> bool:
        # Its own waiting cannot be ended, so it waits on a thread that ends with the process.
        waiter: Any = self._module.DynamoDbLock(key, LEASE_S)
        thread = threading.Thread(target=waiter.acquire, daemon=True)
        thread.start()
        thread.join(longest_s)
        self._held = None if thread.is_alive() else waiter
        return not thread.is_alive()

    def release(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None

    def knows_it_holds(self) -> bool | None:
        return None

    def token(self) -> int | None:
        return None


def _ours() -> Peer:
    ours: Peer = importlib.import_module("benchmarks.our_lock").HoldfastLock(LEASE_S)
    return ours


PEERS: dict[str, Callable[[], Peer]] = {
    "holdfast": _ours,
    "python_dynamodb_lock": _PythonDynamoDbLock,
    "dynalock": _DynaLock,
    "dynamo-dlm": _DynamoDlm,
}


def _table(name: str, keys: dict[str, str]) -> None:
    kinds = ["HASH", "RANGE"]
    port = int(os.environ["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])
    any_client: Any = client(port)
    any_client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)
        ],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()
        ],
    )


def set_up() -> None:
    """Has every client of this process, whoever makes it, go through ``WIRE``."""
    boto3.setup_default_session()
    session = boto3.DEFAULT_SESSION
    assert session is not None
    session.events.register("before-send.dynamodb", WIRE.before_send)
