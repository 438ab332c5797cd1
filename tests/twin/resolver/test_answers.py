"""What the twin's name server answers, and mutants of zone and resolver that must be noticed."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.twin.locations import LOCATIONS
from holdfast.twin.resolver.answers import LOAD_BALANCER_TTL_S, Rcode, Reply, View
from holdfast.twin.resolver.zones import Alias, HealthCheck, Record, Routing, Zone, ZoneData
from tests.twin.resolver.zone_maker import (
    ADDRESSES,
    JURISDICTIONS,
    REGION_AT,
    SERVING,
    load_balancer,
    one_hostname_with_a_default,
    per_jurisdiction,
    view,
)

Resolve = Callable[[View, str, str], str]


def region_for(at: View, name: str, place: str) -> str:
    reply = at.resolve(name, "A", LOCATIONS[place])
    return REGION_AT[reply.answers[-1].values[0]]


def zone_of(*records: Record) -> ZoneData:
    return ZoneData((Zone("example.com", records),))


def resolve(data: ZoneData, name: str, kind: str = "A", **health: bool) -> Reply:
    return view(data, {key.replace("_", "-"): value for key, value in health.items()}).resolve(
        name, kind, None
    )


def healths() -> list[dict[str, bool]]:
    return [
        {f"check-{region}": up for region, up in zip(SERVING, states, strict=True)}
        for states in itertools.product([True, False], repeat=len(SERVING))
    ]


def stays_in_its_jurisdiction(data: ZoneData, region_of: Resolve) -> None:
    """A jurisdiction's name leads into it, whatever is healthy and wherever the user is."""
    for health in healths():
        for place in ("new-york", "seattle", "berlin", "dublin", "tokyo"):
            for name, regions in JURISDICTIONS.items():
                found = region_of(view(data, health), f"{name}.example.com", place)
                assert found in regions, (name, place, found)


def leads_to_a_healthy_region(data: ZoneData, region_of: Resolve) -> None:
    """A name leads to a healthy region of its jurisdiction while there is one."""
    for health in healths():
        for name, regions in JURISDICTIONS.items():
            if any(health[f"check-{region}"] for region in regions):
                for place in ("new-york", "berlin"):
                    found = region_of(view(data, health), f"{name}.example.com", place)
                    assert health[f"check-{found}"], (name, place, found)


def test_a_jurisdictions_name_never_leads_out_of_it() -> None:
    stays_in_its_jurisdiction(per_jurisdiction(), region_for)


def test_a_default_route_that_leaks_into_another_jurisdiction_is_noticed() -> None:
    with pytest.raises(AssertionError):
        stays_in_its_jurisdiction(one_hostname_with_a_default(), region_for)


def test_a_name_leads_to_a_healthy_region_while_there_is_one() -> None:
    leads_to_a_healthy_region(per_jurisdiction(), region_for)


def test_a_name_server_that_ignores_health_is_noticed() -> None:
    def ignores_health(at: View, name: str, place: str) -> str:
        return region_for(replace(at, health={}), name, place)

    with pytest.raises(AssertionError):
        leads_to_a_healthy_region(per_jurisdiction(), ignores_health)


def test_the_answer_names_the_load_balancer_and_its_regions_address() -> None:
    reply = view(per_jurisdiction()).resolve("US.example.com.", "A", LOCATIONS["new-york"])
    assert [(each.name, each.type, each.ttl_s, each.values) for each in reply.answers] == [
        ("us.example.com", "CNAME", 10, (load_balancer("us-east-1"),)),
        (
            load_balancer("us-east-1"),
            "A",
            LOAD_BALANCER_TTL_S,
            (ADDRESSES["us-east-1"],),
        ),
    ]


def test_the_emulators_form_of_a_load_balancers_name_resolves_too() -> None:
    reply = resolve(zone_of(), "web-0a1b2c3d.eu-west-1.elb.amazonaws.com")
    assert reply.answers[0].values == (ADDRESSES["eu-west-1"],)


def test_a_load_balancer_has_no_other_records_than_its_address() -> None:
    reply = resolve(zone_of(), load_balancer("eu-west-1"), "TXT")
    assert (reply.rcode, reply.answers) == (Rcode.NOERROR, ())


def test_a_name_outside_all_zones_is_refused() -> None:
    assert resolve(zone_of(), "example.org").rcode is Rcode.REFUSED
    elsewhere = resolve(zone_of(), load_balancer("ap-south-1"))
    assert elsewhere.rcode is Rcode.REFUSED


def test_a_chain_that_leads_out_of_the_twin_is_answered_as_far_as_known() -> None:
    data = zone_of(Record(name="www.example.com", type="CNAME", values=("example.org",)))
    reply = resolve(data, "www.example.com")
    assert (reply.rcode, len(reply.answers)) == (Rcode.NOERROR, 1)


def test_a_missing_name_is_told_from_a_missing_type() -> None:
    data = zone_of(Record(name="a.b.example.com", type="A", values=("127.80.0.9",)))
    assert resolve(data, "c.example.com").rcode is Rcode.NXDOMAIN
    assert resolve(data, "a.b.example.com", "TXT").rcode is Rcode.NOERROR
    assert resolve(data, "b.example.com").rcode is Rcode.NOERROR
    assert resolve(data, "c.example.com").zone == data.zones[0]


def test_a_loop_of_names_ends_in_a_failure() -> None:
    data = zone_of(
        Record(name="a.example.com", type="CNAME", values=("b.example.com",)),
        Record(name="b.example.com", type="CNAME", values=("a.example.com",)),
    )
    assert resolve(data, "a.example.com").rcode is Rcode.SERVFAIL
    alias = Alias("c.example.com", evaluate_target_health=True)
    circle = zone_of(Record(name="c.example.com", type="A", alias=alias))
    assert resolve(circle, "c.example.com").rcode is Rcode.SERVFAIL


def test_the_longest_zone_answers() -> None:
    data = ZoneData(
        (
            Zone("example.com", ()),
            Zone(
                "eu.example.com", (Record(name="eu.example.com", type="A", values=("127.0.0.9",)),)
            ),
        )
    )
    assert resolve(data, "eu.example.com").answers[0].values == ("127.0.0.9",)


def test_a_wildcard_stands_for_names_that_do_not_exist() -> None:
    data = zone_of(
        Record(name="*.example.com", type="A", values=("127.80.0.7",)),
        Record(name="there.example.com", type="TXT", values=('"x"',)),
    )
    found = resolve(data, "anything.example.com")
    assert (found.answers[0].name, found.answers[0].values) == (
        "anything.example.com",
        ("127.80.0.7",),
    )
    assert resolve(data, "there.example.com").answers == ()


def test_an_alias_answers_under_its_own_name() -> None:
    alias = Alias(load_balancer("eu-west-1"), evaluate_target_health=False)
    data = zone_of(Record(name="example.com", type="A", alias=alias))
    (answer,) = resolve(data, "example.com").answers
    assert (answer.name, answer.values) == ("example.com", (ADDRESSES["eu-west-1"],))


def nested() -> ZoneData:
    """Failover between two groups of records of the same zone, as in Route 53's guide."""

    def member(group: str, number: int) -> Record:
        return Record(
            name=f"{group}.example.com",
            type="A",
            values=(f"127.80.{1 if group == 'first' else 2}.{number}",),
            set_id=str(number),
            routing=Routing.WEIGHTED,
            weight=1,
            health_check=f"{group}-{number}",
        )

    def alias(group: str, failover: str) -> Record:
        return Record(
            name="www.example.com",
            type="A",
            set_id=failover,
            routing=Routing.FAILOVER,
            failover=failover,
            alias=Alias(f"{group}.example.com", evaluate_target_health=True),
        )

    return zone_of(
        *(member(group, number) for group in ("first", "second") for number in (1, 2)),
        alias("first", "PRIMARY"),
        alias("second", "SECONDARY"),
    )


def test_an_alias_is_healthy_while_any_record_it_stands_for_is() -> None:
    one_down = resolve(nested(), "www.example.com", first_1=False)
    assert one_down.answers[0].values == ("127.80.1.2",)
    both_down = resolve(nested(), "www.example.com", first_1=False, first_2=False)
    assert both_down.answers[0].values == ("127.80.2.1",)


def test_what_the_twin_does_not_evaluate_fails_instead_of_guessing() -> None:
    refused = Record(name="x.example.com", type="A", refusal="CIDR routing", values=("127.0.0.9",))
    assert resolve(zone_of(refused), "x.example.com").rcode is Rcode.SERVFAIL
    alarm = HealthCheck(id="alarm", type="CLOUDWATCH_METRIC", refusal="by alarm")
    record = Record(name="y.example.com", type="A", values=("127.0.0.9",), health_check="alarm")
    data = ZoneData((Zone("example.com", (record,)),), {"alarm": alarm})
    assert resolve(data, "y.example.com").rcode is Rcode.SERVFAIL
    assert data.problems == ("health check alarm: by alarm",)


def test_a_count_of_what_the_twin_does_not_evaluate_is_not_guessed_either() -> None:
    alarm = HealthCheck(id="alarm", type="CLOUDWATCH_METRIC", refusal="by alarm")
    counting = HealthCheck(id="sum", type="CALCULATED", children=("alarm",), child_threshold=1)
    record = Record(name="z.example.com", type="A", values=("127.0.0.9",), health_check="sum")
    data = replace(zone_of(record), health_checks={"alarm": alarm, "sum": counting})
    assert resolve(data, "z.example.com").rcode is Rcode.SERVFAIL


def test_an_alias_does_not_guess_the_health_of_what_it_stands_for() -> None:
    alarm = HealthCheck(id="alarm", type="CLOUDWATCH_METRIC", refusal="by alarm")
    behind = Record(name="b.example.com", type="A", values=("127.0.0.9",), health_check="alarm")
    records = [
        Record(
            name="a.example.com",
            type="A",
            set_id=failover,
            routing=Routing.FAILOVER,
            failover=failover,
            alias=Alias(target, evaluate_target_health=True),
        )
        for failover, target in (("PRIMARY", "c.example.com"), ("SECONDARY", "b.example.com"))
    ]
    healthy = Record(name="c.example.com", type="A", values=("127.0.0.8",))
    data = replace(zone_of(*records, behind, healthy), health_checks={"alarm": alarm})
    assert resolve(data, "a.example.com").rcode is Rcode.SERVFAIL


def test_a_record_whose_health_check_is_gone_counts_as_healthy() -> None:
    records = [replace(each, health_check="gone") for each in per_jurisdiction().zones[0].records]
    data = ZoneData((Zone("example.com", tuple(records)),))
    assert region_for(view(data), "us.example.com", "new-york") == "us-east-1"


LABELS = st.lists(st.sampled_from(["a", "eu", "us", "*", "www", "example", "com"]), max_size=5)


@given(labels=LABELS, kind=st.sampled_from(["A", "AAAA", "CNAME", "TXT", "SOA"]))
def test_every_question_has_an_answer_of_some_kind(labels: list[str], kind: str) -> None:
    for data in (per_jurisdiction(), nested(), one_hostname_with_a_default()):
        reply = view(data).resolve(".".join(labels), kind, None)
        assert reply.rcode in Rcode
