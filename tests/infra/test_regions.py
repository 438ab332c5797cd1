from infra.regions import JURISDICTIONS, REGIONS, regions_of


def test_no_two_regions_share_a_number() -> None:
    numbers = [region.number for region in REGIONS.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number <= 255 for number in numbers)


def test_the_consistency_sets_are_those_of_dynamodb() -> None:
    sets: dict[str, set[str]] = {}
    for region in REGIONS.values():
        sets.setdefault(region.mrsc_set, set()).add(region.name)
    assert sets == {
        "US": {"us-east-1", "us-east-2", "us-west-2"},
        "EU": {"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"},
        "AP": {"ap-northeast-1", "ap-northeast-2", "ap-northeast-3"},
    }


def test_london_votes_with_the_eu_set_and_is_not_in_the_eu() -> None:
    assert REGIONS["eu-west-2"].mrsc_set == REGIONS["eu-west-1"].mrsc_set
    assert "eu-west-2" not in regions_of("eu")


def test_a_jurisdiction_has_three_regions_of_one_consistency_set() -> None:
    assert JURISDICTIONS == ("ap", "eu", "us")
    for law in JURISDICTIONS:
        assert len(regions_of(law)) >= 3
        assert len({REGIONS[name].mrsc_set for name in regions_of(law)}) == 1


def test_every_region_has_three_zones_that_the_address_plan_has_room_for() -> None:
    for region in REGIONS.values():
        assert len(set(region.zones)) == 3
        assert set(region.zones) <= set("abcd")
        assert list(region.zones) == sorted(region.zones)
