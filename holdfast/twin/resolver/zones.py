"""Hosted zones and health checks as plain values, read from Route 53's XML.

Names are lower-case and without their final dot. What the twin cannot evaluate as Route 53
would is kept with the reason (``refusal``), so that a query for it fails instead of getting an
answer that AWS would not give:

=========================================  ====================================================
not evaluated                              what happens
=========================================  ====================================================
health checks by CloudWatch alarm or by    records that use one answer SERVFAIL
an ARC routing control
geoproximity and CIDR routing              the record's name answers SERVFAIL
alias to a load balancer with              the record's name answers SERVFAIL: the emulator
EvaluateTargetHealth                       knows no target health
alias to anything but a load balancer      the record's name answers SERVFAIL
or a record of the same zone
private hosted zones                       not served: they exist inside their VPC only
=========================================  ====================================================
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from xml.etree import ElementTree as ET

NAMESPACE = "{https://route53.amazonaws.com/doc/2013-04-01/}"
LOAD_BALANCER = re.compile(
    r"[a-z0-9-]+\.(?:(?P<classic>[a-z0-9-]+)\.elb|elb\.(?P<network>[a-z0-9-]+))\.amazonaws\.com"
)
PROBED_TYPES = frozenset({"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"})
_ESCAPE = re.compile(r"\\(\d{3})")


class Routing(StrEnum):
    """How Route 53 chooses between records of one name and type."""

    SIMPLE = "simple"
    WEIGHTED = "weighted"
    LATENCY = "latency"
    FAILOVER = "failover"
    GEOLOCATION = "geolocation"
    MULTIVALUE = "multivalue"


@dataclass(frozen=True, slots=True)
class Geography:
    """What a geolocation record is for. ``country`` "*" is everywhere else."""

    continent: str = ""
    country: str = ""
    subdivision: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name whose records stand for this one's."""

    name: str
    evaluate_target_health: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One resource record set.

    Attributes:
        name: Owner name.
        type: Record type, such as ``CNAME``.
        ttl_s: Time to live; 0 for an alias, which takes that of its target.
        values: Record data as text.
        set_id: Tells records of one name and type apart.
        routing: How one of them is chosen.
        weight: For weighted records.
        region: AWS region, for latency records.
        failover: ``PRIMARY`` or ``SECONDARY``, for failover records.
        geography: For geolocation records.
        health_check: Id of the health check that must pass, or "".
        alias: Set instead of ``values``.
        refusal: Why the twin does not evaluate it, or "".
    """

    name: str
    type: str
    ttl_s: int = 0
    values: tuple[str, ...] = ()
    set_id: str = ""
    routing: Routing = Routing.SIMPLE
    weight: int = 0
    region: str = ""
    failover: str = ""
    geography: Geography = field(default_factory=Geography)
    health_check: str = ""
    alias: Alias | None = None
    refusal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """The configuration of one health check.

    Attributes:
        id: Route 53 id.
        type: ``HTTP``, ``TCP``, ``CALCULATED``, ...
        host: Name to probe, and the Host header; "" when only an address is given.
        address: IPv4 address to probe; "" when the name is resolved.
        port: TCP port.
        path: HTTP path.
        search: Text that must be in the first 5,120 bytes of the body.
        interval_s: Between two probes of one checker: 10 or 30.
        threshold: Probes in a row that turn a checker's mind.
        inverted: Healthy means unhealthy.
        disabled: Not probed; counts as healthy (unhealthy when inverted).
        children: Health checks that a calculated one counts.
        child_threshold: How many of them must be healthy.
        regions: Where its checkers stand; empty for Route 53's own choice.
        refusal: Why the twin does not evaluate it, or "".
    """

    id: str
    type: str
    host: str = ""
    address: str = ""
    port: int = 80
    path: str = "/"
    search: str = ""
    interval_s: int = 30
    threshold: int = 3
    inverted: bool = False
    disabled: bool = False
    children: tuple[str, ...] = ()
    child_threshold: int = 0
    regions: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """One public hosted zone."""

    name: str
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class ZoneData:
    """Everything that the resolver answers from."""

    zones: tuple[Zone, ...] = ()
    health_checks: Mapping[str, HealthCheck] = field(default_factory=dict[str, HealthCheck])

    @property
    def digest(self) -> str:
        """Equal for equal content."""
        content = repr((self.zones, sorted(self.health_checks.items())))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def problems(self) -> tuple[str, ...]:
        """What the twin does not evaluate, with the reason."""
        records = [
            f"{record.type} {record.name}{' ' + record.set_id if record.set_id else ''}: "
            f"{record.refusal}"
            for zone in self.zones
            for record in zone.records
            if record.refusal
        ]
        checks = [
            f"health check {check.id}: {check.refusal}"
            for check in self.health_checks.values()
            if check.refusal
        ]
        return tuple(sorted([*records, *checks]))


def canonical(name: str) -> str:
    """A name as this module keeps it: lower-case, unescaped, without the final dot."""
    unescaped = _ESCAPE.sub(lambda found: chr(int(found.group(1), 8)), name)
    return unescaped.rstrip(".").lower()


def load_balancer_region(name: str) -> str:
    """The region in the DNS name of a load balancer; "" for any other name."""
    found = LOAD_BALANCER.fullmatch(name)
    return "" if found is None else (found["classic"] or found["network"])


def parse_zone_ids(root: ET.Element) -> list[tuple[str, str]]:
    """Id and name of each public zone in a ListHostedZones response."""
    return [
        (_text(zone, "Id").rpartition("/")[2], canonical(_text(zone, "Name")))
        for zone in root.iter(f"{NAMESPACE}HostedZone")
        if _text(zone, "Config/PrivateZone") != "true"
    ]


def parse_records(root: ET.Element, zone: str) -> list[Record]:
    """The records in a ListResourceRecordSets response of a zone."""
    return [_record(element, zone) for element in root.iter(f"{NAMESPACE}ResourceRecordSet")]


def parse_health_checks(root: ET.Element) -> list[HealthCheck]:
    """The health checks in a ListHealthChecks response."""
    return [_health_check(element) for element in root.iter(f"{NAMESPACE}HealthCheck")]


def _record(element: ET.Element, zone: str) -> Record:
    target = _text(element, "AliasTarget/DNSName")
    alias = None
    if target:
        evaluate = _flag(element, "AliasTarget/EvaluateTargetHealth")
        alias = Alias(canonical(target), evaluate)
    return Record(
        name=canonical(_text(element, "Name")),
        type=_text(element, "Type"),
        ttl_s=_number(element, "TTL", 0),
        values=_texts(element, "ResourceRecords/ResourceRecord/Value"),
        set_id=_text(element, "SetIdentifier"),
        routing=_routing(element),
        weight=_number(element, "Weight", 0),
        region=_text(element, "Region"),
        failover=_text(element, "Failover"),
        geography=Geography(
            continent=_text(element, "GeoLocation/ContinentCode"),
            country=_text(element, "GeoLocation/CountryCode"),
            subdivision=_text(element, "GeoLocation/SubdivisionCode"),
        ),
        health_check=_text(element, "HealthCheckId"),
        alias=alias,
        refusal=_record_refusal(element, alias, zone),
    )


def _routing(element: ET.Element) -> Routing:
    if _has(element, "Weight"):
        return Routing.WEIGHTED
    if _has(element, "Region"):
        return Routing.LATENCY
    if _has(element, "Failover"):
        return Routing.FAILOVER
    if _has(element, "GeoLocation"):
        return Routing.GEOLOCATION
    return Routing.MULTIVALUE if _flag(element, "MultiValueAnswer") else Routing.SIMPLE


def _record_refusal(element: ET.Element, alias: Alias | None, zone: str) -> str:
    for policy in ("GeoProximityLocation", "CidrRoutingConfig"):
        if _has(element, policy):
            return f"the twin does not evaluate {policy}"
    if alias is None:
        return ""
    if load_balancer_region(alias.name):
        if alias.evaluate_target_health:
            return "EvaluateTargetHealth of a load balancer: the emulator knows no target health"
        return ""
    if alias.name == zone or alias.name.endswith(f".{zone}"):
        return ""
    return f"alias to {alias.name}, which is neither a load balancer nor in zone {zone}"


def _health_check(element: ET.Element) -> HealthCheck:
    config = element.find(f"{NAMESPACE}HealthCheckConfig")
    if config is None:
        config = ET.Element("HealthCheckConfig")
    kind = _text(config, "Type")
    refused = kind not in PROBED_TYPES and kind != "CALCULATED"
    return HealthCheck(
        id=_text(element, "Id"),
        type=kind,
        host=canonical(_text(config, "FullyQualifiedDomainName")),
        address=_text(config, "IPAddress"),
        port=_number(config, "Port", 443 if kind.startswith("HTTPS") else 80),
        path=_text(config, "ResourcePath") or "/",
        search=_text(config, "SearchString"),
        interval_s=_number(config, "RequestInterval", 30),
        threshold=_number(config, "FailureThreshold", 3),
        inverted=_flag(config, "Inverted"),
        disabled=_flag(config, "Disabled"),
        children=_texts(config, "ChildHealthChecks/ChildHealthCheck"),
        child_threshold=_number(config, "HealthThreshold", 0),
        regions=_texts(config, "Regions/Region"),
        refusal=f"the twin does not evaluate health checks of type {kind}" if refused else "",
    )


def _path(path: str) -> str:
    return "/".join(f"{NAMESPACE}{step}" for step in path.split("/"))


def _has(element: ET.Element, path: str) -> bool:
    return element.find(_path(path)) is not None


def _text(element: ET.Element, path: str) -> str:
    return element.findtext(_path(path), default="") or ""


def _texts(element: ET.Element, path: str) -> tuple[str, ...]:
    return tuple(found.text or "" for found in element.findall(_path(path)))


def _number(element: ET.Element, path: str, default: int) -> int:
    text = _text(element, path)
    return int(text) if text else default


def _flag(element: ET.Element, path: str) -> bool:
    # The emulator writes Python's True where AWS writes true.
    return _text(element, path).lower() == "true"
