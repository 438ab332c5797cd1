"""Zones for tests: two jurisdictions of two regions each, as the prod stack lays them out."""

from dataclasses import replace

from holdfast.twin.resolver.answers import View
from holdfast.twin.resolver.zones import Geography, HealthCheck, Record, Routing, Zone, ZoneData

JURISDICTIONS = {"us": ("us-east-1", "us-west-2"), "eu": ("eu-west-1", "eu-central-1")}
SERVING = tuple(region for regions in JURISDICTIONS.values() for region in regions)
ADDRESSES = {region: f"127.80.0.{number}" for number, region in enumerate(SERVING, start=2)}
REGION_AT = {address: region for region, address in ADDRESSES.items()}


def load_balancer(region: str) -> str:
    return f"holdfast-{region}-0a1b2c3d.elb.{region}.amazonaws.com"


def latency_record(hostname: str, region: str) -> Record:
    return Record(
        name=hostname,
        type="CNAME",
        ttl_s=10,
        values=(load_balancer(region),),
        set_id=region,
        routing=Routing.LATENCY,
        region=region,
        health_check=f"check-{region}",
    )


def health_checks() -> dict[str, HealthCheck]:
    return {
        f"check-{region}": HealthCheck(
            id=f"check-{region}", type="HTTPS", host=load_balancer(region), interval_s=10
        )
        for region in SERVING
    }


def per_jurisdiction() -> ZoneData:
    """One hostname per jurisdiction, latency among its regions: what Holdfast deploys."""
    records = [
        latency_record(f"{name}.example.com", region)
        for name, regions in JURISDICTIONS.items()
        for region in regions
    ]
    return ZoneData((Zone("example.com", tuple(records)),), health_checks())


def one_hostname_with_a_default() -> ZoneData:
    """The mistake: one global hostname, Europe to Ireland, all others to Virginia."""
    base = replace(latency_record("us.example.com", "us-east-1"), routing=Routing.GEOLOCATION)
    records: list[Record] = []
    for hostname in ("us.example.com", "eu.example.com"):
        everywhere = replace(base, name=hostname, geography=Geography(country="*"))
        europe = replace(
            latency_record(hostname, "eu-west-1"),
            routing=Routing.GEOLOCATION,
            geography=Geography(continent="EU"),
        )
        records += [everywhere, europe]
    return ZoneData((Zone("example.com", tuple(records)),), health_checks())


def view(data: ZoneData, health: dict[str, bool] | None = None, dice: float = 0.0) -> View:
    return View(data, health or {}, ADDRESSES, lambda: dice)
