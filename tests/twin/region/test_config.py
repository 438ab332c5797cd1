from pathlib import Path

import pytest

from holdfast.errors import ConfigurationError
from holdfast.twin.credentials import Credentials
from holdfast.twin.region.config import load
from holdfast.twin.region_config import PeerAddress, RegionConfig


def _written(path: Path) -> RegionConfig:
    written = RegionConfig(
        region="eu-west-1",
        host="127.1.2.3",
        api_port=1001,
        peer_port=1002,
        ingress_port=1003,
        valkey_port=1004,
        state_dir=path.parent,
        peers={"eu-west-3": PeerAddress(host="127.1.2.4", port=1005)},
        lag_ms=7,
        peer_delay_ms=8,
        cut=("eu-west-3",),
        token="secret",
        credentials=Credentials("id", "key"),
        valkey_password="v",
    )
    path.write_text(written.model_dump_json())
    return written


def test_what_the_supervisor_writes_is_read_field_by_field(tmp_path: Path) -> None:
    written = _written(tmp_path / "config.json")
    read = load(tmp_path / "config.json")
    for name in set(RegionConfig.model_fields) - {"peers", "ingress_port"}:
        assert getattr(read, name) == getattr(written, name), name
    assert read.peers == {"eu-west-3": ("127.1.2.4", 1005)}
    assert read.regions == {"eu-west-1", "eu-west-3"}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"region": "eu-west-1"}', '{"peers": []}'])
def test_a_file_that_is_no_configuration_is_refused_with_its_name(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"config\.json is not a region's configuration"):
        load(path)


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        load(tmp_path / "nowhere")
