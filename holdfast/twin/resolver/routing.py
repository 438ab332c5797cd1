"""Which of several records of one name and type Route 53 answers with. Pure.

Source: Amazon Route 53 Developer Guide, "Choosing a routing policy" and "How Amazon Route 53
chooses records when health checking is configured".

Guarantees:
    A record that is unhealthy is chosen only when every record that applies is unhealthy:
    Route 53 then treats all as healthy (it fails open).

Does not guarantee:
    That the latencies are AWS's: see ``holdfast.twin.locations``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.twin.locations import LOCATIONS, REGIONS, Place
from holdfast.twin.resolver.zones import Geography, Record, Routing

MULTIVALUE_MOST = 8
UNKNOWN_LOCATION = LOCATIONS["us-east-1"]
"""From where latency is counted for a query that does not say where it comes from."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a choice depends on, beside the records.

    Attributes:
        place: Where the query comes from, or None when it does not say.
        healthy: Whether a record may be answered with.
        dice: The next random number in [0, 1).
    """

    place: Place | None
    healthy: Callable[[Record], bool]
    dice: Callable[[], float]


def choose(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
    """The records to answer with: one, or several for multivalue; none when none applies.

    Args:
        records: All records of one name and type. Route 53 lets them have one policy only.
        now: What the choice depends on.
    """
    if not records:
        return ()
    return _POLICIES[records[0].routing](records, now)


def _simple(records: Sequence[Record], _now: Circumstances) -> tuple[Record, ...]:
    # Health does not matter: there is nothing else to answer with.
    return tuple(records[:1])


def _open(records: Sequence[Record], now: Circumstances) -> list[Record]:
    """The healthy ones, or all when none is: Route 53 fails open."""
    return [record for record in records if now.healthy(record)] or list(records)


def _weighted(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
    # Records of weight 0 come into play only when no other is healthy.
    heavy = [record for record in records if record.weight > 0]
    light = [record for record in records if record.weight == 0]
    candidates = (
        [record for record in heavy if now.healthy(record)]
        or [record for record in light if now.healthy(record)]
        or heavy
        or light
    )
    weights = [record.weight or 1 for record in candidates]
    mark = now.dice() * sum(weights)
    for record, weight in zip(candidates, weights, strict=True):
        mark -= weight
        if mark < 0:
            return (record,)
    return (candidates[-1],)


def _latency(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
    place = now.place or UNKNOWN_LOCATION

    def latency_ms(record: Record) -> tuple[float, str]:
        region = REGIONS.get(record.region)
        return (place.latency_ms(region) if region else float("inf"), record.set_id)

    return (min(_open(records, now), key=latency_ms),)


def _failover(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
    # "PRIMARY" sorts before "SECONDARY"; failing open answers with the primary.
    return (min(_open(records, now), key=lambda record: record.failover),)


def _geolocation(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
    ranked = sorted(
        (rank, record.set_id, record)
        for record in records
        if (rank := _nearness(record.geography, now.place)) is not None
    )
    applying = [record for _, _, record in ranked]
    return tuple(_open(applying, now)[:1])


def _nearness(geography: Geography, place: Place | None) -> int | None:
    """0 for the narrowest area around a place, more for wider ones, None for elsewhere."""
    if geography.country == "*":
        return 3
    if place is None:
        return None
    if geography.subdivision:
        here = (geography.country, geography.subdivision) == (place.country, place.subdivision)
        return 0 if here else None
    if geography.country:
        return 1 if geography.country == place.country else None
    return 2 if geography.continent == place.continent else None


def _multivalue(records: Sequence[Record], now: Circumstances) -> tuple[Record, ...]:
    shuffled = sorted(_open(records, now), key=lambda _: now.dice())
    return tuple(shuffled[:MULTIVALUE_MOST])


_POLICIES: dict[Routing, Callable[[Sequence[Record], Circumstances], tuple[Record, ...]]] = {
    Routing.SIMPLE: _simple,
    Routing.WEIGHTED: _weighted,
    Routing.LATENCY: _latency,
    Routing.FAILOVER: _failover,
    Routing.GEOLOCATION: _geolocation,
    Routing.MULTIVALUE: _multivalue,
}
