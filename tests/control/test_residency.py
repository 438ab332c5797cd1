"""A tenant is served at home or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.control import Misdirected, Residency, Serve, UnknownTenant
from holdfast.errors import ConfigurationError, ResidencyError
from tests.contract.platforms import platform

REGIONS = sorted(platform().regions)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_every_region_of_its_home_serves_a_tenant(region: str) -> None:
    residency = Residency(platform(), region)
    assert residency.decide("acme") == Serve("us")
    residency.check("acme")


def test_another_jurisdiction_names_the_right_hostname_and_serves_nothing() -> None:
    residency = Residency(platform(), "us-east-1")
    assert residency.decide("bolt") == Misdirected("eu", "eu.agents.example")
    with pytest.raises(ResidencyError, match=r"home in eu; this region lies in us.*eu\.agents\.ex"):
        residency.check("bolt")


def test_a_stranger_is_served_nowhere() -> None:
    for region in REGIONS:
        residency = Residency(platform(), region)
        assert residency.decide("stranger") == UnknownTenant()
        with pytest.raises(ResidencyError, match="stranger has no home"):
            residency.check("stranger")


@given(region=st.sampled_from(REGIONS), tenant=st.sampled_from(["acme", "bolt"]) | st.text())
def test_no_tenant_is_ever_served_outside_its_home(region: str, tenant: str) -> None:
    known = platform()
    here, home = known.jurisdiction_of_region(region), known.home_of(tenant)
    served = isinstance(Residency(known, region).decide(tenant), Serve)
    assert served == (home is not None and home == here)


@pytest.mark.parametrize("region", ["us-east-2", "ap-northeast-1", ""])
def test_a_region_that_serves_nobody_is_refused_at_start_up(region: str) -> None:
    with pytest.raises(ConfigurationError, match="serves nobody"):
        Residency(platform(), region)
