from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from holdfast.contract import Mode, Role
from holdfast.errors import ContractError, TwinError
from holdfast.twin.client import Twin
from holdfast.twin.credentials import Credentials
from holdfast.twin.fronts.changes import Changes
from holdfast.twin.stack import (
    NOT_YET,
    FrontName,
    forget_front,
    front_in_use,
    front_of,
    outlook_of,
    platform_of,
    regions_of,
    state_dir_of,
)
from tests.contract.platforms import platform

ROOT = Path(__file__).parents[2]


@dataclass
class Still:
    """A twin of which only the directory matters."""

    state_dir: Path
    ingress_port: int = 443
    credentials: Credentials = field(default_factory=Credentials.new)

    def endpoint(self, region: str) -> str:
        raise AssertionError(f"nothing is to be sent to {region}")


def _still(directory: Path) -> Twin:
    return cast("Twin", Still(directory))


def _choose(name: FrontName, twin: Twin) -> None:
    front_of(name, project=ROOT, stack="dev", twin=twin, on_line=print)


def test_a_stack_needs_the_regions_of_its_replicas_and_witnesses_too() -> None:
    assert regions_of(ROOT, "dev") == ("us-east-1", "us-east-2", "us-west-2")
    assert {"us-east-2", "eu-west-3"} < set(regions_of(ROOT, "prod"))


def test_what_a_stack_will_be_is_known_before_anything_of_it_is_made() -> None:
    outlook = outlook_of(ROOT, "dev")
    assert outlook.platform is not None
    assert outlook.platform.mode is Mode.ACTIVE_PASSIVE
    assert outlook.platform.regions["us-west-2"].role is Role.STANDBY
    assert outlook.platform.regions["us-west-2"].ingress.hostname == NOT_YET
    assert outlook.regions == ("us-east-1", "us-east-2", "us-west-2")


def test_a_program_that_shows_no_contract_in_its_preview_has_an_outlook_all_the_same(
    tmp_path: Path,
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: bare\nruntime: python\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n", encoding="utf-8")
    for exported in ("", "pulumi.export('platform', 7)", "pulumi.export('platform', {'a': 1})"):
        (tmp_path / "__main__.py").write_text(f"import pulumi\n{exported}\n", encoding="utf-8")
        assert outlook_of(tmp_path, "dev").platform is None


def test_what_one_front_deployed_the_other_refuses_to_touch(tmp_path: Path) -> None:
    twin = _still(tmp_path)
    assert front_in_use(twin) is FrontName.INPROCESS
    _choose(FrontName.PULUMI, twin)
    assert front_in_use(twin) is FrontName.PULUMI
    with pytest.raises(TwinError, match=r"deployed by the pulumi front.*holdfast twin destroy"):
        _choose(FrontName.INPROCESS, twin)


def test_after_a_destroy_either_front_may_deploy(tmp_path: Path) -> None:
    twin = _still(tmp_path)
    _choose(FrontName.PULUMI, twin)
    forget_front(twin)
    _choose(FrontName.INPROCESS, twin)


def test_a_stack_without_a_contract_is_refused_with_the_fix() -> None:
    with pytest.raises(TwinError, match="Export the contract"):
        platform_of(Changes(outputs={}))


def test_a_contract_that_does_not_fit_is_a_contract_error() -> None:
    with pytest.raises(ContractError):
        platform_of(Changes(outputs={"platform": {"schema_version": "1.0"}}))


def test_the_contract_comes_back_as_it_was_exported() -> None:
    exported = platform().model_dump(mode="json")
    assert platform_of(Changes(outputs={"platform": exported})) == platform()


def test_each_stack_has_a_directory_of_its_own() -> None:
    assert state_dir_of(ROOT, "dev") != state_dir_of(ROOT, "prod")
