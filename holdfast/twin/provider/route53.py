"""Route 53: zones, records, health checks. The twin's resolver obeys what these hold."""

import uuid
from collections.abc import Iterator, Mapping

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.spec import Failure, ResourceType, kept, recorded, refused
from holdfast.twin.provider.tags import retag
from holdfast.twin.provider.values import Doc, Json, Object, compact, from_pairs, pairs

_GONE = ("NoSuchHostedZone", "NoSuchHealthCheck")
_OWN = ("NS", "SOA")
"""Types of the records that AWS puts at the top of every zone."""


class Zone(ResourceType):
    """A public zone."""

    token = "aws:route53/zone:Zone"
    name_property = "name"
    autoname = False
    properties = {
        "comment": kept(default="Managed by Pulumi"),
        "delegationSetId": refused("the twin delegates to name servers of its own"),
        "enableAcceleratedRecovery": refused("the emulator drops it"),
        "forceDestroy": recorded("heeded when the zone is deleted"),
        "name": kept(replaces=True),
        "tags": kept(),
        "vpcs": refused("the twin's resolver serves public zones only"),
    }

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """A name."""
        if "name" not in inputs:
            yield Failure("name", "is missing; a zone needs one")

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
            foreign = [item for item in _records(site, ident) if item.text("Type") not in _OWN]
            for item in foreign:
                _change(site, ident, [("DELETE", dict(item.members))])
        site.find(_GONE, "route53", "delete_hosted_zone", Id=ident)


class Record(ResourceType):
    """A record, alone or one of several that a routing policy chooses from."""

    token = "aws:route53/record:Record"
    name_property = "name"
    autoname = False
    properties = {
        "aliases": kept(),
        "allowOverwrite": recorded("heeded when the record is made", computed=True),
        "cidrRoutingPolicy": refused("the twin's resolver does not route by CIDR"),
        "failoverRoutingPolicies": kept(),
        "geolocationRoutingPolicies": kept(),
        "geoproximityRoutingPolicy": refused("the twin's resolver does not route by proximity"),
        "healthCheckId": kept(),
        "latencyRoutingPolicies": kept(),
        "multivalueAnswerRoutingPolicy": kept(),
        "name": kept(replaces=True),
        "records": kept(),
        "setIdentifier": kept(replaces=True),
        "ttl": kept(),
        "type": kept(replaces=True),
        "weightedRoutingPolicies": kept(),
        "zoneId": kept(replaces=True),
    }

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """What Route 53 asks of plain records, aliases and policies."""
        policies = [key for key in _POLICIES if inputs.raw(key)]
        if len(policies) > 1:
            yield Failure(policies[1], f"is given beside {policies[0]}; a record has one policy")
        if policies and "setIdentifier" not in inputs:
            yield Failure("setIdentifier", f"is missing; {policies[0]} needs it")
        if inputs.docs("aliases"):
            for key in ("ttl", "records"):
                if key in inputs:
                    yield Failure(key, "is given beside `aliases`; an alias has neither")
        elif "records" in inputs and "ttl" not in inputs:
            yield Failure("ttl", "is missing; a record that is no alias needs it")

    def create(self, site: Site, inputs: Doc) -> str:
        """``ChangeResourceRecordSets``, refusing to overwrite unless told to."""
        action = "UPSERT" if inputs.flag("allowOverwrite") else "CREATE"
        name = _full_name(site, inputs)
        _change(site, inputs.text("zoneId"), [(action, _record_set(inputs, name))])
        parts = [inputs.text("zoneId"), name, inputs.text("type")]
        return "_".join([*parts, *filter(None, [inputs.maybe_text("setIdentifier")])])

    def read(self, site: Site, ident: str, state: Doc) -> Object | None:
        """The record among those of its zone."""
        del ident
        found = self._find(site, state)
        if found is None:
            return None
        fqdn = found.text("Name").removesuffix(".")
        return {
            **_read_record(found),
            "zoneId": state.text("zoneId"),
            # The AWS provider keeps the name as it was given, full or within the zone.
            "name": state.text("name"),
            "fqdn": fqdn,
        }

    def update(self, site: Site, ident: str, old: Doc, new: Doc) -> None:
        """``UPSERT``."""
        del ident, old
        name = _full_name(site, new)
        _change(site, new.text("zoneId"), [("UPSERT", _record_set(new, name))])

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DELETE`` of the record as it is now, whatever it was."""
        del ident
        found = self._find(site, state)
        if found is not None:
            _change(site, state.text("zoneId"), [("DELETE", dict(found.members))])

    @staticmethod
    def _find(site: Site, state: Doc) -> Doc | None:
        zone = state.text("zoneId")
        if site.find(_GONE, "route53", "get_hosted_zone", Id=zone) is None:
            return None
        name = _full_name(site, state)
        for item in _records(site, zone):
            same = (
                item.text("Name").removesuffix(".") == name
                and item.text("Type") == state.text("type")
                and (item.maybe_text("SetIdentifier") or "")
                == (state.maybe_text("setIdentifier") or "")
            )
            if same:
                return item
        return None


class HealthCheck(ResourceType):
    """Probes of one endpoint by many checkers, or a sum of other checks."""

    token = "aws:route53/healthCheck:HealthCheck"
    properties = {
        "childHealthThreshold": kept(),
        "childHealthchecks": kept(),
        "cloudwatchAlarmName": refused("the twin's checks do not watch alarms"),
        "cloudwatchAlarmRegion": refused("the twin's checks do not watch alarms"),
        "disabled": kept(),
        "enableSni": kept(computed=True),
        "failureThreshold": kept(computed=True),
        "fqdn": kept(),
        "insufficientDataHealthStatus": refused("the twin's checks do not watch alarms"),
        "invertHealthcheck": kept(),
        "ipAddress": kept(),
        "measureLatency": kept(replaces=True),
        "port": kept(),
        "referenceName": recorded("part of the reference that made the check", replaces=True),
        "regions": kept(computed=True),
        "requestInterval": kept(replaces=True),
        "resourcePath": kept(),
        "routingControlArn": refused("the twin has no routing controls"),
        "searchString": kept(),
        "tags": kept(),
        "triggers": recorded("a change makes the program's own point", replaces=True),
        "type": kept(replaces=True),
    }

    def validate(self, inputs: Doc) -> Iterator[Failure]:
        """Numbers that Route 53 takes."""
        kinds = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP", "CALCULATED")
        kind = inputs.maybe_text("type")
        if kind is not None and kind not in kinds:
            yield Failure("type", f"is {kind!r}; allowed on the twin are {', '.join(kinds)}")
        interval = inputs.maybe_number("requestInterval")
        if interval is not None and interval not in (10, 30):
            yield Failure("requestInterval", f"is {interval}; allowed are 10 and 30")
        threshold = inputs.maybe_number("failureThreshold")
        if threshold is not None and not 1 <= threshold <= 10:
            yield Failure("failureThreshold", f"is {threshold}; allowed are 1 to 10")

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
        del state
        answer = site.find(_GONE, "route53", "get_health_check", HealthCheckId=ident)
        if answer is None:
            return None
        config = answer.doc("HealthCheck").doc("HealthCheckConfig")
        return {
            **{key: config.raw(name) for key, name in _CHECK.items()},
            "failureThreshold": config.maybe_number("FailureThreshold") or 3,
            "enableSni": config.flag("EnableSNI"),
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


_POLICIES = (
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
    "weightedRoutingPolicies",
)
_CHECK: Mapping[str, str] = {
    "childHealthThreshold": "HealthThreshold",
    "childHealthchecks": "ChildHealthChecks",
    "disabled": "Disabled",
    "enableSni": "EnableSNI",
    "failureThreshold": "FailureThreshold",
    "fqdn": "FullyQualifiedDomainName",
    "invertHealthcheck": "Inverted",
    "ipAddress": "IPAddress",
    "measureLatency": "MeasureLatency",
    "port": "Port",
    "regions": "Regions",
    "requestInterval": "RequestInterval",
    "resourcePath": "ResourcePath",
    "searchString": "SearchString",
    "type": "Type",
}
_FIXED = ("measureLatency", "requestInterval", "type")
"""What a check keeps for life."""


def _check_config(inputs: Doc, *, new: bool) -> dict[str, object]:
    keys = [key for key in _CHECK if new or key not in _FIXED]
    config: dict[str, object] = {_CHECK[key]: inputs.raw(key) for key in keys if inputs.raw(key)}
    if inputs.maybe_text("type") in ("HTTPS", "HTTPS_STR_MATCH"):
        config.setdefault("EnableSNI", inputs.raw("enableSni") is not False)
    return config


def _full_name(site: Site, inputs: Doc) -> str:
    name = inputs.text("name").removesuffix(".")
    zone = site.call("route53", "get_hosted_zone", Id=inputs.text("zoneId"))
    domain = zone.doc("HostedZone").text("Name").removesuffix(".")
    if name in ("", "@", domain) or name.endswith(f".{domain}"):
        return name if name not in ("", "@") else domain
    return f"{name}.{domain}"


def _records(site: Site, zone: str) -> list[Doc]:
    found: list[Doc] = []
    position: dict[str, object] = {}
    for _ in range(1000):  # A bound, not a limit: no twin holds so many records.
        answer = site.call(
            "route53", "list_resource_record_sets", HostedZoneId=zone, **position
        )
        found.extend(answer.docs("ResourceRecordSets"))
        if not answer.flag("IsTruncated"):
            break
        position = compact(
            StartRecordName=answer.maybe_text("NextRecordName"),
            StartRecordType=answer.maybe_text("NextRecordType"),
            StartRecordIdentifier=answer.maybe_text("NextRecordIdentifier"),
        )
    return found


def _change(site: Site, zone: str, changes: list[tuple[str, dict[str, object]]]) -> None:
    site.call(
        "route53",
        "change_resource_record_sets",
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {"Action": action, "ResourceRecordSet": record} for action, record in changes
            ]
        },
    )


def _record_set(inputs: Doc, name: str) -> dict[str, object]:
    alias = next(iter(inputs.docs("aliases")), None)
    failover = next(iter(inputs.docs("failoverRoutingPolicies")), Doc())
    latency = next(iter(inputs.docs("latencyRoutingPolicies")), Doc())
    weighted = next(iter(inputs.docs("weightedRoutingPolicies")), Doc())
    place = next(iter(inputs.docs("geolocationRoutingPolicies")), Doc())
    return compact(
        Name=name,
        Type=inputs.text("type"),
        SetIdentifier=inputs.maybe_text("setIdentifier") or None,
        TTL=inputs.maybe_number("ttl") or (0 if inputs.texts("records") else None),
        ResourceRecords=[{"Value": value} for value in inputs.texts("records")] or None,
        HealthCheckId=inputs.maybe_text("healthCheckId") or None,
        Failover=failover.maybe_text("type"),
        Region=latency.maybe_text("region"),
        Weight=weighted.maybe_number("weight"),
        MultiValueAnswer=inputs.maybe_flag("multivalueAnswerRoutingPolicy"),
        GeoLocation=compact(
            ContinentCode=place.maybe_text("continent"),
            CountryCode=place.maybe_text("country"),
            SubdivisionCode=place.maybe_text("subdivision"),
        )
        or None,
        AliasTarget=None
        if alias is None
        else {
            "HostedZoneId": alias.text("zoneId"),
            "DNSName": alias.text("name"),
            "EvaluateTargetHealth": alias.flag("evaluateTargetHealth"),
        },
    )


def _read_record(found: Doc) -> dict[str, Json]:
    alias = found.doc("AliasTarget")
    place = found.doc("GeoLocation")
    blocks: dict[str, Json] = {
        "failoverRoutingPolicies": _block(type=found.raw("Failover")),
        "latencyRoutingPolicies": _block(region=found.raw("Region")),
        "weightedRoutingPolicies": _block(weight=found.raw("Weight")),
        "geolocationRoutingPolicies": _block(
            continent=place.raw("ContinentCode"),
            country=place.raw("CountryCode"),
            subdivision=place.raw("SubdivisionCode"),
        ),
    }
    if alias:
        blocks["aliases"] = _block(
            name=alias.text("DNSName").removesuffix("."),
            zoneId=alias.text("HostedZoneId"),
            evaluateTargetHealth=alias.flag("EvaluateTargetHealth"),
        )
    return {
        **blocks,
        "type": found.text("Type"),
        "setIdentifier": found.maybe_text("SetIdentifier"),
        "ttl": found.maybe_number("TTL"),
        "records": [item.text("Value") for item in found.docs("ResourceRecords")],
        "healthCheckId": found.maybe_text("HealthCheckId"),
        "multivalueAnswerRoutingPolicy": found.maybe_flag("MultiValueAnswer"),
    }


def _block(**members: Json) -> list[Json]:
    present = {key: value for key, value in members.items() if value is not None}
    return [present] if present else []


def _tags(site: Site, kind: str, ident: str) -> dict[str, str]:
    answer = site.call(
        "route53", "list_tags_for_resource", ResourceType=kind, ResourceId=ident
    )
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
