import pytest
from hypothesis import given

from holdfast.contract import Consistency, Platform
from holdfast.drills.casting import Cast, LeaderRegion, Misfit, Nearness, cast, places
from holdfast.twin.locations import LOCATIONS, REGIONS
from tests.drills.platforms import a_home, a_platform, platforms, stacks_like

US = a_home("us", ("us-east-1", "us-west-2"), witness="us-east-2")
EU = a_home("eu", ("eu-west-1", "eu-central-1"), witness="eu-west-3")
AP = a_home("ap", ("ap-northeast-1", "ap-northeast-3"), witness="ap-northeast-2")
ANY = LeaderRegion()
EVERYWHERE = tuple(Nearness)


def lost(platform: Platform, role: LeaderRegion = ANY) -> str:
    found = cast(role, platform)
    assert isinstance(found, Cast), found
    return found.lost_region


def reasons(platform: Platform, role: LeaderRegion = ANY) -> str:
    found = cast(role, platform)
    assert isinstance(found, Misfit), found
    return "; ".join(found.reasons)


def test_the_region_of_the_control_planes_is_lost_where_it_leads() -> None:
    assert lost(a_platform(EU, US, AP)) == "us-east-1"


def test_without_it_the_first_jurisdiction_by_name_loses_its_home_region() -> None:
    assert lost(a_platform(EU)) == "eu-west-1"
    assert lost(a_platform(EU, AP)) == "ap-northeast-1"


def test_a_primary_leads_whatever_stands_by_and_whatever_is_listed_first() -> None:
    passive = a_home(
        "us",
        ("us-west-2", "us-east-1"),
        witness="us-east-2",
        passive=True,
        held_in=("us-east-1", "us-west-2"),
    )
    assert lost(a_platform(passive)) == "us-west-2"


def test_a_drill_may_name_the_jurisdiction_whose_leader_is_lost() -> None:
    assert lost(a_platform(US, EU), LeaderRegion(of="eu")) == "eu-west-1"
    assert reasons(a_platform(US), LeaderRegion(of="eu")) == "it has no jurisdiction eu; it has us"


def test_a_jurisdiction_that_cannot_lose_a_region_is_spared_where_another_can() -> None:
    alone = a_home("ap", ("ap-northeast-1",))
    assert lost(a_platform(alone, EU)) == "eu-west-1"


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        (
            a_platform(a_home("eu", ("eu-west-1",))),
            "eu is served from eu-west-1 alone, so nobody could take over from it",
        ),
        (a_platform(a_home("eu", ())), "eu is served from nowhere"),
        (
            a_platform(a_home("eu", ("eu-west-1", "eu-central-1"))),
            "eu-coordination of eu has 2 votes and needs 2 to answer, and 1 would be left",
        ),
        (
            a_platform(
                a_home("eu", ("eu-west-1", "eu-central-1", "eu-west-3"), held_in=["eu-west-1"])
            ),
            "no region of eu but eu-west-1 serves and holds its tables",
        ),
        (
            a_platform(
                a_home(
                    "eu",
                    ("eu-west-1", "eu-central-1"),
                    witness="eu-west-3",
                    consistency=Consistency.EVENTUAL,
                )
            ),
            "eu-coordination of eu is eventual, so two regions could lead",
        ),
        (
            a_platform(US, EU, tenants={"acme": "us"}),
            "no tenant has its home in eu, so nobody would ask there",
        ),
        (
            a_platform(a_home("eu", ("eu-west-1", "eu-moon-1"), witness="eu-west-3")),
            "eu-moon-1 of eu is on no map",
        ),
    ],
)
def test_who_is_missing_is_said_by_name(platform: Platform, told: str) -> None:
    assert told in reasons(platform)


def test_users_live_in_cities_beside_their_regions_next_door_and_where_others_are() -> None:
    platform = a_platform(US, EU)
    assert places(platform, "us", EVERYWHERE) == (
        "new-york",
        "seattle",
        "toronto",
        "los-angeles",
        "dublin",
    )
    assert places(platform, "eu", EVERYWHERE) == (
        "frankfurt",
        "dublin",
        "zurich",
        "london",
        "new-york",
    )


def test_a_region_without_a_city_of_its_own_has_users_all_the_same() -> None:
    local = places(a_platform(AP), "ap", (Nearness.LOCAL,))
    assert local == ("tokyo", "ap-northeast-3")


def test_who_travels_from_a_platform_of_one_jurisdiction_leaves_the_continent() -> None:
    (far,) = places(a_platform(EU), "eu", (Nearness.FAR,))
    assert LOCATIONS[far].continent != "EU"


@given(platforms())
def test_any_platform_is_cast_or_refused_with_a_reason(platform: Platform) -> None:
    found = cast(ANY, platform)
    if isinstance(found, Misfit):
        # Nobody at all to lose a region needs no more words.
        assert found.reasons or not platform.jurisdictions
        return
    home = platform.jurisdictions[found.affected]
    assert found.lost_region in home.regions
    table = home.coordination
    votes = {*table.regions, *filter(None, (table.witness,))}
    assert len(votes - {found.lost_region}) > len(votes) / 2
    assert set(home.regions) - {found.lost_region}
    assert found.audited.keys() == platform.jurisdictions.keys()
    assert found.lost_region not in found.audited.values()
    assert all(
        where in platform.jurisdictions[name].regions for name, where in found.audited.items()
    )


@given(platforms())
def test_every_serving_region_is_the_nearest_for_somebody(platform: Platform) -> None:
    if isinstance(cast(ANY, platform), Misfit):
        return
    for name, home in platform.jurisdictions.items():
        local = places(platform, name, (Nearness.LOCAL,))
        nearest = {
            min(home.regions, key=lambda region: LOCATIONS[place].latency_ms(REGIONS[region]))
            for place in local
        }
        assert nearest == set(home.regions)
        assert set(local) <= set(places(platform, name, EVERYWHERE)) <= set(LOCATIONS)


@given(stacks_like())
def test_every_platform_as_stack_files_make_them_is_cast(platform: Platform) -> None:
    lost_region = lost(platform)
    affected = next(one for one in platform.jurisdictions.values() if lost_region in one.regions)
    assert affected.regions[lost_region].role != "standby"
    if "us-east-1" in [one.coordination.regions[0] for one in platform.jurisdictions.values()]:
        assert lost_region == "us-east-1"
