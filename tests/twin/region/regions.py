"""Real region servers for the tests: one process each, on loopback addresses of this test run."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from holdfast.twin.credentials import Credentials
from tests.ports import free_ports

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

US = ("us-east-1", "us-west-2", "us-east-2")
TOKEN = "for-tests"
VALKEY_PASSWORD = "for-tests-too"
CREDENTIALS = Credentials("AKIATWINTESTS", "secret-of-tests")
UP_S = 30.0

_COMPILED = {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "holdfast-tests-pycache")}
"""The emulator is large: compiled once, a server starts in a third of the time."""


class Regions:
    """Servers of several regions that know each other."""

    def __init__(
        self, base: Path, names: tuple[str, ...] = US, *, lag_ms: int = 50, delay_ms: int = 0
    ) -> None:
        self.base = base
        self.names = names
        self.lag_ms = lag_ms
        self.delay_ms = delay_ms
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: dict[tuple[str, str], Any] = {}
        # Neither other tests of this run nor other runs on this machine use the block.
        second, third = 64 + os.getpid() // 250 % 120, os.getpid() % 250
        self.hosts = {name: f"127.{second}.{third}.{n + 1}" for n, name in enumerate(names)}
        ports = {name: free_ports(3, self.hosts[name]) for name in names}
        self.api_ports = {name: ports[name][0] for name in names}
        self.peer_ports = {name: ports[name][1] for name in names}
        self.valkey_ports = {name: ports[name][2] for name in names}

    def start(self, *names: str, cut: tuple[str, ...] = ()) -> None:
        """Starts servers, all of them by default, and waits until they are ready."""
        # Their pooled connections lead to processes that are gone.
        self._clients.clear()
        for name in names or self.names:
            config = self._configure(name, cut)
            with (self.base / name / "log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "holdfast.twin.region", "--config", str(config)],
                    env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **_COMPILED},
                    stderr=log,
                )
        for name in names or self.names:
            self._await(name)

    def _configure(self, name: str, cut: tuple[str, ...]) -> Path:
        state = self.base / name
        state.mkdir(parents=True, exist_ok=True)
        config = state / "config.json"
        content = {
            "region": name,
            "host": self.hosts[name],
            "api_port": self.api_ports[name],
            "peer_port": self.peer_ports[name],
            "ingress_port": 8443,
            "valkey_port": self.valkey_ports[name],
            "state_dir": str(state),
            "peers": {
                peer: {"host": self.hosts[peer], "port": self.peer_ports[peer]}
                for peer in self.names
                if peer != name
            },
            "lag_ms": self.lag_ms,
            "peer_delay_ms": self.delay_ms,
            "cut": list(cut),
            "token": TOKEN,
            "credentials": asdict(CREDENTIALS),
            "valkey_password": VALKEY_PASSWORD,
        }
        config.write_text(json.dumps(content))
        return config

    def _await(self, name: str) -> None:
        deadline = time.monotonic() + UP_S
        while time.monotonic() < deadline:
            try:
                if self.ask(name, "status").get("ok"):
                    return
            except OSError:
                pass
            assert self.processes[name].poll() is None, self.log(name)
            time.sleep(0.02)
        raise AssertionError(f"{name} is not up after {UP_S} s: {self.log(name)}")

    def log(self, name: str) -> str:
        return (self.base / name / "log").read_text()

    def ask(self, name: str, op: str, **fields: object) -> dict[str, Any]:
        """One request to a server's peer port."""
        with socket.create_connection((self.hosts[name], self.peer_ports[name]), 10) as wire:
            request = {"id": 1, "op": op, "token": TOKEN, **fields}
            wire.sendall(json.dumps(request).encode() + b"\n")
            return cast("dict[str, Any]", json.loads(wire.makefile().readline()))

    # Faults

    def kill(self, *names: str) -> None:
        for name in names:
            self.processes[name].kill()
            self.processes[name].wait()

    def pause(self, *names: str) -> None:
        for name in names:
            self.processes[name].send_signal(signal.SIGSTOP)

    def resume(self, *names: str) -> None:
        for name in names:
            self.processes[name].send_signal(signal.SIGCONT)

    def cut(self, one: str, other: str) -> None:
        assert self.ask(one, "cut", peer=other)["ok"]
        assert self.ask(other, "cut", peer=one)["ok"]

    def heal(self, one: str, other: str) -> None:
        assert self.ask(one, "heal", peer=other)["ok"]
        assert self.ask(other, "heal", peer=one)["ok"]

    def heal_one(self, one: str, other: str) -> None:
        """Ends a cut at one end, while the other is down."""
        assert self.ask(one, "heal", peer=other)["ok"]

    def stop(self) -> None:
        """Ends every server; fails if one does not obey SIGTERM."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        stubborn: list[str] = []
        for name, process in self.processes.items():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                stubborn.append(name)
        assert not stubborn

    def memory_bytes(self, name: str) -> int:
        """The server's proportional set size."""
        rollup = Path(f"/proc/{self.processes[name].pid}/smaps_rollup").read_text()
        line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
        return int(line.split()[1]) * 1024

    # Clients

    @overload
    def client(self, service: Literal["dynamodb"], name: str) -> "DynamoDBClient": ...
    @overload
    def client(self, service: str, name: str) -> Any: ...  # noqa: ANN401 -- a boto3 client
    def client(self, service: str, name: str) -> Any:
        """A client of one region that tries once."""
        if (service, name) not in self._clients:
            self._clients[service, name] = self.client_signing_for(name, service, name)
        return self._clients[service, name]

    def client_signing_for(
        self,
        region: str,
        service: str,
        name: str,
        *,
        read_timeout_s: float = 20,
        signature_version: str | None = None,
    ) -> Any:  # noqa: ANN401 -- a boto3 client
        """A client of one region's endpoint that believes to be in ``region``."""
        return boto3.client(  # pyright: ignore[reportUnknownMemberType, reportCallIssue]
            service,  # type: ignore[call-overload]  # a name known at run time only
            region_name=region,
            endpoint_url=f"http://{self.hosts[name]}:{self.api_ports[name]}",
            aws_access_key_id=CREDENTIALS.key_id,
            aws_secret_access_key=CREDENTIALS.secret,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=5,
                read_timeout=read_timeout_s,
                signature_version=signature_version,
            ),
        )

    def make_table(self, name: str, region: str, *, sort_key: bool = False) -> None:
        keys = ["pk", "sk"] if sort_key else ["pk"]
        self.client("dynamodb", region).create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": "RANGE" if key == "sk" else "HASH"}
                for key in keys
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )

    def make_strong(self, name: str, *, sort_key: bool = False) -> None:
        """A table with replicas in the first two regions and its witness in the third."""
        home, replica, witness = self.names[:3]
        self.make_table(name, home, sort_key=sort_key)
        self.client("dynamodb", home).update_table(
            TableName=name,
            MultiRegionConsistency="STRONG",
            ReplicaUpdates=[{"Create": {"RegionName": replica}}],
            GlobalTableWitnessUpdates=[{"Create": {"RegionName": witness}}],
        )

    def make_eventual(self, name: str) -> None:
        """A table with replicas in the first two regions."""
        home, replica = self.names[:2]
        self.make_table(name, home)
        self.client("dynamodb", home).update_table(
            TableName=name, ReplicaUpdates=[{"Create": {"RegionName": replica}}]
        )


def code_of(error: ClientError) -> str:
    """The AWS name of an error."""
    return str(error.response.get("Error", {}).get("Code"))


def plain(item: object) -> dict[str, str] | None:
    """An item with its types left out."""
    if item is None:
        return None
    typed = cast("Mapping[str, Mapping[str, object]]", item)
    return {name: str(next(iter(value.values()))) for name, value in typed.items()}


def eventually(check: Callable[[], None], within_s: float = 30.0) -> None:
    """Repeats a check that raises AssertionError until it holds."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
