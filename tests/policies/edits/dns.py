"""Edits that lead users to a lost region, to nowhere, or to somebody else."""

from typing import Final

from tests.policies.shipped import Harm, adding, removing, setting, together, without

RECORD: Final = "aws:route53/record:Record::"
CHECK: Final = "aws:route53/healthCheck:HealthCheck::"
ZONE: Final = "aws:route53/zone:Zone::"
EU: Final = "eu.agents.holdfast.example"

_HEALTH: Final = (
    Harm(
        name="a record has no health check",
        edit=removing(f"{RECORD}eu-routing-eu-west-1", "healthCheckId"),
        rule="record-health-checked",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a record's health check is somebody else's",
        edit=setting(f"{RECORD}eu-routing-eu-west-1", "healthCheckId", "0f0f"),
        rule="record-health-checked",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="an alias does not ask how its target is",
        edit=adding(
            "aws:route53/record:Record",
            "alias",
            {
                "name": "new.agents.holdfast.example",
                "type": "A",
                "zoneId": "z",
                "healthCheckId": "h",
                "aliases": [{"name": "n", "zoneId": "y", "evaluateTargetHealth": False}],
            },
            {"aliases": "aws:lb/loadBalancer:LoadBalancer::eu-west-1-ingress"},
        ),
        rule="record-health-checked",
        at="alias",
    ),
    Harm(
        name="a health check is off",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "disabled", value=True),
        rule="health-check-true",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a health check is turned round",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "invertHealthcheck", value=True),
        rule="health-check-true",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a health check asks for a connection only",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "type", "TCP"),
        rule="health-check-true",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a health check asks somebody else",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "fqdn", "example.com"),
        rule="health-check-own",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a health check asks at the front page",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "resourcePath", "/"),
        rule="health-check-own",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a health check asks at another port",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "port", 80),
        rule="health-check-own",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a region is healthy while other checks say so",
        edit=setting(f"{CHECK}eu-routing-eu-west-1", "childHealthchecks", ["a"]),
        rule="environment-property-known",
        at="eu-routing-eu-west-1",
    ),
)

_TIME: Final = (
    Harm(
        name="resolvers keep an answer for an hour",
        edit=setting(f"{RECORD}eu-routing-eu-west-1", "ttl", 3600),
        rule="record-in-time",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a lost region is noticed after five minutes",
        edit=together(
            setting(f"{CHECK}us-routing-us-east-1", "failureThreshold", 10),
            setting(f"{CHECK}us-routing-us-east-1", "requestInterval", 30),
        ),
        rule="record-in-time",
        at="us-routing-us-east-1",
    ),
)

_CHOICE: Final = (
    Harm(
        name="a region is chosen near another one",
        edit=setting(
            f"{RECORD}eu-routing-eu-west-1", "latencyRoutingPolicies.0.region", "eu-central-1"
        ),
        rule="record-chosen",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="a region is never chosen",
        edit=together(
            removing(f"{RECORD}eu-routing-eu-west-1", "latencyRoutingPolicies"),
            setting(f"{RECORD}eu-routing-eu-west-1", "weightedRoutingPolicies", [{"weight": 0}]),
        ),
        rule="record-chosen",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="two regions are both primary",
        edit=setting(
            f"{RECORD}us-routing-us-west-2", "failoverRoutingPolicies", [{"type": "PRIMARY"}]
        ),
        rule="record-chosen",
        at="us-routing-us-*",
        stack="us-with-standby",
    ),
    Harm(
        name="users are led by where they are",
        edit=setting(
            f"{RECORD}eu-routing-eu-west-1", "geolocationRoutingPolicies", [{"country": "*"}]
        ),
        rule="environment-property-known",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="the zone is private",
        edit=setting(f"{ZONE}global-zone", "vpcs", [{"vpcId": "v"}]),
        rule="environment-property-known",
        at="global-zone",
    ),
    Harm(
        name="the zone is emptied in order to delete it",
        edit=setting(f"{ZONE}global-zone", "forceDestroy", value=True),
        rule="zone-protected",
        at="global-zone",
    ),
    Harm(
        name="a region has no record",
        edit=without(f"{RECORD}eu-routing-eu-west-1"),
        rule="contract-ingress",
        at="holdfast-prod",
    ),
)

_REACH: Final = (
    *(
        Harm(
            name=f"a stray {kind} record of the EU leads to a stranger",
            edit=adding(
                "aws:route53/record:Record",
                "stray",
                {
                    "name": EU,
                    "type": kind,
                    "records": [value],
                    "ttl": 10,
                    "zoneId": "z",
                    "setIdentifier": "stray",
                    "latencyRoutingPolicies": [{"region": "eu-west-3"}],
                },
                {"zoneId": "aws:route53/zone:Zone::global-zone"},
            ),
            rule="residency-hostname",
            at="stray",
        )
        for kind, value in (
            ("A", "198.51.100.7"),
            ("AAAA", "2001:db8::7"),
            ("CNAME", "us.agents.holdfast.example"),
            ("CNAME", "somebody.example"),
        )
    ),
    Harm(
        name="an alias of the EU leads to a load balancer of the US",
        edit=adding(
            "aws:route53/record:Record",
            "stray",
            {
                "name": EU,
                "type": "A",
                "zoneId": "z",
                "setIdentifier": "stray",
                "aliases": [{"name": "n", "zoneId": "y", "evaluateTargetHealth": True}],
                "failoverRoutingPolicies": [{"type": "SECONDARY"}],
            },
            {
                "aliases": "aws:lb/loadBalancer:LoadBalancer::us-east-1-ingress",
                "zoneId": "aws:route53/zone:Zone::global-zone",
            },
        ),
        rule="residency-hostname",
        at="stray",
    ),
    Harm(
        name="a record of the EU leads to a load balancer of the US",
        edit=setting(f"{RECORD}eu-routing-eu-west-1", "records", ["us.agents.holdfast.example"]),
        rule="residency-hostname",
        at="eu-routing-eu-west-1",
    ),
    Harm(
        name="everybody's questions are recorded elsewhere",
        edit=adding(
            "aws:route53/queryLog:QueryLog",
            "queries",
            {"cloudwatchLogGroupArn": "a", "zoneId": "z"},
        ),
        rule="environment-type-known",
        at="queries",
    ),
)

DNS_EDITS: Final[tuple[Harm, ...]] = (*_HEALTH, *_TIME, *_CHOICE, *_REACH)
