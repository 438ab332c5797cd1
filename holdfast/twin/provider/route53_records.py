"""Route 53: records."""

from collections.abc import Iterator, Mapping, Sequence

from holdfast.twin.provider.cloud import Site
from holdfast.twin.provider.spec import Failure, ResourceType, declared, kept, recorded, refused
from holdfast.twin.provider.values import Doc, Json, Object, compact

GONE = ("NoSuchHostedZone",)

_POLICIES = (
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
    "weightedRoutingPolicies",
)


class Record(ResourceType):
    """A record, alone or one of several that a routing policy chooses from."""

    type_name = "aws:route53/record:Record"
    name_property = "name"
    autoname = False
    properties = declared(
        {
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
            "setIdentifier": kept(),
            "ttl": kept(),
            "type": kept(),
            "weightedRoutingPolicies": kept(),
            "zoneId": kept(replaces=True),
        }
    )

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
        change(site, inputs.text("zoneId"), [(action, _record_set(inputs, name))])
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
        """``UPSERT``; in one batch with a ``DELETE`` where it becomes another record."""
        del ident
        name = _full_name(site, new)
        wanted = _record_set(new, name)
        found = self._find(site, old)
        moved = any(old.raw(key) != new.raw(key) for key in ("type", "setIdentifier"))
        if found is not None and moved:
            change(site, new.text("zoneId"), [("DELETE", found.members), ("CREATE", wanted)])
        else:
            change(site, new.text("zoneId"), [("UPSERT", wanted)])

    def delete(self, site: Site, ident: str, state: Doc) -> None:
        """``DELETE`` of the record as it is now, whatever it was."""
        del ident
        found = self._find(site, state)
        if found is not None:
            change(site, state.text("zoneId"), [("DELETE", found.members)])

    @staticmethod
    def _find(site: Site, state: Doc) -> Doc | None:
        zone = state.text("zoneId")
        if site.find(GONE, "route53", "get_hosted_zone", Id=zone) is None:
            return None
        name = _full_name(site, state)
        for item in records(site, zone):
            same = (
                item.text("Name").removesuffix(".") == name
                and item.text("Type") == state.text("type")
                and (item.maybe_text("SetIdentifier") or "")
                == (state.maybe_text("setIdentifier") or "")
            )
            if same:
                return item
        return None


def _full_name(site: Site, inputs: Doc) -> str:
    name = inputs.text("name").removesuffix(".")
    zone = site.call("route53", "get_hosted_zone", Id=inputs.text("zoneId"))
    domain = zone.doc("HostedZone").text("Name").removesuffix(".")
    if name in ("", "@", domain) or name.endswith(f".{domain}"):
        return name if name not in ("", "@") else domain
    return f"{name}.{domain}"


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


def records(site: Site, zone: str) -> list[Doc]:
    """Every record of a zone."""
    found: list[Doc] = []
    position: dict[str, object] = {}
    for _ in range(1000):  # A bound, not a limit: no twin holds so many records.
        answer = site.call("route53", "list_resource_record_sets", HostedZoneId=zone, **position)
        found.extend(answer.docs("ResourceRecordSets"))
        if not answer.flag("IsTruncated"):
            break
        position = compact(
            StartRecordName=answer.maybe_text("NextRecordName"),
            StartRecordType=answer.maybe_text("NextRecordType"),
            StartRecordIdentifier=answer.maybe_text("NextRecordIdentifier"),
        )
    return found


def change(site: Site, zone: str, changes: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    """One batch of changes of a zone's records: actions with their records."""
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
