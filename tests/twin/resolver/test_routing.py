"""Route 53's routing policies, as properties, and mutants of each that must be noticed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.locations import LOCATIONS, REGIONS
from holdfast.twin.resolver.routing import MULTIVALUE_MOST, Circumstances, choose
from holdfast.twin.resolver.zones import Geography, Record, Routing

Choose = Callable[[Sequence[Record], Circumstances], tuple[Record, ...]]

PLACES = st.sampled_from([None, *LOCATIONS.values()])
POLICIES = [Routing.WEIGHTED, Routing.LATENCY, Routing.FAILOVER, Routing.MULTIVALUE]


def record(set_id: str, routing: Routing, **fields: object) -> Record:
    return replace(Record(name="x.example.com", type="A", set_id=set_id, routing=routing), **fields)  # type: ignore[arg-type]


def group_of(routing: Routing) -> list[Record]:
    regions = ("us-east-1", "eu-west-1", "ap-northeast-1")
    roles = ("PRIMARY", "SECONDARY", "SECONDARY")
    size = 2 if routing is Routing.FAILOVER else 3
    return [
        record(regions[i], routing, weight=i + 1, region=regions[i], failover=roles[i])
        for i in range(size)
    ]


def _anything(_: Record) -> bool:
    return True


def chosen(
    choose_: Choose,
    records: Sequence[Record],
    *,
    place: str | None = None,
    healthy: Sequence[str] | None = None,
    dice: float = 0.0,
) -> list[str]:
    now = Circumstances(
        place=None if place is None else LOCATIONS[place],
        healthy=lambda each: healthy is None or each.set_id in healthy,
        dice=lambda: dice,
    )
    return [each.set_id for each in choose_(records, now)]


def unhealthy_is_chosen_only_when_all_are(choose_: Choose) -> None:
    """The property that every policy with health checks has."""
    for routing in POLICIES:
        records = group_of(routing)
        names = [each.set_id for each in records]
        for bits in range(1, 2 ** len(names)):
            healthy = [name for i, name in enumerate(names) if bits >> i & 1]
            for place in ("new-york", "berlin", "tokyo"):
                for dice in (0.0, 0.5, 0.99):
                    found = chosen(choose_, records, place=place, healthy=healthy, dice=dice)
                    assert found, routing
                    assert set(found) <= set(healthy), routing


def test_an_unhealthy_record_is_chosen_only_when_all_are_unhealthy() -> None:
    unhealthy_is_chosen_only_when_all_are(choose)


def test_a_resolver_that_ignores_health_is_noticed() -> None:
    def ignores_health(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
        return choose(records, replace(now, healthy=_anything))

    with pytest.raises(AssertionError):
        unhealthy_is_chosen_only_when_all_are(ignores_health)


@pytest.mark.parametrize("routing", POLICIES)
@given(place=PLACES, dice=st.floats(0, 1, exclude_max=True))
def test_with_everything_unhealthy_the_answer_is_as_if_all_were_healthy(
    routing: Routing, place: object, dice: float
) -> None:
    records = group_of(routing)
    where = getattr(place, "name", None)
    none = chosen(choose, records, place=where, healthy=[], dice=dice)
    assert none == chosen(choose, records, place=where, dice=dice) != []


def test_latency_prefers_the_nearest_region() -> None:
    records = group_of(Routing.LATENCY)
    assert chosen(choose, records, place="chicago") == ["us-east-1"]
    assert chosen(choose, records, place="warsaw") == ["eu-west-1"]
    assert chosen(choose, records, place="tokyo") == ["ap-northeast-1"]


def test_latency_falls_to_the_next_nearest_healthy_region() -> None:
    records = group_of(Routing.LATENCY)
    healthy = ["us-east-1", "ap-northeast-1"]
    assert chosen(choose, records, place="warsaw", healthy=healthy) == ["us-east-1"]


def test_a_latency_record_of_an_unknown_region_comes_last() -> None:
    records = [
        record("moon-1", Routing.LATENCY, region="moon-1"),
        record("ap-southeast-2", Routing.LATENCY, region="ap-southeast-2"),
    ]
    assert chosen(choose, records, place="dublin") == ["ap-southeast-2"]


@given(place=st.sampled_from(sorted(REGIONS)))
def test_latency_from_within_a_region_answers_with_that_region(place: str) -> None:
    records = [record(name, Routing.LATENCY, region=name) for name in REGIONS]
    assert chosen(choose, records, place=place) == [place]


def test_failover_goes_to_the_secondary_and_back() -> None:
    records = group_of(Routing.FAILOVER)
    assert chosen(choose, records) == ["us-east-1"]
    assert chosen(choose, records, healthy=["eu-west-1"]) == ["eu-west-1"]
    assert chosen(choose, list(reversed(records))) == ["us-east-1"]


def test_weights_share_the_answers_in_proportion() -> None:
    records = [
        record("one", Routing.WEIGHTED, weight=1),
        record("three", Routing.WEIGHTED, weight=3),
    ]
    answers = [chosen(choose, records, dice=i / 1000)[0] for i in range(1000)]
    assert answers.count("one") == 250


def test_a_weight_of_zero_serves_only_when_no_other_is_healthy() -> None:
    records = [
        record("zero", Routing.WEIGHTED, weight=0),
        record("heavy", Routing.WEIGHTED, weight=5),
    ]
    for dice in (0.0, 0.5, 0.999):
        assert chosen(choose, records, dice=dice) == ["heavy"]
    assert chosen(choose, records, healthy=["zero"]) == ["zero"]
    assert chosen(choose, records, healthy=[]) == ["heavy"]


def test_weights_that_are_all_zero_share_alike() -> None:
    records = [record(name, Routing.WEIGHTED, weight=0) for name in ("a", "b")]
    assert [chosen(choose, records, dice=dice)[0] for dice in (0.0, 0.6)] == ["a", "b"]


AREAS = [
    record("default", Routing.GEOLOCATION, geography=Geography(country="*")),
    record("europe", Routing.GEOLOCATION, geography=Geography(continent="EU")),
    record("germany", Routing.GEOLOCATION, geography=Geography(country="DE")),
    record("oregon", Routing.GEOLOCATION, geography=Geography(country="US", subdivision="OR")),
    record("america", Routing.GEOLOCATION, geography=Geography(continent="NA")),
]


def test_geolocation_answers_with_the_narrowest_area() -> None:
    assert chosen(choose, AREAS, place="berlin") == ["germany"]
    assert chosen(choose, AREAS, place="paris") == ["europe"]
    assert chosen(choose, AREAS, place="us-west-2") == ["oregon"]
    assert chosen(choose, AREAS, place="toronto") == ["america"]
    assert chosen(choose, AREAS, place="tokyo") == ["default"]
    assert chosen(choose, AREAS, place=None) == ["default"]


def test_geolocation_widens_the_area_while_records_are_unhealthy() -> None:
    assert chosen(choose, AREAS, place="berlin", healthy=["europe", "default"]) == ["europe"]
    assert chosen(choose, AREAS, place="berlin", healthy=["default", "america"]) == ["default"]
    assert chosen(choose, AREAS, place="berlin", healthy=["america"]) == ["germany"]


def test_geolocation_without_a_default_does_not_answer_strangers() -> None:
    assert chosen(choose, AREAS[1:], place="tokyo") == []
    assert chosen(choose, AREAS[1:], place=None) == []


def test_multivalue_answers_with_at_most_eight_healthy_records() -> None:
    records = [record(str(i), Routing.MULTIVALUE) for i in range(12)]
    healthy = [str(i) for i in range(10)]
    found = chosen(choose, records, healthy=healthy)
    assert len(found) == MULTIVALUE_MOST
    assert set(found) <= set(healthy)


def test_a_simple_record_is_answered_with_whatever_its_health() -> None:
    assert chosen(choose, [record("only", Routing.SIMPLE)], healthy=[]) == ["only"]


def test_no_records_no_answer() -> None:
    assert choose([], Circumstances(None, lambda _: True, lambda: 0.0)) == ()
