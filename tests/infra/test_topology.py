from ipaddress import IPv4Network
from itertools import combinations
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.contract import Mode, Role
from infra.regions import JURISDICTIONS, REGIONS
from infra.settings import Settings, parse
from infra.topology import (
    QUORUM,
    JurisdictionPlan,
    KillPlan,
    RegionPlan,
    Topology,
    plan,
    region_network,
    zone_network,
)
from tests.infra.documents import STACKS, changed, committed, documents, settings

# Written down a second time on purpose: the table under test must not be its own witness.
GROUND = {
    "us": {"us-east-1", "us-east-2", "us-west-2"},
    "eu": {"eu-west-1", "eu-west-3", "eu-central-1"},
    "ap": {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"},
}


def planned(stack: str, **changes: object) -> Topology:
    return plan(parse(changed(stack, changes), stack))


def networks(region: RegionPlan) -> list[IPv4Network]:
    return [*region.public_subnets.values(), *region.private_subnets.values()]


@given(settings())
def test_no_two_networks_of_a_platform_overlap(given_settings: Settings) -> None:
    topology = plan(given_settings)
    for one, other in combinations(topology.regions, 2):
        assert not one.cidr.overlaps(other.cidr)
    for region in topology.regions:
        assert region.cidr.subnet_of(given_settings.network)
        assert all(not one.overlaps(other) for one, other in combinations(networks(region), 2))
        assert all(subnet.subnet_of(region.cidr) for subnet in networks(region))


@given(settings())
def test_every_network_is_of_a_size_that_aws_accepts(given_settings: Settings) -> None:
    for region in plan(given_settings).regions:
        assert 16 <= region.cidr.prefixlen <= 28
        assert all(16 <= subnet.prefixlen <= 28 for subnet in networks(region))


def test_no_two_regions_of_the_table_overlap_in_any_pool() -> None:
    for pool in ("10.0.0.0/8", "10.64.0.0/10", "172.16.0.0/12"):
        every = [region_network(IPv4Network(pool), name) for name in REGIONS]
        assert all(not one.overlaps(other) for one, other in combinations(every, 2))


@given(settings())
def test_every_zone_has_a_public_and_a_private_subnet(given_settings: Settings) -> None:
    for region in plan(given_settings).regions:
        assert len(region.availability_zones) == given_settings.sizes.zones
        assert tuple(region.public_subnets) == region.availability_zones
        assert tuple(region.private_subnets) == region.availability_zones
        assert all(zone.startswith(region.name) for zone in region.availability_zones)


@given(settings())
def test_each_jurisdiction_survives_the_loss_of_any_one_region(given_settings: Settings) -> None:
    for jurisdiction in plan(given_settings).jurisdictions:
        assert len(set(jurisdiction.votes)) == 3
        for lost in jurisdiction.votes:
            voting = [region for region in jurisdiction.votes if region != lost]
            serving = [region for region in jurisdiction.regions if region.name != lost]
            assert len(voting) >= 2
            assert serving
            assert jurisdiction.survives(lost)


@given(settings())
def test_every_replica_and_witness_lies_in_its_jurisdiction(given_settings: Settings) -> None:
    topology = plan(given_settings)
    for jurisdiction in topology.jurisdictions:
        assert set(jurisdiction.votes) <= GROUND[jurisdiction.name]
    assert set(topology.tenants.values()) <= {each.name for each in topology.jurisdictions}


@given(documents(), st.data())
def test_removing_a_jurisdiction_renames_and_readdresses_nothing_that_stays(
    document: dict[str, object], data: st.DataObject
) -> None:
    stack = cast("str", document["environment"])
    before = plan(parse(document, stack))
    jurisdictions = cast("dict[str, object]", document["jurisdictions"])
    kept = data.draw(st.sets(st.sampled_from(sorted(jurisdictions)), min_size=1))
    smaller = {
        **document,
        "jurisdictions": {name: jurisdictions[name] for name in sorted(kept, reverse=True)},
        "tenants": {},
    }
    after = plan(parse(smaller, stack))
    assert after.jurisdictions == tuple(each for each in before.jurisdictions if each.name in kept)


@given(st.sampled_from(JURISDICTIONS), st.permutations(range(3)), st.sampled_from(STACKS))
def test_removing_a_region_renames_and_readdresses_nothing_that_stays(
    law: str, order: list[int], stack: str
) -> None:
    home, stays, leaves = (sorted(GROUND[law])[position] for position in order)
    three = changed(stack, {"mode": "active-active", "tenants": {}})
    three["jurisdictions"] = {law: {"home": home, "replicas": [leaves, stays]}}
    two = {**three, "jurisdictions": {law: {"home": home, "replicas": [stays], "witness": leaves}}}
    before, after = (plan(parse(each, stack)) for each in (three, two))
    assert {region.name for region in after.regions} == {home, stays}
    assert all(region in before.regions for region in after.regions)


@given(documents())
def test_the_order_of_a_file_decides_nothing(document: dict[str, object]) -> None:
    stack = cast("str", document["environment"])
    jurisdictions = cast("dict[str, dict[str, object]]", document["jurisdictions"])
    turned = {
        **document,
        "jurisdictions": {
            name: {**shape, "replicas": list(reversed(cast("list[str]", shape["replicas"])))}
            for name, shape in reversed(jurisdictions.items())
        },
    }
    assert plan(parse(turned, stack)) == plan(parse(document, stack))


@given(settings())
def test_one_zone_more_readdresses_no_other(given_settings: Settings) -> None:
    for region in plan(given_settings).regions:
        for zone in region.availability_zones:
            quarter = zone_network(region.cidr, zone[-1])
            assert region.public_subnets[zone].subnet_of(quarter)
            assert region.private_subnets[zone].subnet_of(quarter)


@given(settings())
def test_every_lost_region_has_a_successor_that_serves_in_its_jurisdiction(
    given_settings: Settings,
) -> None:
    for jurisdiction in plan(given_settings).jurisdictions:
        serving = [region.name for region in jurisdiction.regions]
        assert [pair.lost for pair in jurisdiction.failover_pairs] == serving
        for pair in jurisdiction.failover_pairs:
            assert pair.successor in serving
            assert pair.successor != pair.lost


@given(settings())
def test_in_active_passive_home_is_primary_and_every_other_region_stands_by(
    given_settings: Settings,
) -> None:
    for jurisdiction in plan(given_settings).jurisdictions:
        roles = (jurisdiction.home.role, {region.role for region in jurisdiction.replicas})
        if given_settings.mode is Mode.ACTIVE_PASSIVE:
            assert roles == (Role.PRIMARY, {Role.STANDBY})
            assert len(jurisdiction.replicas) == 1
        else:
            assert roles == (Role.ACTIVE, {Role.ACTIVE})


@given(settings())
def test_users_are_led_away_within_the_promised_time(given_settings: Settings) -> None:
    topology = plan(given_settings)
    routing = topology.routing
    bound_s = routing.failure_threshold * routing.interval_s + 6 + routing.ttl_s
    assert routing.switch_s == bound_s
    assert bound_s <= topology.objectives.rto_s


def test_two_of_three_votes_are_a_quorum_and_one_is_not() -> None:
    jurisdiction = planned("dev").jurisdictions[0]
    alone = JurisdictionPlan(
        name="us", hostname="us.example.com", regions=jurisdiction.regions, witness=None
    )
    assert QUORUM == 2
    assert not alone.survives("us-east-1")


def test_prod_is_what_the_design_says() -> None:
    topology = plan(parse(committed("prod"), "prod"))
    shape = {
        each.name: (
            each.hostname.split(".")[0],
            [region.name for region in each.regions],
            each.witness,
        )
        for each in topology.jurisdictions
    }
    assert shape == {
        "us": ("us", ["us-east-1", "us-west-2"], "us-east-2"),
        "eu": ("eu", ["eu-west-1", "eu-central-1"], "eu-west-3"),
    }
    assert topology.mode is Mode.ACTIVE_ACTIVE
    assert topology.routing.switch_s == 46
    assert topology.deletion_protection


def test_dev_is_one_jurisdiction_of_a_primary_and_a_standby_at_their_smallest() -> None:
    topology = plan(parse(committed("dev"), "dev"))
    (jurisdiction,) = topology.jurisdictions
    assert [region.role for region in jurisdiction.regions] == [Role.PRIMARY, Role.STANDBY]
    assert (topology.sizes.zones, topology.sizes.valkey_replicas) == (1, 0)
    assert not topology.deletion_protection


def test_staging_has_the_shape_of_prod() -> None:
    staging, prod = (plan(parse(committed(stack), stack)) for stack in ("staging", "prod"))
    assert [each.votes for each in staging.jurisdictions] == [
        each.votes for each in prod.jurisdictions
    ]
    assert (staging.mode, staging.routing) == (prod.mode, prod.routing)
    assert staging.agents.model == prod.agents.model
    assert staging.sizes.zones == prod.sizes.zones
    assert staging.sizes.valkey_replicas == prod.sizes.valkey_replicas


def test_the_four_environments_can_be_joined_to_one_network() -> None:
    regions = [region for stack in STACKS for region in planned(stack).regions]
    assert all(not one.cidr.overlaps(other.cidr) for one, other in combinations(regions, 2))


def test_the_addresses_of_prod_are_these_for_ever() -> None:
    # A change here renumbers running networks, which replaces every subnet in them.
    assert {region.name: str(region.cidr) for region in planned("prod").regions} == {
        "eu-west-1": "10.8.0.0/18",
        "eu-central-1": "10.8.192.0/18",
        "us-east-1": "10.4.0.0/18",
        "us-west-2": "10.4.128.0/18",
    }
    east = next(region for region in planned("prod").regions if region.name == "us-east-1")
    assert str(east.private_subnets["us-east-1b"]) == "10.4.16.0/21"
    assert str(east.public_subnets["us-east-1b"]) == "10.4.31.0/24"


def test_decommissioning_takes_deletion_protection_off_in_any_environment() -> None:
    assert not planned("prod", decommission=True).deletion_protection


def test_kill_principals_become_patterns_of_arns_in_the_account_they_belong_to() -> None:
    kill = KillPlan(
        item_key="kill",
        principals=("role/oncall", "user/*", "arn:aws:iam::222222222222:role/break-glass"),
    )
    assert kill.arn_patterns("111111111111") == (
        "arn:aws:iam::111111111111:role/oncall",
        "arn:aws:iam::111111111111:user/*",
        "arn:aws:iam::222222222222:role/break-glass",
    )
    assert kill.accounts("111111111111") == ("111111111111", "222222222222")


def test_an_unknown_jurisdiction_has_no_plan() -> None:
    topology = planned("dev")
    assert topology.jurisdiction("us").name == "us"
    with pytest.raises(KeyError):
        topology.jurisdiction("eu")
