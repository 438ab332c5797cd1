"""ElastiCache with a real Valkey behind it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError
from redis.exceptions import NoPermissionError

from holdfast.twin.region.config import TWIN_USER
from holdfast.twin.supervisor.valkey import valkey_argv
from tests.twin.region.regions import VALKEY_PASSWORD, Regions, code_of, eventually

pytestmark = pytest.mark.slow
EAST = "us-east-1"
FIRST, SECOND = "first-token-0123456789", "second-token-0123456789"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Regions, Path]]:
    """One region with its Valkey, and the Valkey's configuration file."""
    regions = Regions(tmp_path, (EAST,))
    argv = valkey_argv(tmp_path, regions.hosts[EAST], regions.valkey_ports[EAST], VALKEY_PASSWORD)
    valkey = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        regions.start()
        yield regions, tmp_path / "valkey.conf"
    finally:
        valkey.terminate()
        valkey.wait(5)
        regions.stop()


def create(regions: Regions, name: str = "limits", **more: object) -> dict[str, Any]:
    arguments = {
        "Engine": "valkey",
        "CacheNodeType": "cache.t4g.micro",
        "TransitEncryptionEnabled": True,
        "AuthToken": FIRST,
        **more,
    }
    arguments = {name: value for name, value in arguments.items() if value is not None}
    answer = regions.client("elasticache", EAST).create_replication_group(
        ReplicationGroupId=name, ReplicationGroupDescription="d", **arguments
    )
    return dict(answer["ReplicationGroup"])


def connects(regions: Regions, token: str | None) -> bool:
    with redis.Redis(
        host=regions.hosts[EAST], port=regions.valkey_ports[EAST], password=token
    ) as client:
        try:
            return bool(client.ping())  # pyright: ignore[reportUnknownMemberType]
        except (redis.AuthenticationError, redis.ResponseError):
            return False


def test_a_replication_group_is_the_regions_valkey_and_demands_its_token(
    alone: tuple[Regions, Path],
) -> None:
    regions, _ = alone
    assert not connects(regions, None)
    group = create(regions)
    endpoint = group["NodeGroups"][0]["PrimaryEndpoint"]
    assert endpoint == {
        "Address": regions.hosts[EAST],
        "Port": regions.valkey_ports[EAST],
    }
    assert connects(regions, FIRST)
    assert not connects(regions, None)
    assert not connects(regions, SECOND)


def test_a_token_is_rotated_then_set_then_goes_with_the_group(
    alone: tuple[Regions, Path],
) -> None:
    regions, _ = alone
    create(regions)
    client = regions.client("elasticache", EAST)
    client.modify_replication_group(
        ReplicationGroupId="limits", AuthToken=SECOND, AuthTokenUpdateStrategy="ROTATE"
    )
    assert connects(regions, FIRST)
    assert connects(regions, SECOND)
    client.modify_replication_group(
        ReplicationGroupId="limits", AuthToken=SECOND, AuthTokenUpdateStrategy="SET"
    )
    assert not connects(regions, FIRST)
    assert connects(regions, SECOND)
    client.delete_replication_group(ReplicationGroupId="limits")
    assert not connects(regions, SECOND)
    assert not connects(regions, None)


def test_the_token_is_written_to_valkeys_own_configuration(alone: tuple[Regions, Path]) -> None:
    regions, config = alone
    create(regions)
    assert "user default on" in config.read_text()


def test_the_token_is_in_force_again_after_a_kill(alone: tuple[Regions, Path]) -> None:
    regions, _ = alone
    create(regions)
    with redis.Redis(
        host=regions.hosts[EAST],
        port=regions.valkey_ports[EAST],
        username=TWIN_USER,
        password=VALKEY_PASSWORD,
    ) as client:
        client.execute_command("ACL", "SETUSER", "default", "nopass")  # pyright: ignore[reportUnknownMemberType]
    regions.kill(EAST)
    regions.start(EAST)

    def demanded() -> None:
        assert not connects(regions, None)

    eventually(demanded)
    assert connects(regions, FIRST)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"Engine": "redis"}, "Engine"),
        ({"NumNodeGroups": 3}, "NumNodeGroups"),
        ({"AuthToken": None}, "AuthToken"),
    ],
)
def test_what_would_need_another_server_is_refused_by_name(
    alone: tuple[Regions, Path], arguments: dict[str, Any], named: str
) -> None:
    regions, _ = alone
    with pytest.raises(ClientError) as caught:
        create(regions, **arguments)
    assert code_of(caught.value) == "InvalidParameterValue"
    assert named in str(caught.value)


def test_a_second_group_and_other_kinds_of_cache_are_refused(
    alone: tuple[Regions, Path],
) -> None:
    regions, _ = alone
    create(regions)
    with pytest.raises(ClientError, match="limits has that of us-east-1"):
        create(regions, name="more")
    client = regions.client("elasticache", EAST)
    with pytest.raises(ClientError, match="CreateServerlessCache"):
        client.create_serverless_cache(ServerlessCacheName="s", Engine="valkey")
    with pytest.raises(ClientError, match="CreateCacheCluster"):
        client.create_cache_cluster(CacheClusterId="c", Engine="valkey")


def test_nobody_may_open_what_the_token_closes(alone: tuple[Regions, Path]) -> None:
    regions, _ = alone
    create(regions)
    client = regions.client("elasticache", EAST)
    with pytest.raises(ClientError, match="AuthTokenUpdateStrategy"):
        client.modify_replication_group(
            ReplicationGroupId="limits", AuthTokenUpdateStrategy="DELETE"
        )
    with redis.Redis(
        host=regions.hosts[EAST], port=regions.valkey_ports[EAST], password=FIRST
    ) as limiter:
        for command in (("CONFIG", "SET", "dir", "/"), ("ACL", "SETUSER", "x"), ("MODULE", "LIST")):
            with pytest.raises(NoPermissionError):
                limiter.execute_command(*command)  # pyright: ignore[reportUnknownMemberType]
        assert limiter.eval("return redis.call('incr', 'n')", 0) == 1  # pyright: ignore[reportUnknownMemberType]
