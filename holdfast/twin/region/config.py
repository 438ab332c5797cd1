"""The region server's own reading of the file that the supervisor writes.

The file's schema is ``holdfast.twin.region_config.RegionConfig``, which checks it when it is
written. It is read here without pydantic, which would cost each of the six region processes
13 MB of memory; a test keeps the two in step.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from holdfast.errors import ConfigurationError
from holdfast.twin.credentials import Credentials

ACCOUNT = "000000000000"
"""The account that every request belongs to, whatever its credentials say."""

TWIN_USER = "twin"
"""Name of the region server's own user at its Valkey."""

MRSC_REGION_SETS: tuple[frozenset[str], ...] = (
    frozenset({"us-east-1", "us-east-2", "us-west-2"}),
    frozenset({"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"}),
    frozenset({"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"}),
)
"""Regions that may share a strongly consistent table (botocore, UpdateTable, 2012-08-10)."""


class _PeerFile(TypedDict):
    host: str
    port: int


class _CredentialsFile(TypedDict):
    key_id: str
    secret: str


class _ConfigFile(TypedDict):
    region: str
    host: str
    api_port: int
    peer_port: int
    ingress_port: int
    valkey_port: int
    state_dir: str
    peers: dict[str, _PeerFile]
    lag_ms: int
    peer_delay_ms: int
    cut: list[str]
    token: str
    credentials: _CredentialsFile
    valkey_password: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerConfig:
    """What one region server was told. Fields as in ``RegionConfig``."""

    region: str
    host: str
    api_port: int
    peer_port: int
    valkey_port: int
    state_dir: Path
    peers: dict[str, tuple[str, int]]
    lag_ms: int
    peer_delay_ms: int
    cut: tuple[str, ...]
    token: str
    credentials: Credentials
    valkey_password: str

    @property
    def regions(self) -> frozenset[str]:
        """Every region of this twin, this one included."""
        return frozenset({self.region, *self.peers})


def load(path: Path) -> ServerConfig:
    """The configuration in ``path``.

    Raises:
        ConfigurationError: If the file cannot be read or is not what the supervisor writes.
    """
    try:
        raw = cast("_ConfigFile", json.loads(path.read_bytes()))
        return ServerConfig(
            region=raw["region"],
            host=raw["host"],
            api_port=raw["api_port"],
            peer_port=raw["peer_port"],
            valkey_port=raw["valkey_port"],
            state_dir=Path(raw["state_dir"]),
            peers={name: (peer["host"], peer["port"]) for name, peer in raw["peers"].items()},
            lag_ms=raw["lag_ms"],
            peer_delay_ms=raw["peer_delay_ms"],
            cut=tuple(raw["cut"]),
            token=raw["token"],
            credentials=Credentials(**raw["credentials"]),
            valkey_password=raw["valkey_password"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is not a region's configuration ({type(error).__name__}: {error}). It must "
            "be the JSON that holdfast.twin.region_config.RegionConfig dumps; let the supervisor "
            "write it."
        ) from error
