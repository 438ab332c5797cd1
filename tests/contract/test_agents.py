"""How agents behave is the environment's to say, and no process starts against it."""

import json
from enum import StrEnum
from pathlib import Path

import pytest

from holdfast.contract import (
    Approvals,
    Data,
    Environment,
    Platform,
    Rollback,
    SafetyChecks,
    TokenBudget,
    Tools,
)
from holdfast.contract.agents import DECLARATIONS
from holdfast.contract.load import FILE_VARIABLE
from holdfast.errors import ContractError
from infra.environments import PROFILES
from tests.contract.platforms import platform


def changed(environment: Environment, field: str, value: object) -> str:
    document = json.loads(platform(environment).model_dump_json())
    document["agents"][field] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("environment", "field", "value"),
    [
        (Environment.PROD, "safety_checks", SafetyChecks.OPTIONAL),
        (Environment.PROD, "safety_checks", SafetyChecks.AS_PROD),
        (Environment.PROD, "approvals", Approvals.SKIPPED),
        (Environment.PROD, "approvals", Approvals.MOCKED),
        (Environment.PROD, "tools", Tools.STUBS),
        (Environment.PROD, "data", Data.FIXED),
        (Environment.PROD, "token_budget", TokenBudget.LOOSE),
        (Environment.PROD, "rollback", Rollback.NOT_APPLICABLE),
        (Environment.STAGING, "data", Data.REAL),
        (Environment.STAGING, "tools", Tools.GUARDED),
        (Environment.STAGING, "safety_checks", SafetyChecks.OPTIONAL),
        (Environment.TEST, "approvals", Approvals.SKIPPED),
        (Environment.TEST, "token_budget", TokenBudget.LOOSE),
        (Environment.DEV, "data", Data.REAL),
        (Environment.DEV, "tools", Tools.SANDBOX),
    ],
)
def test_agents_that_are_freer_than_their_environment_make_no_platform(
    environment: Environment, field: str, value: StrEnum
) -> None:
    with pytest.raises(ContractError, match=rf"agents\.{field} is {value} in {environment}"):
        Platform.parse(changed(environment, field, value))


@pytest.mark.parametrize(
    "model",
    [
        {"id": "m", "fallback": "n", "mocked": True},
        {"id": "m", "fallback": None, "mocked": False},
        {"id": "m", "fallback": "m", "mocked": False},
    ],
)
def test_production_calls_real_models_and_has_another_to_fall_back_to(
    model: dict[str, object],
) -> None:
    with pytest.raises(ContractError, match=r"agents\.model"):
        Platform.parse(changed(Environment.PROD, "model", model))


@pytest.mark.parametrize("environment", Environment)
def test_the_matrix_of_the_stack_files_is_one_that_the_runtime_starts_with(
    environment: Environment,
) -> None:
    document = json.loads(platform(environment).model_dump_json())
    document["agents"] = PROFILES[environment].agents.model_dump(mode="json")
    assert Platform.parse(json.dumps(document)).environment is environment


@pytest.mark.parametrize("variable", [*DECLARATIONS, "HOLDFAST_MODEL"])
def test_a_process_made_for_another_environment_does_not_start(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "platform.json"
    path.write_text(platform().model_dump_json(), encoding="utf-8")
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    monkeypatch.setenv(variable, "something-else")
    with pytest.raises(ContractError, match=f"environment prod: {variable} is something-else"):
        Platform.load()


def test_a_process_may_say_what_the_contract_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "platform.json"
    path.write_text(platform().model_dump_json(), encoding="utf-8")
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    for variable, field in DECLARATIONS.items():
        monkeypatch.setenv(variable, getattr(platform().agents, field))
    monkeypatch.setenv("HOLDFAST_MODEL", platform().agents.model.id)
    assert Platform.load() == platform()
