"""Who plays what: a drill's roles, resolved against the contract of one platform. Pure.

A drill names no region and no city. It names the region that leads, and kinds of places that
users ask from, so that it fits every platform which has somebody for each role, and can say of
any other whom it lacks before a single process is started.

Guarantees:
    The same contract gives the same cast. The region that is lost leaves behind another one that
    serves its jurisdiction and holds its tables, and a majority of the coordination table's votes.
    Every serving region has a place from which it is the nearest of its jurisdiction's.

Does not guarantee:
    That users of a place are led to the nearest region: that is the platform's routing, and what
    drills are for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from holdfast.contract import Consistency, Jurisdiction, Platform, Role
from holdfast.twin.locations import CITIES, REGIONS, Place

CONTROL_PLANES = "us-east-1"
"""Where AWS runs the control planes of its global services. Losing it is the hardest test of a
recovery that must need none of them, so a platform that has it loses it."""

_AT_HOME_MS = 9.0
"""A city this near, some 500 km, counts as a region's own."""


class Nearness(StrEnum):
    """Kinds of places that a jurisdiction's users ask from.

    ``LOCAL`` is a place beside each serving region; ``NEIGHBOUR`` the next city from there;
    ``FAR`` the city beside the nearest region of another jurisdiction, which is where a mistake
    in routing leads out, or on another continent where there is no other jurisdiction.
    """

    LOCAL = "local"
    NEIGHBOUR = "neighbour"
    FAR = "far"


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaderRegion:
    """The region that leads a jurisdiction: its primary, or its home where all are active.

    Where any region may lead, its agents are started first, so that it does.

    Attributes:
        of: The jurisdiction. None for the one whose leader sits with AWS's control planes, or else
            for the first by name that can lose a region.
    """

    of: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """The roles of a drill on one platform.

    Attributes:
        affected: The jurisdiction that loses a region.
        lost_region: The region that it loses.
        audited: By jurisdiction, a region that stays and can be asked what its tables hold.
    """

    affected: str
    lost_region: str
    audited: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a drill does not fit a platform.

    Attributes:
        reasons: One sentence each, without its full stop.
    """

    reasons: tuple[str, ...]


def cast(role: LeaderRegion, platform: Platform) -> Cast | Misfit:
    """Gives a platform's regions their roles, or says which of them nobody can play."""
    if role.of is not None and role.of not in platform.jurisdictions:
        known = ", ".join(sorted(platform.jurisdictions)) or "none"
        return Misfit((f"it has no jurisdiction {role.of}; it has {known}",))
    homes = [platform.jurisdictions[name] for name in sorted(platform.jurisdictions)]
    nobody = [reason for home in homes for reason in _missing(platform, home)]
    wanted = [home for home in homes if role.of in {None, home.name}]
    bound = {home.name: tuple(_bound(home)) for home in wanted}
    able = [home for home in wanted if not bound[home.name]]
    if nobody or not able:
        return Misfit((*nobody, *(reason for reasons in bound.values() for reason in reasons)))
    # False sorts before True: the control planes' region goes first.
    affected = min(able, key=lambda home: (leader_of(home) != CONTROL_PLANES, home.name))
    lost = leader_of(affected)
    return Cast(
        affected=affected.name,
        lost_region=lost,
        audited={
            home.name: next(iter(_holding(home, without=lost)), leader_of(home)) for home in homes
        },
    )


def leader_of(home: Jurisdiction) -> str:
    """The region that leads a jurisdiction, or would be made to."""
    primaries = sorted(one.name for one in home.regions.values() if one.role is Role.PRIMARY)
    # The contract lists a table's home region first; its map of regions has no order.
    listed = [name for name in home.coordination.regions if name in home.regions]
    return (primaries or listed or sorted(home.regions))[0]


def _missing(platform: Platform, home: Jurisdiction) -> Iterator[str]:
    """What a jurisdiction lacks to take part at all, whether or not it loses a region."""
    if not home.regions:
        yield f"{home.name} is served from nowhere"
    if home.name not in platform.tenants.values():
        yield f"no tenant has its home in {home.name}, so nobody would ask there"
    for name in sorted(set(home.regions) - set(REGIONS)):
        yield f"{name} of {home.name} is on no map, so nobody lives near it"


def _bound(home: Jurisdiction) -> Iterator[str]:
    """Why a jurisdiction cannot lose the region that leads it."""
    if not home.regions:
        return
    lost = leader_of(home)
    if len(home.regions) == 1:
        yield f"{home.name} is served from {lost} alone, so nobody could take over from it"
        return
    table = home.coordination
    if table.consistency is not Consistency.STRONG:
        yield f"{table.name} of {home.name} is {table.consistency}, so two regions could lead"
    votes = {*table.regions, *filter(None, (table.witness,))}
    left, needed = len(votes - {lost}), len(votes) // 2 + 1
    if left < needed:
        yield (
            f"{table.name} of {home.name} has {len(votes)} votes and needs {needed} to answer, "
            f"and {left} would be left without {lost}"
        )
    if not _holding(home, without=lost):
        yield f"no region of {home.name} but {lost} serves and holds its tables"


def _holding(home: Jurisdiction, *, without: str) -> list[str]:
    """Serving regions with a copy of both tables, but for one."""
    return sorted(
        set(home.regions) & {*home.coordination.regions} & {*home.state.regions} - {without}
    )


def places(platform: Platform, jurisdiction: str, kinds: Sequence[Nearness]) -> tuple[str, ...]:
    """Where the users of a jurisdiction are.

    Args:
        platform: All of whose regions are on the map.
        jurisdiction: Whose users.
        kinds: What kinds of places.

    Returns:
        Names out of :mod:`holdfast.twin.locations`, each once, in the order of the kinds.
    """
    serving = [REGIONS[name] for name in sorted(platform.jurisdictions[jurisdiction].regions)]
    local = [_beside(region, serving) for region in serving]
    found: dict[str, None] = {}
    for kind in kinds:
        match kind:
            case Nearness.LOCAL:
                found.update(dict.fromkeys(local))
            case Nearness.NEIGHBOUR:
                others = [city for city in CITIES.values() if city.name not in local]
                found.update(dict.fromkeys(_nearest(region, others).name for region in serving))
            case Nearness.FAR:
                found[_abroad(platform, jurisdiction, serving)] = None
    return tuple(found)


def _beside(region: Place, serving: Sequence[Place]) -> str:
    """A city that is a region's own, or the region's own name where there is none."""
    city = _nearest(region, list(CITIES.values()))
    at_home = city.latency_ms(region) <= _AT_HOME_MS and _nearest(city, serving) == region
    return city.name if at_home else region.name


def _abroad(platform: Platform, jurisdiction: str, serving: Sequence[Place]) -> str:
    foreign = [
        REGIONS[name]
        for home in platform.jurisdictions.values()
        if home.name != jurisdiction
        for name in home.regions
    ]
    if foreign:
        nearest = min(
            foreign, key=lambda other: (_nearest(other, serving).latency_ms(other), other.name)
        )
        return _beside(nearest, [*serving, *foreign])
    here = {region.continent for region in serving}
    elsewhere = [city for city in CITIES.values() if city.continent not in here]
    return min(
        elsewhere or CITIES.values(),
        key=lambda city: (_nearest(city, serving).latency_ms(city), city.name),
    ).name


def _nearest(place: Place, among: Sequence[Place]) -> Place:
    return min(among, key=lambda other: (place.latency_ms(other), other.name))
