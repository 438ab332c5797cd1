"""Elastic Load Balancing: target groups."""

from collections.abc import Iterator, Mapping

from holdfast.twin.provider.attributes import (
    FLAG,
    NUMBER,
    TEXT,
    Table,
    from_attributes,
    to_attributes,
)
from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import DROPPED, all_refused
from holdfast.twin.provider.lb_common import (
    GONE,
    NAME_CHARACTERS,
    described,
    tags_of,
    update_tags,
)
from holdfast.twin.provider.rules import needed, no_longer
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, refused
from holdfast.twin.provider.values import Doc, Json, Object, from_pairs, pairs

_GROUP: Table = {
    "connectionTermination": ("deregistration_delay.connection_termination.enabled", FLAG),
    "deregistrationDelay": ("deregistration_delay.timeout_seconds", NUMBER),
    "loadBalancingAlgorithmType": ("load_balancing.algorithm.type", TEXT),
    "loadBalancingAnomalyMitigation": ("load_balancing.algorithm.anomaly_mitigation", TEXT),
    "loadBalancingCrossZoneEnabled": ("load_balancing.cross_zone.enabled", TEXT),
    "preserveClientIp": ("preserve_client_ip.enabled", TEXT),
    "proxyProtocolV2": ("proxy_protocol_v2.enabled", FLAG),
    "slowStart": ("slow_start.duration_seconds", NUMBER),
}
_HEALTH_STATE: Table = {
    "enableUnhealthyConnectionTermination": (
        "target_health_state.unhealthy.connection_termination.enabled",
        FLAG,
    ),
    "unhealthyDrainingInterval": (
        "target_health_state.unhealthy.draining_interval_seconds",
        NUMBER,
    ),
}
_CHECK: Mapping[str, str] = {
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}


class TargetGroup(ResourceType):
    """Where a load balancer sends connections, and how it tells what is healthy."""

    type_name = "aws:lb/targetGroup:TargetGroup"
    name_property = "name"
    owned_elsewhere = ("loadBalancerArns",)
    properties = declared(
        {
            **{key: kept(computed=True) for key in _GROUP},
            "healthCheck": kept(computed=True),
            **{
                f"healthCheck.{key}": kept(computed=True)
                for key in (
                    "enabled",
                    "healthyThreshold",
                    "interval",
                    "matcher",
                    "path",
                    "port",
                    "protocol",
                    "timeout",
                    "unhealthyThreshold",
                )
            },
            "name": kept(replaces=True),
            "namePrefix": refused("leave `name` out to get a name of its own"),
            "port": kept(replaces=True),
            "protocol": kept(replaces=True),
            "tags": kept(),
            "targetHealthStates": kept(computed=True),
            "targetHealthStates.unhealthyDrainingInterval": kept(computed=True),
            "targetType": kept(replaces=True, default="instance"),
            "vpcId": kept(replaces=True),
            **all_refused(
                DROPPED,
                "ipAddressType",
                "lambdaMultiValueHeadersEnabled",
                "protocolVersion",
                "stickiness",
                "targetControlPort",
                "targetFailovers",
                "targetGroupHealth",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What AWS asks of each target type."""
        yield from no_longer(inputs, "name", NAME_CHARACTERS)
        if inputs.maybe_text("targetType") != "lambda":
            why = "targets that are no functions need it"
            yield from needed(inputs, ("port", "protocol", "vpcId"), why)

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateTargetGroup``."""
        answer = site.call(
            "elbv2",
            "create_target_group",
            Name=inputs.text("name"),
            Protocol=inputs.maybe_text("protocol"),
            Port=inputs.maybe_number("port"),
            VpcId=inputs.maybe_text("vpcId"),
            TargetType=inputs.text("targetType"),
            Tags=pairs(inputs.table("tagsAll")) or None,
            **_health_check(inputs.doc("healthCheck")),
        )
        return answer.docs("TargetGroups")[0].text("TargetGroupArn")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Attributes."""
        attributes = to_attributes(inputs, _GROUP)
        for block in inputs.docs("targetHealthStates"):
            attributes.update(to_attributes(block, _HEALTH_STATE))
        if attributes:
            site.call(
                "elbv2",
                "modify_target_group_attributes",
                TargetGroupArn=ident,
                Attributes=pairs(attributes),
            )

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``DescribeTargetGroups``, attributes and tags."""
        del state
        found = described(site, "describe_target_groups", "TargetGroups", ident)
        if found is None:
            return None
        answer = site.call("elbv2", "describe_target_group_attributes", TargetGroupArn=ident)
        attributes = from_pairs(answer.docs("Attributes"))
        states = from_attributes(attributes, _HEALTH_STATE)
        return {
            **from_attributes(attributes, _GROUP),
            "arn": ident,
            "arnSuffix": ident.rpartition(":")[2],
            "loadBalancerArns": sorted(found.texts("LoadBalancerArns")),
            "name": found.text("TargetGroupName"),
            "port": found.maybe_number("Port"),
            "protocol": found.maybe_text("Protocol"),
            "targetType": found.text("TargetType"),
            "vpcId": found.maybe_text("VpcId"),
            "healthCheck": _read_health_check(found),
            "targetHealthStates": [states] if states else [],
            "tagsAll": tags_of(site, ident),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Health check, attributes and tags."""
        check = _health_check(new.doc("healthCheck"))
        if check and check != _health_check(old.doc("healthCheck")):
            site.call("elbv2", "modify_target_group", TargetGroupArn=ident, **check)
        self.configure(site, ident, new)
        update_tags(site, ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteTargetGroup``."""
        del state
        site.find(GONE, "elbv2", "delete_target_group", TargetGroupArn=ident)


def _health_check(block: Doc) -> dict[str, object]:
    found: dict[str, object] = {
        parameter: block.raw(key) for key, parameter in _CHECK.items() if key in block
    }
    if "enabled" in block:
        found["HealthCheckEnabled"] = block.flag("enabled")
    if "matcher" in block:
        found["Matcher"] = {"HttpCode": block.text("matcher")}
    return found


def _read_health_check(found: Doc) -> Json:
    return {
        "enabled": found.flag("HealthCheckEnabled"),
        "matcher": found.doc("Matcher").maybe_text("HttpCode") or "",
        **{key: found.raw(parameter) for key, parameter in _CHECK.items()},
    }
