"""What a contract says, and what it refuses to say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.contract import SCHEMA_VERSION, Platform
from holdfast.contract.load import FILE_VARIABLE, PARAMETER_VARIABLE
from holdfast.errors import ContractError
from tests.contract.platforms import platform


def test_a_contract_survives_being_written_and_read() -> None:
    assert Platform.parse(platform().model_dump_json()) == platform()


def test_a_newer_minor_is_read_and_another_major_is_refused() -> None:
    major = SCHEMA_VERSION.split(".", maxsplit=1)[0]
    document = json.loads(platform().model_dump_json())
    document["schema_version"] = f"{major}.99"
    assert Platform.parse(json.dumps(document)).schema_version == f"{major}.99"
    document["schema_version"] = f"{int(major) + 1}.0"
    with pytest.raises(ContractError, match=r"schema_version '2\.0'; this reader understands 1\.x"):
        Platform.parse(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "a JSON list; it must be an object"),
        ("{}", "schema_version None"),
        ('{"schema_version": 1}', "schema_version 1"),
        ('{"schema_version": "1.0"}', "does not fit its schema"),
    ],
)
def test_what_is_no_contract_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        Platform.parse(text)


@given(st.text())
def test_no_text_at_all_escapes_as_another_error(text: str) -> None:
    with pytest.raises(ContractError):
        Platform.parse(text)


def test_an_unknown_field_is_refused() -> None:
    document = json.loads(platform().model_dump_json())
    document["surprise"] = True
    with pytest.raises(ContractError, match="surprise"):
        Platform.parse(json.dumps(document))


def test_a_tenant_without_a_home_is_refused() -> None:
    document = json.loads(platform().model_dump_json())
    document["tenants"]["stray"] = "mars"
    with pytest.raises(
        ContractError, match="tenant stray has its home in mars; allowed are eu, us"
    ):
        Platform.parse(json.dumps(document))


def test_a_table_outside_its_jurisdiction_is_refused() -> None:
    document = json.loads(platform().model_dump_json())
    document["jurisdictions"]["eu"]["state"]["regions"].append("us-east-1")
    with pytest.raises(ContractError, match="table eu-state of jurisdiction eu lies in us-east-1"):
        Platform.parse(json.dumps(document))


def test_a_bucket_that_copies_out_of_its_jurisdiction_is_refused() -> None:
    document = json.loads(platform().model_dump_json())
    bucket = document["jurisdictions"]["eu"]["regions"]["eu-west-1"]["bucket"]
    bucket["replicates_to"] = ["eu-central-1-bucket", "us-east-1-bucket"]
    with pytest.raises(ContractError, match=r"eu-west-1-bucket .* replicates to us-east-1-bucket"):
        Platform.parse(json.dumps(document))


def test_a_region_or_jurisdiction_under_another_name_is_refused() -> None:
    document = json.loads(platform().model_dump_json())
    document["jurisdictions"]["eu"]["regions"]["eu-west-1"]["name"] = "eu-west-2"
    with pytest.raises(ContractError, match="eu-west-2 stands under the key eu-west-1"):
        Platform.parse(json.dumps(document))
    document = json.loads(platform().model_dump_json())
    document["jurisdictions"]["eu"]["name"] = "us"
    with pytest.raises(ContractError, match="us stands under the key eu"):
        Platform.parse(json.dumps(document))


def test_a_region_of_two_jurisdictions_is_refused() -> None:
    document = json.loads(platform().model_dump_json())
    europe = document["jurisdictions"]["eu"]
    europe["witness"] = europe["coordination"]["witness"] = "us-west-2"
    with pytest.raises(ContractError, match="us-west-2 belongs to us and to eu"):
        Platform.parse(json.dumps(document))


def test_a_contract_is_loaded_from_the_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "platform.json"
    path.write_text(platform().model_dump_json(), encoding="utf-8")
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    assert Platform.load() == platform()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(ContractError, match="nowhere cannot be read"):
        Platform.load()


def test_an_environment_without_a_contract_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    monkeypatch.delenv(PARAMETER_VARIABLE, raising=False)
    with pytest.raises(ContractError, match=f"neither {FILE_VARIABLE} nor {PARAMETER_VARIABLE}"):
        Platform.load()


def test_an_unreachable_parameter_is_a_contract_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    monkeypatch.setenv(PARAMETER_VARIABLE, "/holdfast/platform")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ContractError, match="/holdfast/platform cannot be read"):
        Platform.load()


def test_describing_a_platform_loads_no_aws_sdk() -> None:
    code = "import sys, holdfast.contract; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_regions_and_homes_are_found_by_name() -> None:
    known = platform()
    assert set(known.regions) == {"us-east-1", "us-west-2", "eu-west-1", "eu-central-1"}
    found = known.jurisdiction_of_region("eu-west-3")
    assert found is not None
    assert found.name == "eu"
    assert known.jurisdiction_of_region("ap-northeast-1") is None
    home = known.home_of("acme")
    assert home is not None
    assert home.name == "us"
    assert known.home_of("stranger") is None
