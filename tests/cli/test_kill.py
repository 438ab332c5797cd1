"""The kill switch in the hands of an operator: armed by nobody else, tripped at once."""

import json
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest

from holdfast.cli import COULD_NOT, commands, killing
from holdfast.contract import Environment
from tests.contract.platforms import platform

ROOT = Path(__file__).parents[2]
WORDS = "--by oncall --reason drill"


def types(capsys: pytest.CaptureFixture[str], words: str, *, code: int = 0) -> str:
    """What a command says: its output, or its one sentence of an error."""
    assert commands.run(words.split()) == code, capsys.readouterr()
    told = capsys.readouterr()
    return told.err if code == COULD_NOT else told.out


@pytest.mark.slow
def test_an_operator_looks_trips_and_arms_a_switch_on_the_twin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = f"-s dev -C {ROOT} --state-dir {tmp_path / 'twin'}"
    assert "Armed the kill switch of us" in types(capsys, f"twin up {place}")
    try:
        assert "us: armed at epoch 1" in types(capsys, f"kill status us {place}")
        told = json.loads(types(capsys, f"kill trip us {WORDS} {place} --json"))
        assert (told["tripped"], told["epoch"], told["by"]) == (True, 2, "oncall")
        # Another deployment arms nothing.
        assert "Armed" not in types(capsys, f"twin up {place}")
        assert "tripped at epoch 2" in types(capsys, f"kill status us {place}", code=1)
        stale = types(capsys, f"kill arm us {WORDS} --epoch 1 {place}", code=COULD_NOT)
        assert "is at epoch 2" in stale
        told = types(capsys, f"kill arm us {WORDS} --epoch 2 --region us-west-2 {place}")
        assert "us: armed at epoch 3, by oncall: drill" in told
        for words in ("status mars", "status us --region mars-1"):
            assert "allowed are" in types(capsys, f"kill {words} {place}", code=COULD_NOT)
    finally:
        types(capsys, f"twin down {place}")


def test_a_change_needs_to_say_who_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ("kill trip us --by x", "kill arm us --by x --reason y"):
        assert "--" in types(capsys, words, code=COULD_NOT)
    assert commands.run(["kill", "trip", "us", "--by", " ", "--reason", "y"]) == COULD_NOT
    assert "--by is empty" in capsys.readouterr().err


def test_on_aws_the_contracts_role_is_taken_under_the_operators_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    keys = {"AccessKeyId": "A", "SecretAccessKey": "B", "SessionToken": "C"}

    def assume(**request: object) -> object:
        asked.append(("assume", request))
        return {"Credentials": keys}

    def client(service: str, **options: object) -> object:
        asked.append((service, options))
        config = options["config"]
        return SimpleNamespace(
            assume_role=assume, meta=SimpleNamespace(config=config, region_name="eu-west-1")
        )

    monkeypatch.setattr(boto3, "client", client)
    contract = platform(Environment.PROD)
    file = tmp_path / "platform.json"
    file.write_text(contract.model_dump_json())
    monkeypatch.setenv("HOLDFAST_PLATFORM_FILE", str(file))
    name = min(contract.jurisdictions)
    killing.switch_for(killing.Whose(name, None, None), "Ada L\u00f6velace")
    home = contract.jurisdictions[name]
    services = [service for service, _ in asked]
    assert services == ["sts", "assume", "dynamodb"]
    assert asked[1][1] == {
        "RoleArn": home.kill_switch.role_arn,
        "RoleSessionName": "Ada-L\u00f6velace".replace("\u00f6", "-"),
    }
    assert asked[2][1]["aws_session_token"] == "C"
    assert {options["region_name"] for _, options in (asked[0], asked[2])} == {min(home.regions)}
