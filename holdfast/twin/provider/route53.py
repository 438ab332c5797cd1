"""Route 53: zones and health checks. The twin's resolver obeys what these hold."""

import uuid
from collections.abc import Iterator, Mapping

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.ec2 import DROPPED, all_refused
from holdfast.twin.provider.route53_records import change, records
from holdfast.twin.provider.rules import among, needed, within
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Object, from_pairs, pairs

_GONE = ("NoSuchHostedZone", "NoSuchHealthCheck")
_OWN = ("NS", "SOA")
"""Types of the records that AWS puts at the top of every zone."""


class Zone(ResourceType):
    """A public zone."""

    type_name = "aws:route53/zone:Zone"
    name_property = "name"
    autoname = False
    properties = declared(
        {
            "comment": kept(default="Managed by Pulumi"),
            "delegationSetId": refused("the twin delegates to name servers of its own"),
            "enableAcceleratedRecovery": refused("the emulator drops it"),
            "forceDestroy": recorded("heeded when the zone is deleted"),
            "name": kept(replaces=True),
            "tags": kept(),
            "vpcs": refused("the twin's resolver serves public zones only"),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """A name."""
        yield from needed(inputs, ("name",), "a zone needs one")

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateHostedZone``."""
        answer = site.call(
            "route53",
            "create_hosted_zone",
            Name=inputs.text("name"),
            CallerReference=str(uuid.uuid4()),
            HostedZoneConfig={"Comment": inputs.text("comment")},
        )
        return answer.doc("HostedZone").text("Id").rpartition("/")[2]

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Tags."""
        _update_tags(site, "hostedzone", ident, Doc(), inputs)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetHostedZone``."""
        answer = site.find(_GONE, "route53", "get_hosted_zone", Id=ident)
        if answer is None:
            return None
        zone = answer.doc("HostedZone")
        servers = answer.doc("DelegationSet").texts("NameServers")
        return {
            "arn": f"arn:aws:route53:::hostedzone/{ident}",
            "zoneId": ident,
            "name": zone.text("Name").removesuffix("."),
            "comment": zone.doc("Config").maybe_text("Comment") or "",
            "nameServers": sorted(servers),
            "primaryNameServer": servers[0] if servers else "",
            "forceDestroy": state.flag("forceDestroy"),
            "tagsAll": _tags(site, "hostedzone", ident),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """Comment and tags."""
        site.call("route53", "update_hosted_zone_comment", Id=ident, Comment=new.text("comment"))
        _update_tags(site, "hostedzone", ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteHostedZone``. Foreign records refuse, unless told to remove them."""
        if site.find(_GONE, "route53", "get_hosted_zone", Id=ident) is None:
            return
        if state.flag("forceDestroy") or site.forced:
            foreign = [item for item in records(site, ident) if item.text("Type") not in _OWN]
            for item in foreign:
                change(site, ident, [("DELETE", item.members)])
        site.find(_GONE, "route53", "delete_hosted_zone", Id=ident)


class HealthCheck(ResourceType):
    """Probes of one endpoint by many checkers."""

    type_name = "aws:route53/healthCheck:HealthCheck"
    properties = declared(
        {
            "enableSni": kept(computed=True),
            "failureThreshold": kept(computed=True),
            "fqdn": kept(),
            "ipAddress": kept(),
            "port": kept(),
            "referenceName": recorded("part of the reference that made the check", replaces=True),
            "requestInterval": kept(replaces=True),
            "resourcePath": kept(),
            "searchString": kept(),
            "tags": kept(),
            "triggers": recorded("watches alarms, which the checks do not", computed=True),
            "type": kept(replaces=True),
            **all_refused(
                DROPPED,
                "childHealthThreshold",
                "childHealthchecks",
                "disabled",
                "invertHealthcheck",
                "measureLatency",
                "regions",
            ),
            **all_refused(
                "the twin's checks probe, and watch nothing else",
                "cloudwatchAlarmName",
                "cloudwatchAlarmRegion",
                "insufficientDataHealthStatus",
                "routingControlArn",
            ),
        }
    )

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Numbers that Route 53 takes."""
        kinds = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
        yield from among(inputs, "type", kinds)
        interval = inputs.maybe_number("requestInterval")
        if interval is not None and interval not in (10, 30):
            yield Failure("requestInterval", f"is {interval}; allowed are 10 and 30")
        yield from within(inputs, "failureThreshold", 1, 10)

    def create(self, site: Site, inputs: Doc) -> str:
        """``CreateHealthCheck``."""
        reference = inputs.maybe_text("referenceName")
        token = str(uuid.uuid4())
        answer = site.call(
            "route53",
            "create_health_check",
            CallerReference=token if reference is None else f"{reference}-{token}"[:64],
            HealthCheckConfig=_check_config(inputs, new=True),
        )
        return answer.doc("HealthCheck").text("Id")

    def configure(self, site: Site, ident: str, inputs: Doc) -> None:
        """Tags."""
        _update_tags(site, "healthcheck", ident, Doc(), inputs)

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """``GetHealthCheck``."""
        answer = site.find(_GONE, "route53", "get_health_check", HealthCheckId=ident)
        if answer is None:
            return None
        config = answer.doc("HealthCheck").doc("HealthCheckConfig")
        return {
            **{key: config.raw(name) for key, name in _CHECK.items()},
            "failureThreshold": config.maybe_number("FailureThreshold") or 3,
            "enableSni": config.flag("EnableSNI"),
            "triggers": state.raw("triggers") or {},
            "arn": f"arn:aws:route53:::healthcheck/{ident}",
            "tagsAll": _tags(site, "healthcheck", ident),
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``UpdateHealthCheck`` and tags."""
        config = _check_config(new, new=False)
        if config != _check_config(old, new=False):
            site.call("route53", "update_health_check", HealthCheckId=ident, **config)
        _update_tags(site, "healthcheck", ident, old, new)

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DeleteHealthCheck``."""
        del state
        site.find(_GONE, "route53", "delete_health_check", HealthCheckId=ident)


_CHECK: Mapping[str, str] = {
    "failureThreshold": "FailureThreshold",
    "fqdn": "FullyQualifiedDomainName",
    "ipAddress": "IPAddress",
    "port": "Port",
    "requestInterval": "RequestInterval",
    "resourcePath": "ResourcePath",
    "searchString": "SearchString",
    "type": "Type",
}
_FIXED = ("requestInterval", "type")
"""What a check keeps for life."""


def _check_config(inputs: Doc, *, new: bool) -> dict[str, object]:
    keys = [key for key in _CHECK if new or key not in _FIXED]
    config: dict[str, object] = {_CHECK[key]: inputs.raw(key) for key in keys if inputs.raw(key)}
    sni = inputs.maybe_flag("enableSni")
    # Left out when a check is made, AWS says yes for HTTPS; later it stays what it is.
    if sni is None and new:
        sni = inputs.text("type").startswith("HTTPS")
    return config if sni is None else {**config, "EnableSNI": sni}


def _tags(site: Site, kind: str, ident: str) -> dict[str, str]:
    answer = site.call("route53", "list_tags_for_resource", ResourceType=kind, ResourceId=ident)
    return from_pairs(answer.doc("ResourceTagSet").docs("Tags"))


def _update_tags(site: Site, kind: str, ident: str, old: Doc, new: Doc) -> None:
    gone, fresh = retag(old, new)
    if gone or fresh:
        site.call(
            "route53",
            "change_tags_for_resource",
            ResourceType=kind,
            ResourceId=ident,
            AddTags=pairs(fresh) or None,
            RemoveTagKeys=gone or None,
        )
