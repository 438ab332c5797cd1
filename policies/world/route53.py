"""Hostnames, and the checks that decide which region they lead to."""

from typing import Final

from policies.world.kind import FIXED, LABEL, TAGS, Kind, alike

_PROXY: Final = "something else than the region's own answer would decide: leave it out"

ZONE: Final = Kind(
    type="aws:route53/zone:Zone",
    judged={"forceDestroy": "zone-protected", "name": "contract-ingress"},
    neutral={
        "tags": TAGS,
        "comment": LABEL,
        "delegationSetId": FIXED,
        "enableAcceleratedRecovery": "records can be changed sooner when us-east-1 is lost",
    },
    refused={"vpcs": "users resolve the platform's names from anywhere: the zone is public"},
)

RECORD: Final = Kind(
    type="aws:route53/record:Record",
    judged={
        "aliases[].evaluateTargetHealth": "record-health-checked",
        "aliases[].name": "residency-hostname",
        "healthCheckId": "record-health-checked",
        "name": "residency-hostname",
        "records": "residency-hostname",
        "setIdentifier": "record-chosen",
        "ttl": "record-in-time",
        "type": "residency-hostname",
        "zoneId": "record-chosen",
        "weightedRoutingPolicies[].weight": "record-chosen",
        "failoverRoutingPolicies[].type": "record-chosen",
        "latencyRoutingPolicies[].region": "record-chosen",
    },
    neutral={
        "multivalueAnswerRoutingPolicy": "all of its answers are judged alike",
        "aliases[].zoneId": "the hosted zone of what the alias names",
    },
    refused={
        "allowOverwrite": "it would take over a record of somebody else: leave it out",
        **alike(
            "it leads users by where they are, and those of nowhere to nothing: use latency",
            "cidrRoutingPolicy",
            "geolocationRoutingPolicies",
            "geoproximityRoutingPolicy",
        ),
    },
)

HEALTH_CHECK: Final = Kind(
    type="aws:route53/healthCheck:HealthCheck",
    judged={
        **alike("health-check-true", "disabled", "invertHealthcheck", "type"),
        **alike("health-check-own", "fqdn", "port", "resourcePath"),
        **alike("record-in-time", "failureThreshold", "requestInterval"),
    },
    neutral={
        "tags": TAGS,
        "referenceName": LABEL,
        "measureLatency": "it measures, and decides nothing",
        "enableSni": "the name that a probe asks for in TLS",
    },
    refused={
        **alike(
            _PROXY,
            "childHealthThreshold",
            "childHealthchecks",
            "cloudwatchAlarmName",
            "cloudwatchAlarmRegion",
            "insufficientDataHealthStatus",
            "routingControlArn",
            "searchString",
            "triggers",
        ),
        "ipAddress": "addresses of a load balancer change: use `fqdn`",
        "regions": "fewer checkers see less: leave it out",
    },
)

KINDS: Final = (ZONE, RECORD, HEALTH_CHECK)
