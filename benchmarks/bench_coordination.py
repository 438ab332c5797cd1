"""This library's lock beside others', on one DynamoDB server, in one run.

Run it with ``python -m benchmarks.bench_coordination``. Peers that are installed are measured,
the others are named and left out: ``pip install python_dynamodb_lock dynalock dynamo-dlm``. All
leases last 4 s, and whoever must be polled is polled once a second. A crash is a SIGKILL; an
outage is every request failing for 2 s, after which a rival waits for two and a half leases.

The takeover of a library that writes an expiry date into its record begins at the acquisition, not
at the crash: it does not renew. What that costs shows under the outage, where the lock of a living
holder is lost.
"""

# The peers have no types, and no public way to acquire and release in two steps.
# ruff: noqa: SLF001

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.exceptions import EndpointConnectionError

from holdfast.contract import Consistency, Table
from holdfast.coordination import DynamoDbStore, Lease, LeaseTiming, Lock, dynamodb_client
from holdfast.errors import LockTimeoutError
from tests.coordination.servers import REGION, TABLE, client, emulator, environment

LEASE_S = 4
POLL_S = 1.0
OUTAGE_S = 2.0
WINDOWS = 5
WINDOW_S = 0.5
WAITING_S = 3.0


class Wire:
    """Counts the requests of this process, and can cut it off."""

    def __init__(self) -> None:
        self.requests = 0
        self.cut = False

    def before_send(self, **_kwargs: object) -> None:
        """Called by botocore with each request, repetitions included."""
        if self.cut:
            raise EndpointConnectionError(endpoint_url="cut off by the benchmark")
        self.requests += 1


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


class _Holdfast:
    """This library."""

    name = "holdfast"

    def __init__(self) -> None:
        table = Table(name=TABLE, consistency=Consistency.STRONG, regions=(REGION,))
        self._store = DynamoDbStore(table, dynamodb_client())
        self._lock: Lock | None = None
        self._lease: Lease | None = None

    def _try(self, key: str, wait_s: float) -> bool:
        timing = LeaseTiming(
            lease_ms=LEASE_S * 1000, renew_ms=LEASE_S * 250, retry_ms=1000, margin_ms=LEASE_S * 200
        )
        lock = Lock(store=self._store, key=key, owner="bench", wait_s=wait_s, timing=timing)
        try:
            self._lease = lock.__enter__()
        except LockTimeoutError:
            return False
        self._lock = lock
        return True

    def acquire(self, key: str) -> bool:
        return self._try(key, 0)

    def wait(self, key: str, longest_s: float) -> bool:
        return self._try(key, longest_s)

    def release(self) -> None:
        if self._lock is not None:
            self._lock.__exit__(None, None, None)

    def knows_it_holds(self) -> bool | None:
        return self._lease is not None and self._lease.held

    def token(self) -> int | None:
        return None if self._lease is None else self._lease.token


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


PEERS: dict[str, tuple[str, Callable[[], Peer]]] = {
    "holdfast": ("holdfast", _Holdfast),
    "python_dynamodb_lock": ("python_dynamodb_lock", _PythonDynamoDbLock),
    "dynalock": ("dynalock", _DynaLock),
    "dynamo-dlm": ("dynamo_dlm", _DynamoDlm),
}


@dataclass
class Row:
    """What was measured of one peer."""

    acquire: int = 0
    release: int = 0
    per_s: float = 0
    waiting_per_s: float = 0
    takeover_s: float = 0
    after_outage: str = ""
    tokens: str = ""


def measure(name: str) -> Row:
    """Measures one peer in this process, against the server of the environment."""
    make, row = PEERS[name][1], Row()
    peer = make()
    before = WIRE.requests
    assert peer.acquire("cost")
    row.acquire, before = WIRE.requests - before, WIRE.requests
    first = peer.token()
    peer.release()
    row.release = WIRE.requests - before
    row.per_s = max(_pairs_per_s(peer) for _ in range(WINDOWS))
    second = None
    if peer.acquire("cost"):
        second = peer.token()
        peer.release()
    grows = first is not None and second is not None and second > first
    row.tokens = "grow" if grows else "none"
    row.takeover_s = _takeover(name, make())
    row.after_outage = _outage(peer, make())
    row.waiting_per_s = _waiting(name, make())
    return row


def _pairs_per_s(peer: Peer) -> float:
    """One window; the best of several is the one that nothing else disturbed."""
    began, count = time.monotonic(), 0
    while time.monotonic() - began < WINDOW_S:
        assert peer.acquire("speed")
        peer.release()
        count += 1
    return count / (time.monotonic() - began)


def _crashing_holder(name: str, key: str) -> "subprocess.Popen[bytes]":
    """Another process that takes a lock and keeps it until it is killed."""
    holder = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bench_coordination", "hold", name, key],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"holds\n"
    return holder


def _takeover(name: str, waiter: Peer) -> float:
    holder = _crashing_holder(name, "crash")
    taken = threading.Event()

    def wait() -> None:
        if waiter.wait("crash", 60):
            taken.set()

    threading.Thread(target=wait, daemon=True).start()
    time.sleep(LEASE_S * 0.6)
    holder.kill()
    killed = time.monotonic()
    holder.wait()
    if not taken.wait(60):
        return float("inf")
    took = time.monotonic() - killed
    waiter.release()
    return took


def _outage(holder: Peer, rival: Peer) -> str:
    assert holder.acquire("outage")
    time.sleep(0.5)
    WIRE.cut = True
    time.sleep(OUTAGE_S)
    WIRE.cut = False
    stolen = rival.wait("outage", LEASE_S * 2.5)
    believes = holder.knows_it_holds()
    with suppress(Exception):
        # Whoever has it now: nothing may renew while the next peer waits.
        (rival if stolen else holder).release()
    said = {True: "still says held", False: "told", None: "says nothing"}[believes]
    return f"lost; holder {said}" if stolen else "kept"


def _waiting(name: str, waiter: Peer) -> float:
    """Last of all: some waiters cannot be stopped."""
    holder = _crashing_holder(name, "queue")
    before = WIRE.requests
    threading.Thread(target=waiter.wait, args=("queue", 60), daemon=True).start()
    # Shorter than the lease, so that those who never renew still hold it.
    time.sleep(WAITING_S)
    rate = (WIRE.requests - before) / WAITING_S
    holder.kill()
    holder.wait()
    return rate


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


def _set_up() -> None:
    boto3.setup_default_session()
    session = boto3.DEFAULT_SESSION
    assert session is not None
    session.events.register("before-send.dynamodb", WIRE.before_send)


def _hold(name: str, key: str) -> None:
    _set_up()
    peer = PEERS[name][1]()
    assert peer.acquire(key)
    sys.stdout.write("holds\n")
    sys.stdout.flush()
    time.sleep(120)


def _print_one(name: str) -> None:
    _set_up()
    row = measure(name)
    print(
        f"{name:22} {row.acquire:>7} {row.release:>7} {row.waiting_per_s:>9.1f} "
        f"{row.per_s:>7.0f} {row.takeover_s:>9.1f}  {row.tokens:7} {row.after_outage}",
        flush=True,
    )
    # Waiters that cannot be stopped end with the process.
    os._exit(0)


def main() -> None:
    """Measures every peer that is installed, each in a process of its own."""
    if sys.argv[1:2] == ["hold"]:
        _hold(sys.argv[2], sys.argv[3])
        return
    if sys.argv[1:2] == ["one"]:
        _print_one(sys.argv[2])
        return
    with tempfile.TemporaryDirectory() as directory, emulator(Path(directory)) as port:
        print(f"leases of {LEASE_S} s; requests per operation; takeover after a crash in seconds")
        print(
            f"{'':22} {'acquire':>7} {'release':>7} {'waiting/s':>9} {'pairs/s':>7} "
            f"{'takeover':>9}  tokens  after an outage of {OUTAGE_S:.0f} s"
        )
        for name, (module, _) in PEERS.items():
            if importlib.util.find_spec(module) is None:
                print(f"{name:22} is not installed")
                continue
            subprocess.run(
                [sys.executable, "-m", "benchmarks.bench_coordination", "one", name],
                env={**os.environ, **environment(port)},
                check=False,
                timeout=180,
            )
        print(
            "pairs/s: bound by the server. dynalock's are the cheapest because its release asks "
            "nobody whose lock it deletes, and nothing renews.\n"
            "takeover: by lease and phase; at most lease + retry + two round trips here. Libraries "
            "that never renew count from the acquisition, and lose the locks of the living as well."
        )


if __name__ == "__main__":
    main()
