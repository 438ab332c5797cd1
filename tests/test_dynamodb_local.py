"""The oracle of what DynamoDB accepts is strict, and is reached from this machine only."""

import socket
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests import dynamodb_local as aws
from tests.coordination.servers import client, create_table


@pytest.mark.slow
@pytest.mark.java
def test_it_refuses_what_an_emulator_accepts(dynamodb_local: int) -> None:
    create_table(dynamodb_local, "strict")
    with pytest.raises(ClientError, match="redundant parentheses"):
        client(dynamodb_local).put_item(
            TableName="strict",
            Item={"pk": {"S": "a"}},
            ConditionExpression="((attribute_not_exists(pk)))",
        )


@pytest.mark.slow
@pytest.mark.java
def test_it_listens_on_loopback_only(dynamodb_local: int) -> None:
    # All of 127.0.0.0/8 would answer for a server that listens on every address.
    for host, expected in (("127.0.0.1", True), ("127.0.0.2", False)):
        with socket.socket() as probe:
            probe.settimeout(5)
            assert (probe.connect_ex((host, dynamodb_local)) == 0) is expected, host


@pytest.mark.parametrize(("tools", "reason"), [((), "java is not"), (("java",), "mvn is not")])
def test_a_machine_that_lacks_a_tool_says_which(
    tools: tuple[str, ...], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in tools:
        (tmp_path / tool).write_text("", encoding="utf-8")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(aws.UnavailableError, match=reason):
        aws.libraries.__wrapped__()


def test_a_runtime_that_cannot_compile_is_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("java", "mvn"):
        (tmp_path / tool).write_text("#!/bin/sh\necho java.base@17.0.1\n", encoding="utf-8")
        (tmp_path / tool).chmod(0o755)
    assert subprocess.run([tmp_path / "java"], check=True, capture_output=True).stdout
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(aws.UnavailableError, match="no JDK of version 17"):
        aws.libraries.__wrapped__()
