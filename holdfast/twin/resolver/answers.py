"""What the twin's name server answers: zone data, a question and health in, records out. Pure.

It is authoritative for the hosted zones, and answers for the names of the emulator's load
balancers as well, so that one query follows a CNAME to the end. TTLs are the records' own:
counting them down is the client's business.

Limits:
    Every load balancer name of a region of this twin resolves, whether or not the load
    balancer exists. A CNAME that leads out of the twin is answered as far as it is known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from holdfast.twin.locations import Place
from holdfast.twin.resolver.routing import Circumstances, choose
from holdfast.twin.resolver.zones import Record, Zone, ZoneData, canonical, load_balancer_region

LOAD_BALANCER_TTL_S = 60
"""TTL of a load balancer's own name, and of an alias to it (Route 53 Developer Guide)."""

LONGEST_CHAIN = 8
DEEPEST_ALIAS = 4


class Rcode(StrEnum):
    """How a query ended."""

    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Records of one name and type in an answer."""

    name: str
    type: str
    ttl_s: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question.

    Attributes:
        rcode: How it ended.
        answers: In the order of the chain of CNAMEs.
        zone: The zone that a negative answer speaks for, or None.
    """

    rcode: Rcode
    answers: tuple[RecordSet, ...] = ()
    zone: Zone | None = None


class UnevaluatedError(Exception):
    """An answer would need what the twin does not evaluate."""


@dataclass(frozen=True, slots=True)
class View:
    """What the answers depend on, beside the question.

    Attributes:
        data: Hosted zones and health checks.
        health: State of each health check by id; one that is missing counts as healthy.
        addresses: Loopback address of each region of the twin.
        dice: The next random number in [0, 1).
    """

    data: ZoneData
    health: Mapping[str, bool]
    addresses: Mapping[str, str]
    dice: Callable[[], float]

    def resolve(self, name: str, kind: str, place: Place | None) -> Reply:
        """Answers one question.

        Args:
            name: Queried name.
            kind: Queried type, such as ``A``.
            place: Where the query comes from, or None when it does not say.
        """
        answers: list[RecordSet] = []
        owner = canonical(name)
        try:
            for _ in range(LONGEST_CHAIN):
                found, zone = self._step(owner, kind, place)
                if found is None:
                    # The end of a chain may lie in no zone of ours; its beginning may not.
                    rcode = Rcode.NOERROR if answers else Rcode.REFUSED
                    return Reply(rcode, tuple(answers))
                answers += found
                if not found:
                    negative = Rcode.NOERROR if _exists(zone, owner) else Rcode.NXDOMAIN
                    return Reply(negative, tuple(answers), zone)
                if kind == "CNAME" or found[-1].type != "CNAME":
                    return Reply(Rcode.NOERROR, tuple(answers))
                owner = canonical(found[-1].values[0])
        except UnevaluatedError:
            return Reply(Rcode.SERVFAIL)
        return Reply(Rcode.SERVFAIL)

    def _step(
        self, owner: str, kind: str, place: Place | None
    ) -> tuple[list[RecordSet] | None, Zone | None]:
        """One link of the chain: its records, none, or None when the name is not ours."""
        region = load_balancer_region(owner)
        if region in self.addresses:
            return self._load_balancer(owner, region, kind), None
        zone = _zone_of(self.data.zones, owner)
        if zone is None:
            return None, None
        group = _group(zone, owner, kind)
        return self._answer(owner, kind, zone, group, place=place, depth=0), zone

    def _load_balancer(self, owner: str, region: str, kind: str) -> list[RecordSet]:
        if kind != "A":
            return []
        return [RecordSet(owner, "A", LOAD_BALANCER_TTL_S, (self.addresses[region],))]

    def _answer(
        self,
        owner: str,
        kind: str,
        zone: Zone,
        group: Sequence[Record],
        *,
        place: Place | None,
        depth: int,
    ) -> list[RecordSet]:
        self._refuse_unevaluated(group)
        now = Circumstances(place, lambda record: self._healthy(record, zone, 0), self.dice)
        chosen = choose(group, now)
        if not chosen:
            return []
        alias = chosen[0].alias
        if alias is None:
            values = tuple(value for record in chosen for value in record.values)
            return [RecordSet(owner, chosen[0].type, chosen[0].ttl_s, values)]
        if depth >= DEEPEST_ALIAS:
            raise UnevaluatedError(f"aliases from {owner} are nested deeper than {DEEPEST_ALIAS}")
        region = load_balancer_region(alias.name)
        if region:
            if region not in self.addresses:
                return []
            found = self._load_balancer(alias.name, region, kind)
        else:
            target = _group(zone, alias.name, kind)
            found = self._answer(alias.name, kind, zone, target, place=place, depth=depth + 1)
        # An alias answers under its own name, as if the records were its own.
        return [replace(records, name=owner) for records in found]

    def _healthy(self, record: Record, zone: Zone, depth: int) -> bool:
        self._refuse_unevaluated((record,))
        if record.health_check and not self.health.get(record.health_check, True):
            return False
        alias = record.alias
        if alias is None or not alias.evaluate_target_health or depth >= DEEPEST_ALIAS:
            return True
        # Healthy while any record it could stand for is.
        targets = _group(zone, alias.name, record.type)
        return any(self._healthy(target, zone, depth + 1) for target in targets)

    def _refuse_unevaluated(self, group: Sequence[Record]) -> None:
        checks = self.data.health_checks
        for record in group:
            check = checks.get(record.health_check)
            counted = [check, *map(checks.get, check.children)] if check else []
            reasons = [record.refusal, *(each.refusal for each in counted if each)]
            if any(reasons):
                raise UnevaluatedError(next(filter(None, reasons)))


def _zone_of(zones: Sequence[Zone], name: str) -> Zone | None:
    """The zone with the longest name that holds a name."""
    holding = [zone for zone in zones if name == zone.name or name.endswith(f".{zone.name}")]
    return max(holding, key=lambda zone: len(zone.name), default=None)


def _group(zone: Zone, name: str, kind: str) -> tuple[Record, ...]:
    """The records to choose from: of the type, else CNAMEs, else those of a wildcard."""
    for owner in (name, *_wildcards(zone, name)):
        of_name = [record for record in zone.records if record.name == owner]
        if of_name:
            wanted = tuple(record for record in of_name if record.type == kind)
            return wanted or tuple(record for record in of_name if record.type == "CNAME")
    return ()


def _wildcards(zone: Zone, name: str) -> list[str]:
    """The wildcard names that could stand for a name, the closest first (RFC 4592)."""
    if _exists(zone, name):
        return []
    found: list[str] = []
    parent = name
    while parent != zone.name and "." in parent:
        parent = parent.partition(".")[2]
        found.append(f"*.{parent}")
        if _exists(zone, parent):
            break
    return found


def _exists(zone: Zone | None, name: str) -> bool:
    """Whether a name has records, or lies above one that has."""
    if zone is None:
        return True
    return any(record.name == name or record.name.endswith(f".{name}") for record in zone.records)
