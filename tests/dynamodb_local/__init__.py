"""AWS's DynamoDB Local, the oracle of what DynamoDB accepts and answers.

Fetched with Maven into the user's cache the first time, started on loopback and stopped by the
tests that ask for it. It is AWS's, under a licence of its own, so nothing of it is kept here.

A test takes the fixture ``dynamodb_local`` (a port), marks itself ``java``, and is skipped, with
the reason, where there is no JDK or no Maven. :func:`running` starts one more, which begins empty.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import boto3

from tests.ports import free_ports

HERE = Path(__file__).parent
VERSION = "2.5.4"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_LEAST_JAVA = 17
_FETCH_S = 300
_START_S = 60
_STOP_S = 10
# For which the native library of its database exists.
_PLATFORMS = {("Linux", "x86_64"), ("Darwin", "x86_64")}


class UnavailableError(Exception):
    """DynamoDB Local cannot be had on this machine; the message says why."""


@cache
def libraries() -> Path:
    """The directory of its jars, fetched where they are not in the cache yet.

    Raises:
        UnavailableError: If this machine cannot run it, or it cannot be fetched.
    """
    _check_machine()
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holdfast-tests"
    kept.mkdir(parents=True, exist_ok=True)
    place = kept / f"DynamoDBLocal-{VERSION}"
    with (kept / "lock").open("w") as lock:
        # Workers of one run, and runs beside it, fetch it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            _fetch(place)
    return place


@contextmanager
def running(directory: Path) -> Generator[int]:
    """An empty server, and its port.

    Args:
        directory: Where it works and keeps its log.

    Raises:
        UnavailableError: If this machine cannot run it, or it cannot be fetched.
    """
    place = libraries()
    (port,) = free_ports(1)
    with (directory / "dynamodb_local.log").open("wb") as log:
        server = subprocess.Popen(
            [
                "java",
                "-Xmx512m",
                "-XX:TieredStopAtLevel=1",
                f"-Djava.library.path={place}",
                "-cp",
                f"{place}/*",
                str(HERE / "Loopback.java"),
                # It would otherwise tell AWS of each start.
                "-disableTelemetry",
                "-inMemory",
                "-sharedDb",
                "-port",
                str(port),
            ],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            _wait_for(server, log.name)
            _warm_up(port)
            yield port
        finally:
            try:
                # Ends its standard input, and so itself.
                server.communicate(timeout=_STOP_S)
            finally:
                server.kill()


def _check_machine() -> None:
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"{tool} is not on PATH")
    modules = subprocess.run(
        ["java", "--list-modules"], capture_output=True, text=True, check=False
    ).stdout
    versions = [line.split("@")[1] for line in modules.splitlines() if "jdk.compiler@" in line]
    if not versions or int(versions[0].split(".")[0]) < _LEAST_JAVA:
        raise UnavailableError(f"java on PATH is no JDK of version {_LEAST_JAVA} or later")
    if (platform.system(), platform.machine()) not in _PLATFORMS:
        raise UnavailableError(f"it has no library for {platform.system()} {platform.machine()}")


def _fetch(place: Path) -> None:
    fetching = place.with_name(f"{place.name}.fetching")
    shutil.rmtree(fetching, ignore_errors=True)
    try:
        fetched = subprocess.run(
            [
                "mvn",
                "--batch-mode",
                "--quiet",
                "--strict-checksums",
                f"--file={HERE / 'pom.xml'}",
                _COPY,
                f"-DoutputDirectory={fetching}",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FETCH_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"mvn did not fetch it within {_FETCH_S} s") from error
    if fetched.returncode:
        raise UnavailableError(f"mvn could not fetch it: {fetched.stdout.strip()[:500]}")
    fetching.rename(place)


def _wait_for(server: subprocess.Popen[bytes], log: str) -> None:
    assert server.stdout is not None
    os.set_blocking(server.stdout.fileno(), False)
    deadline_s = time.monotonic() + _START_S
    told = b""
    while b"ready" not in told:
        assert server.poll() is None, f"DynamoDB Local ended at its start: {log}"
        assert time.monotonic() < deadline_s, f"DynamoDB Local is not ready in {_START_S} s: {log}"
        time.sleep(0.05)
        told += server.stdout.read() or b""


def _warm_up(port: int) -> None:
    """Has it load its classes, which takes longer than clients that are under test wait."""
    client = boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    table, key = "warm-up", {"pk": {"S": "a"}}
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    client.put_item(TableName=table, Item=key, ConditionExpression="attribute_not_exists(pk)")
    client.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #a = :a ADD b :a REMOVE c",
        ConditionExpression="attribute_not_exists(#a) OR (#a <= :a AND b = :a)",
        ExpressionAttributeNames={"#a": "a"},
        ExpressionAttributeValues={":a": {"N": "1"}},
    )
    client.get_item(TableName=table, Key=key, ConsistentRead=True)
    client.scan(TableName=table, FilterExpression="attribute_exists(pk)")
    client.delete_table(TableName=table)
