"""What a region server is told is checked where it is written."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from holdfast.twin.credentials import Credentials
from holdfast.twin.region_config import PeerAddress, RegionConfig

CONFIG = RegionConfig(
    region="us-east-1",
    host="127.80.0.2",
    api_port=20001,
    peer_port=20002,
    ingress_port=20003,
    valkey_port=20004,
    state_dir=Path("/state"),
    peers={"us-west-2": PeerAddress(host="127.80.0.3", port=20005)},
    cut=("us-west-2",),
    token="t",
    credentials=Credentials("id", "secret"),
    valkey_password="v",
)


def test_a_configuration_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(CONFIG.model_dump_json())
    assert RegionConfig.load(path) == CONFIG
    assert (CONFIG.lag_ms, CONFIG.peer_delay_ms) == (500, 5)


@pytest.mark.parametrize(
    "wrong", [{"api_port": 0}, {"api_port": 70000}, {"lag_ms": -1}, {"novel": 1}]
)
def test_a_value_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        RegionConfig.model_validate({**CONFIG.model_dump(), **wrong})


def test_only_one_region_hosts_the_global_control_planes() -> None:
    assert CONFIG.is_global
    assert not CONFIG.model_copy(update={"region": "us-west-2"}).is_global
