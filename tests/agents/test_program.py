"""The program as a process: what it says when it cannot run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from agents.orchestrator.model import complete


def run(**environment: str) -> tuple[int, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    ran = subprocess.run(
        (sys.executable, "-m", "agents.orchestrator"),
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    return ran.returncode, str(json.loads(ran.stdout.splitlines()[-1]).get("reason", ""))


def test_without_a_region_it_says_so() -> None:
    status, reason = run()
    assert status == 1
    assert "AWS_REGION is not set" in reason


def test_without_a_contract_it_says_so() -> None:
    status, reason = run(AWS_REGION="us-east-1", HOLDFAST_TWIN_ADDRESS="127.0.0.1")
    assert status == 1
    assert "No platform contract" in reason


@pytest.mark.slow
@pytest.mark.parametrize("port", ["https", "70000", "0"])
def test_with_a_port_that_is_none_it_says_so(port: str) -> None:
    status, reason = run(AWS_REGION="us-east-1", HOLDFAST_INGRESS_PORT=port)
    assert status == 1
    assert reason == (
        f"HOLDFAST_INGRESS_PORT={port} is no TCP port. Set it to a number from 1 to 65535, or "
        "leave it out for 8443."
    )


def test_with_a_broken_contract_it_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "platform.json"
    file.write_text("{}")
    status, reason = run(
        AWS_REGION="us-east-1",
        HOLDFAST_TWIN_ADDRESS="127.0.0.1",
        HOLDFAST_PLATFORM_FILE=str(file),
    )
    assert status == 1
    assert "schema_version" in reason


@pytest.mark.slow
def test_outside_the_twin_it_serves_nobody_without_a_certificate(tmp_path: Path) -> None:
    status, reason = run(AWS_REGION="us-east-1")
    assert status == 1
    assert "HOLDFAST_TLS_CERTIFICATE_FILE and HOLDFAST_TLS_KEY_FILE are not both set" in reason
    status, reason = run(
        AWS_REGION="us-east-1",
        HOLDFAST_TWIN_ADDRESS="127.0.0.1",
        HOLDFAST_TLS_KEY_FILE=str(tmp_path / "key.pem"),
    )
    assert status == 1
    assert "are not both set" in reason


@pytest.mark.slow
def test_a_certificate_and_a_key_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    files = [tmp_path / "chain.pem", tmp_path / "key.pem"]
    authority.issue_cert("us.agents.example.org").cert_chain_pems[0].write_to_path(str(files[0]))
    authority.issue_cert("eu.agents.example.org").private_key_pem.write_to_path(str(files[1]))
    status, reason = run(
        AWS_REGION="us-east-1",
        HOLDFAST_TLS_CERTIFICATE_FILE=str(files[0]),
        HOLDFAST_TLS_KEY_FILE=str(files[1]),
    )
    assert status == 1
    assert f"{files[1]} cannot be used" in reason


def test_the_model_gives_the_same_answer_to_the_same_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.orchestrator.model.THINKING_S", 0)
    assert complete("a") == complete("a") != complete("b")
