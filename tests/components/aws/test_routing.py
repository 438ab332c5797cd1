import pytest

from components.aws.routing import GlobalRoutingArgs, Target
from holdfast.errors import ConfigurationError
from tests.components.stacks import STACKS, mapping, mappings, nodes, preview

RECORD = "aws:route53/record:Record"
CHECK = "aws:route53/healthCheck:HealthCheck"
ROUTE_53_AGREES_S = 6
LATENCY = Target(hostname="h", port=443, failover=None)
PRIMARY = Target(hostname="h", port=443, failover="PRIMARY")
SECONDARY = Target(hostname="h", port=443, failover="SECONDARY")


def args(targets: dict[str, Target]) -> GlobalRoutingArgs:
    return GlobalRoutingArgs(
        zone_id="Z",
        hostname="us.example",
        targets=targets,
        health_path="/",
        health_protocol="HTTPS",
        interval_s=10,
        failure_threshold=3,
        ttl_s=10,
        alarm_region="us-east-1",
        alarm_names={},
        topic_arn="t",
        tags={},
    )


@pytest.mark.parametrize("stack", STACKS)
def test_a_jurisdictions_name_leads_to_its_own_regions_only(stack: str) -> None:
    for node in nodes(stack, RECORD):
        law = str(node.inputs["name"]).partition(".")[0]
        assert str(node.inputs["setIdentifier"]).startswith(law)
        targets = [urn for urn in node.property_dependencies["records"] if "loadBalancer" in urn]
        assert [urn.rpartition("::")[2] for urn in targets] == [
            f"{node.inputs['setIdentifier']}-ingress"
        ]


@pytest.mark.parametrize("stack", STACKS)
def test_no_record_is_a_default_an_alias_or_goes_unchecked(stack: str) -> None:
    for node in nodes(stack, RECORD):
        assert node.inputs["type"] == "CNAME"
        assert "aliases" not in node.inputs
        assert "geolocationRoutingPolicies" not in node.inputs
        checks = [urn for urn in node.property_dependencies["healthCheckId"] if CHECK in urn]
        assert [urn.rpartition("::")[2] for urn in checks] == [node.name]


@pytest.mark.parametrize("stack", STACKS)
def test_users_are_led_away_within_the_promised_time(stack: str) -> None:
    promised_s = {"dev": 180}.get(stack, 60)
    (ttl_s,) = {int(str(node.inputs["ttl"])) for node in nodes(stack, RECORD)}
    for node in nodes(stack, CHECK):
        detection_s = int(str(node.inputs["requestInterval"])) * int(
            str(node.inputs["failureThreshold"])
        )
        assert detection_s + ROUTE_53_AGREES_S + ttl_s <= promised_s


@pytest.mark.parametrize("stack", STACKS)
def test_a_check_probes_its_own_regions_load_balancer(stack: str) -> None:
    for node in nodes(stack, CHECK):
        region = node.name.partition("-routing-")[2]
        for key in ("fqdn", "port"):
            source = [urn for urn in node.property_dependencies[key] if "holdfast:aws:I" in urn]
            assert {urn.rpartition("::")[2] for urn in source} == {f"{region}-ingress"}
        assert node.inputs["type"] == "HTTPS"
        # No certificate of an agent has the load balancer's name.
        assert node.inputs["enableSni"] is False


def test_an_active_active_jurisdiction_answers_by_latency() -> None:
    for node in nodes("prod", RECORD):
        (policy,) = mappings(node.inputs["latencyRoutingPolicies"])
        assert policy["region"] == node.inputs["setIdentifier"]
        assert "failoverRoutingPolicies" not in node.inputs


def test_an_active_passive_jurisdiction_fails_over_from_its_home() -> None:
    policies = {
        str(node.inputs["setIdentifier"]): mappings(node.inputs["failoverRoutingPolicies"])
        for node in nodes("dev", RECORD)
    }
    assert policies == {"us-east-1": [{"type": "PRIMARY"}], "us-west-2": [{"type": "SECONDARY"}]}


@pytest.mark.parametrize("stack", STACKS)
def test_alarms_on_checks_stand_where_route_53_keeps_its_metrics(stack: str) -> None:
    alarms = [
        node
        for node in nodes(stack, "aws:cloudwatch/metricAlarm:MetricAlarm")
        if node.inputs["namespace"] == "AWS/Route53"
    ]
    assert len(alarms) == len(nodes(stack, CHECK))
    for node in alarms:
        assert node.region == "us-east-1"
        checks = [urn for urn in node.property_dependencies["dimensions"] if CHECK in urn]
        assert [urn.rpartition("::")[2] for urn in checks] == [node.name]
        assert any("::global-alerts" in urn for urn in node.property_dependencies["alarmActions"])
        # It says nothing of a tenant, and lies outside most jurisdictions.
        assert "holdfast:jurisdiction" not in mapping(node.inputs["tags"])


def test_the_name_servers_are_told_for_the_parent_zone() -> None:
    assert "name_servers" in preview("prod").outputs


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"a": PRIMARY, "b": PRIMARY}, "exactly one PRIMARY and one SECONDARY"),
        ({"a": PRIMARY, "b": SECONDARY, "c": SECONDARY}, "exactly one PRIMARY"),
        ({"a": PRIMARY, "b": SECONDARY, "c": LATENCY}, "mixes failover and latency"),
    ],
)
def test_policies_that_route_53_would_refuse_are_refused(
    targets: dict[str, Target], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        args(targets)
    args({"a": PRIMARY, "b": SECONDARY})
    args({"a": LATENCY, "b": LATENCY, "c": LATENCY})
