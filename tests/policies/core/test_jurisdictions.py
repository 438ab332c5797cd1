import pytest

from policies.core.jurisdictions import REGIONS, lies_in


@pytest.mark.parametrize("region", ["eu-west-2", "eu-central-2"])
def test_london_and_zurich_are_not_in_the_eu(region: str) -> None:
    assert not lies_in(region, "eu")


def test_no_region_lies_in_two_jurisdictions() -> None:
    every = [region for regions in REGIONS.values() for region in regions]
    assert len(every) == len(set(every))


def test_an_unknown_region_and_an_unknown_jurisdiction_lie_nowhere() -> None:
    assert not lies_in("eu-west-99", "eu")
    assert not lies_in("eu-west-1", "europe")
