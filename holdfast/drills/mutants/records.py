"""Route 53 records with a mistake in them. Pure: records in, records out."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from pydantic import JsonValue

Record: TypeAlias = Mapping[str, JsonValue]
"""A Route 53 ResourceRecordSet, as its API writes it."""

CONTINENTS = {"eu": "EU", "us": "NA", "ap": "AS"}
"""Route 53's code for the continent of a jurisdiction."""

_SHARED_TTL_S = 10


def with_ttl(records: Sequence[Record], hostnames: Collection[str], ttl_s: int) -> list[Record]:
    """The records of some names with another TTL; the others as they are.

    Args:
        records: All records of the zone.
        hostnames: Names to change.
        ttl_s: Seconds that resolvers may keep an answer.
    """
    return [
        {**record, "TTL": ttl_s} if _name(record) in hostnames and "TTL" in record else record
        for record in records
    ]


def one_global_name(
    records: Sequence[Record], shared: str, hostnames: Mapping[str, str], *, default: str
) -> list[Record]:
    """The zone with one more name, which leads to the jurisdictions' names by geolocation.

    Args:
        records: All records of the zone.
        shared: The name for everybody.
        hostnames: Each jurisdiction's own name.
        default: Jurisdiction that gets whoever is on none of the continents.
    """
    added = [
        _by_location(shared, name, hostname, {"ContinentCode": CONTINENTS[name]})
        for name, hostname in sorted(hostnames.items())
        if name != default
    ]
    added.append(_by_location(shared, "default", hostnames[default], {"CountryCode": "*"}))
    return [*records, *added]


def _by_location(
    shared: str, identifier: str, leads_to: str, location: Mapping[str, str]
) -> Record:
    return {
        "Name": f"{shared}.",
        "Type": "CNAME",
        "SetIdentifier": identifier,
        "GeoLocation": dict(location),
        "TTL": _SHARED_TTL_S,
        "ResourceRecords": [{"Value": leads_to}],
    }


def _name(record: Record) -> str:
    return str(record.get("Name", "")).rstrip(".")


def changes(before: Sequence[Record], after: Sequence[Record]) -> list[dict[str, JsonValue]]:
    """The Route 53 changes that turn some records into others; none are taken away."""
    return [
        {"Action": "UPSERT", "ResourceRecordSet": dict(record)}
        for record in after
        if record not in before
    ]
