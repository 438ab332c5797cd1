"""An agent's environment leads to its region's AWS, and holds nothing of the caller's."""

import pytest

from holdfast.errors import TwinError
from holdfast.twin.environment import agent_environment, base_environment
from tests.twin.test_plan import KEY, PLAN


def test_an_agents_environment_leads_to_its_region_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    found = {**base_environment(), **agent_environment(PLAN, KEY, "us-east-1")}
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY"}.isdisjoint(found)
    assert found["AWS_REGION"] == "us-east-1"
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == (KEY.key_id, KEY.secret)
    assert found["AWS_ENDPOINT_URL"] == "http://127.80.0.2:20004"
    assert found["HOLDFAST_TWIN_ADDRESS"] == "127.80.0.2"
    assert found["HOLDFAST_INGRESS_PORT"] == "20003"
    assert found["HOLDFAST_TWIN_DNS"] == "127.80.0.1:20002"


def test_no_configuration_file_of_the_callers_is_read() -> None:
    found = agent_environment(PLAN, KEY, "us-east-1")
    assert found["AWS_CONFIG_FILE"] == found["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"


def test_a_region_that_is_not_there_has_no_environment() -> None:
    with pytest.raises(TwinError, match="no region 'mars-1'"):
        agent_environment(PLAN, KEY, "mars-1")


def test_where_compiled_modules_are_kept_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "/private")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = base_environment()
    assert found["PYTHONPYCACHEPREFIX"] == "/private"
    assert "PYTHONPATH" not in found
