"""Real servers that tests start for themselves, on loopback, and stop."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from tests.ports import free_ports

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

TABLE = "coordination"
REGION = "us-east-1"
_START_S = 30


def environment(port: int) -> dict[str, str]:
    """What a process needs to reach the emulator on a port."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@contextmanager
def emulator(directory: Path) -> Generator[int]:
    """A DynamoDB server with the coordination table, and its port."""
    (port,) = free_ports(1)
    settings = {
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
    }
    with (directory / "emulator.log").open("wb") as log:
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name("ministack"))],
            env={**os.environ, **settings},
            cwd=directory,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, server)
            create_table(port, TABLE)
            yield port
        finally:
            server.kill()
            server.wait()


def create_table(port: int, name: str) -> None:
    """A table for a coordination store."""
    client(port).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )


def client(port: int) -> "DynamoDBClient":
    """A client with botocore's own habits, for what is not under test."""
    return boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended at its start"
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing answered on port {port} within {_START_S} s")
