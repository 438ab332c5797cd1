"""Route 53's XML becomes zones, and what the twin cannot evaluate is named."""

from xml.etree import ElementTree as ET

import pytest

from holdfast.twin.resolver.zones import (
    Alias,
    Geography,
    Record,
    Routing,
    Zone,
    ZoneData,
    canonical,
    load_balancer_region,
    parse_health_checks,
    parse_records,
    parse_zone_ids,
)

XMLNS = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'


def xml(body: str) -> ET.Element:
    return ET.fromstring(f"<Response {XMLNS}>{body}</Response>")  # noqa: S314 - our own


def record(body: str) -> Record:
    (found,) = parse_records(
        xml(
            "<ResourceRecordSets><ResourceRecordSet><Name>us.Example.com.</Name>"
            f"<Type>CNAME</Type>{body}</ResourceRecordSet></ResourceRecordSets>"
        ),
        "example.com",
    )
    return found


def test_public_zones_are_listed_and_private_ones_are_not() -> None:
    zone = (
        "<HostedZone><Id>/hostedzone/{}</Id><Name>{}.</Name>"
        "<Config><PrivateZone>{}</PrivateZone></Config></HostedZone>"
    )
    root = xml(zone.format("Z1", "example.com", "false") + zone.format("Z2", "inside", "true"))
    assert parse_zone_ids(root) == [("Z1", "example.com")]


def test_a_latency_record_is_read_whole() -> None:
    found = record(
        "<SetIdentifier>one</SetIdentifier><Region>us-east-1</Region><TTL>10</TTL>"
        "<ResourceRecords><ResourceRecord><Value>lb.example.org</Value></ResourceRecord>"
        "</ResourceRecords><HealthCheckId>h1</HealthCheckId>"
    )
    assert found == Record(
        name="us.example.com",
        type="CNAME",
        ttl_s=10,
        values=("lb.example.org",),
        set_id="one",
        routing=Routing.LATENCY,
        region="us-east-1",
        health_check="h1",
    )


@pytest.mark.parametrize(
    ("body", "routing"),
    [
        ("", Routing.SIMPLE),
        ("<Weight>0</Weight>", Routing.WEIGHTED),
        ("<Failover>PRIMARY</Failover>", Routing.FAILOVER),
        ("<GeoLocation><CountryCode>*</CountryCode></GeoLocation>", Routing.GEOLOCATION),
        ("<MultiValueAnswer>true</MultiValueAnswer>", Routing.MULTIVALUE),
        ("<MultiValueAnswer>false</MultiValueAnswer>", Routing.SIMPLE),
    ],
)
def test_the_routing_policy_is_told_by_the_element_that_it_needs(
    body: str, routing: Routing
) -> None:
    assert record(body).routing is routing


def test_a_geolocation_names_its_area() -> None:
    found = record(
        "<GeoLocation><CountryCode>US</CountryCode><SubdivisionCode>CA</SubdivisionCode>"
        "</GeoLocation>"
    )
    assert found.geography == Geography(country="US", subdivision="CA")


def alias(target: str, *, evaluate: str) -> Record:
    return record(
        f"<AliasTarget><HostedZoneId>Z9</HostedZoneId><DNSName>{target}</DNSName>"
        f"<EvaluateTargetHealth>{evaluate}</EvaluateTargetHealth></AliasTarget>"
    )


def test_an_alias_to_a_load_balancer_or_within_the_zone_is_evaluated() -> None:
    load_balancer = "a-1.elb.us-east-1.amazonaws.com"
    found = alias(f"{load_balancer}.", evaluate="false")
    assert (found.alias, found.refusal) == (Alias(load_balancer, evaluate_target_health=False), "")
    inside = alias("www.example.com.", evaluate="true")
    assert (inside.refusal, inside.alias) == (
        "",
        Alias("www.example.com", evaluate_target_health=True),
    )


def test_an_alias_that_would_be_wrong_is_refused_by_name() -> None:
    assert "target health" in alias("a-1.elb.us-east-1.amazonaws.com", evaluate="true").refusal
    assert "d1.cloudfront.net" in alias("d1.cloudfront.net", evaluate="false").refusal


@pytest.mark.parametrize("policy", ["GeoProximityLocation", "CidrRoutingConfig"])
def test_a_policy_that_the_twin_does_not_evaluate_is_refused_by_name(policy: str) -> None:
    found = record(f"<{policy}><X>1</X></{policy}>")
    assert policy in found.refusal
    data = ZoneData((_zone(found),))
    assert data.problems == (f"CNAME us.example.com: the twin does not evaluate {policy}",)


def _zone(found: Record) -> Zone:
    return Zone("example.com", (found,))


CHECK = "<HealthCheck><Id>h1</Id><HealthCheckConfig>{}</HealthCheckConfig></HealthCheck>"


def test_a_health_check_is_read_whole() -> None:
    (check,) = parse_health_checks(
        xml(
            CHECK.format(
                "<Type>HTTPS_STR_MATCH</Type><Port>8443</Port>"
                "<FullyQualifiedDomainName>LB.example.org.</FullyQualifiedDomainName>"
                "<ResourcePath>/healthz</ResourcePath><SearchString>ok</SearchString>"
                "<RequestInterval>10</RequestInterval><FailureThreshold>2</FailureThreshold>"
                "<Inverted>True</Inverted><Disabled>False</Disabled>"
                "<Regions><Region>eu-west-1</Region><Region>us-east-1</Region></Regions>"
            )
        )
    )
    assert (check.host, check.port, check.path, check.search) == (
        "lb.example.org",
        8443,
        "/healthz",
        "ok",
    )
    assert (check.interval_s, check.threshold) == (10, 2)
    assert (check.inverted, check.disabled) == (True, False)
    assert check.regions == ("eu-west-1", "us-east-1")


def test_a_health_check_has_route_53s_defaults() -> None:
    (check,) = parse_health_checks(xml(CHECK.format("<Type>HTTPS</Type>")))
    assert (check.port, check.path, check.interval_s, check.threshold) == (443, "/", 30, 3)


@pytest.mark.parametrize("kind", ["CLOUDWATCH_METRIC", "RECOVERY_CONTROL"])
def test_a_health_check_that_cannot_be_probed_is_refused_by_type(kind: str) -> None:
    (check,) = parse_health_checks(xml(CHECK.format(f"<Type>{kind}</Type>")))
    assert kind in check.refusal


def test_a_calculated_health_check_names_its_children() -> None:
    (check,) = parse_health_checks(
        xml(
            CHECK.format(
                "<Type>CALCULATED</Type><HealthThreshold>1</HealthThreshold><ChildHealthChecks>"
                "<ChildHealthCheck>a</ChildHealthCheck><ChildHealthCheck>b</ChildHealthCheck>"
                "</ChildHealthChecks>"
            )
        )
    )
    assert (check.children, check.child_threshold, check.refusal) == (("a", "b"), 1, "")


def test_names_are_compared_without_case_dot_and_escapes() -> None:
    assert canonical("\\052.Example.COM.") == "*.example.com"


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("net-0a1b.elb.eu-west-1.amazonaws.com", "eu-west-1"),
        ("net-0a1b2c3d.eu-west-1.elb.amazonaws.com", "eu-west-1"),
        ("eu-west-1.elb.amazonaws.com", ""),
        ("example.com", ""),
        ("x.net-0a1b.elb.eu-west-1.amazonaws.com.example.com", ""),
    ],
)
def test_a_load_balancers_name_tells_its_region(name: str, region: str) -> None:
    assert load_balancer_region(name) == region


def test_the_digest_tells_configurations_apart() -> None:
    one = ZoneData((_zone(record("<TTL>10</TTL>")),))
    same = ZoneData((_zone(record("<TTL>10</TTL>")),))
    other = ZoneData((_zone(record("<TTL>600</TTL>")),))
    assert one.digest == same.digest != other.digest
