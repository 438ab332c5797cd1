"""Places, their distances and the client subnets that stand for them."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import TwinError
from holdfast.twin.locations import (
    CLIENT_SUBNETS,
    LOCATIONS,
    REGIONS,
    SUBNETS,
    location,
    location_of,
)

PLACES = st.sampled_from(sorted(LOCATIONS.values(), key=lambda place: place.name))


def test_every_location_has_a_subnet_of_its_own_in_the_benchmark_block() -> None:
    assert set(SUBNETS) == set(LOCATIONS)
    assert len(set(SUBNETS.values())) == len(LOCATIONS)
    assert all(subnet.subnet_of(CLIENT_SUBNETS) for subnet in SUBNETS.values())


@given(place=PLACES, host=st.integers(0, 255))
def test_every_address_of_a_subnet_stands_for_its_location(place: object, host: int) -> None:
    name = getattr(place, "name", "")
    found = location_of(IPv4Address(int(SUBNETS[name].network_address) + host))
    assert found == LOCATIONS[name]


def test_an_address_from_elsewhere_stands_for_no_location() -> None:
    assert location_of(IPv4Address("192.0.2.1")) is None
    assert location_of(IPv4Address("198.19.255.1")) is None


@given(a=PLACES, b=PLACES)
def test_latency_is_the_same_both_ways_and_never_below_the_last_mile(a: object, b: object) -> None:
    here, there = LOCATIONS[getattr(a, "name", "")], LOCATIONS[getattr(b, "name", "")]
    assert here.latency_ms(there) == pytest.approx(there.latency_ms(here))
    assert 2.0 <= here.latency_ms(there) <= 2.0 + 1.4 * 2 * 20_100 / 200


def test_latencies_are_of_the_size_that_is_measured_in_practice() -> None:
    def between(a: str, b: str) -> float:
        return REGIONS[a].latency_ms(REGIONS[b])

    assert 45 <= between("us-east-1", "us-west-2") <= 75
    assert 65 <= between("us-east-1", "eu-west-1") <= 90
    assert 15 <= between("eu-west-1", "eu-central-1") <= 30


def test_an_unknown_location_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TwinError, match=r"no location is called 'mars'; there are .*berlin"):
        location("mars")


def test_the_serving_regions_of_every_jurisdiction_are_known() -> None:
    assert {"us-east-1", "us-west-2", "us-east-2"} <= set(REGIONS)
    assert {"eu-west-1", "eu-central-1", "eu-west-3"} <= set(REGIONS)
