import re

import pytest
from botocore.loaders import Loader
from pydantic import ValidationError

from infra.sections import Retention, Routing, Sizes
from tests.infra.documents import changed, refusals


def test_switching_regions_takes_the_failed_probes_the_agreement_and_the_cached_answers() -> None:
    assert Routing(interval_s=10, failure_threshold=3, ttl_s=10).switch_s == 3 * 10 + 6 + 10


@pytest.mark.parametrize(
    ("rto_s", "accepted"), [(46, True), (45.9, False), (45, False), (60, True)]
)
def test_a_recovery_time_is_promised_only_where_routing_can_keep_it(
    *, rto_s: float, accepted: bool
) -> None:
    found = refusals(changed("prod", {"objectives.rto_s": rto_s}), "prod")
    assert set(found) == (set() if accepted else {"routing"})
    if not accepted:
        assert "3 * 10 + 6 + 10 = 46 s" in found["routing"].wrong
        assert "46 or more" in found["routing"].fix


def test_a_long_ttl_is_refused_with_the_arithmetic() -> None:
    found = refusals(changed("prod", {"routing.ttl_s": 600}), "prod")
    assert "= 636 s" in found["routing"].wrong


def test_the_recovery_time_is_judged_even_where_other_promises_are_broken() -> None:
    changes = {"objectives.rto_s": 20, "objectives.kill_s": "soon", "objectives.rpo": 5}
    found = refusals(changed("prod", changes), "prod")
    assert set(found) == {"routing", "objectives.kill_s", "objectives.rpo"}


@pytest.mark.parametrize("interval_s", [1, 20, 60])
def test_route_53_probes_every_10_or_30_seconds(interval_s: int) -> None:
    found = refusals(changed("prod", {"routing.interval_s": interval_s}), "prod")
    assert found["routing.interval_s"].allowed == "10 or 30"


@pytest.mark.parametrize(("zones", "replicas"), [(1, 1), (2, 2), (1, 2)])
def test_no_two_nodes_of_a_cluster_share_a_zone(zones: int, replicas: int) -> None:
    sizes = {"zones": zones, "valkey_node_type": "cache.t4g.micro", "valkey_replicas": replicas}
    found = refusals(changed("dev", {"sizes": sizes}), "dev")
    assert f"at most {zones - 1}" in found["sizes.valkey_replicas"].allowed


@pytest.mark.parametrize(
    "given",
    [
        "t4g.micro",
        "cache.t2.micro",
        "cache.m3.large",
        "cache.t4g.tiny",
        "cache.t4g.micro2",
        "cache.t4g.large",
        "cache.m7g.micro",
        "cache.m7g.24xlarge",
        "cache.m5.8xlarge",
        "cache.r6g.3xlarge",
        # It keeps a part of its data on disks, which a cluster has to ask for.
        "cache.r6gd.xlarge",
    ],
)
def test_a_node_type_is_one_that_there_is_and_that_encrypts_in_transit(given: str) -> None:
    found = refusals(changed("dev", {"sizes.valkey_node_type": given}), "dev")
    assert "cache.m7g.large" in found["sizes.valkey_node_type"].allowed


def test_every_node_type_that_aws_lists_and_that_encrypts_in_transit_is_accepted() -> None:
    service = Loader().load_service_model("elasticache", "service-2")
    listed = service["shapes"]["CreateReplicationGroupMessage"]["members"]["CacheNodeType"]
    types = set(re.findall(r"cache\.(?:t3|t4g|[mr]5|[mr]6g|[mr]7g)\.\w+", listed["documentation"]))
    assert len(types) > 40
    for given in sorted(types):
        assert not refusals(changed("dev", {"sizes.valkey_node_type": given}), "dev"), given


@pytest.mark.parametrize(
    ("path", "value", "bound"),
    [
        ("retention.recovery_days", 36, "at most 35"),
        ("retention.recovery_days", 0, "at least 1"),
        ("retention.key_deletion_days", 6, "at least 7"),
        ("retention.key_deletion_days", 31, "at most 30"),
        ("routing.failure_threshold", 11, "at most 10"),
        ("routing.ttl_s", 0, "at least 1"),
        ("sizes.zones", 4, "at most 3"),
    ],
)
def test_a_number_that_aws_would_refuse_is_refused_with_the_bound(
    path: str, value: int, bound: str
) -> None:
    found = refusals(changed("dev", {path: value}), "dev")
    assert bound in found[path].allowed


def test_sections_are_frozen_and_closed() -> None:
    retention = Retention(recovery_days=1, version_days=1, key_deletion_days=7)
    with pytest.raises(ValidationError, match="frozen"):
        retention.recovery_days = 2
    with pytest.raises(ValidationError, match="Extra inputs"):
        Sizes.model_validate(
            {"zones": 1, "valkey_node_type": "cache.t4g.micro", "valkey_replicas": 0, "x": 1}
        )
