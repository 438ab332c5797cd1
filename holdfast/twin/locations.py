"""Where things are: AWS regions and the places that users of a drill live in.

A *location* is the name of an AWS region or of a city below. DNS queries carry theirs as an
EDNS client subnet (RFC 7871) out of 198.18.0.0/15, the block that RFC 2544 sets aside for
benchmarks: addresses of the machine itself, all in 127/8, would tell nothing.

Latency between two places is estimated, not measured: light in fibre does 200 km/ms, real
cables are about 1.4 times as long as the great circle, and a round trip passes twice, so
``2 + 1.4 * 2 * km / 200`` milliseconds. Route 53 routes by its own measurements, which differ
from this where cables do not follow the great circle.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from math import asin, cos, radians, sin, sqrt

from holdfast.errors import TwinError

EARTH_RADIUS_KM = 6371.0
FIBRE_KM_PER_MS = 200.0
DETOUR = 1.4
LAST_MILE_MS = 2.0
CLIENT_SUBNETS = IPv4Network("198.18.0.0/15")


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map.

    Attributes:
        name: AWS region or city.
        latitude: Degrees north.
        longitude: Degrees east.
        country: ISO 3166-1 alpha-2 code.
        continent: Route 53 continent code: AF, AN, AS, EU, NA, OC or SA.
        subdivision: State, for the countries that Route 53 subdivides; "" elsewhere.
    """

    name: str
    latitude: float
    longitude: float
    country: str
    continent: str
    subdivision: str = ""

    def latency_ms(self, other: "Place") -> float:
        """Estimated round-trip time to another place."""
        return LAST_MILE_MS + DETOUR * 2 * _distance_km(self, other) / FIBRE_KM_PER_MS


def _distance_km(a: Place, b: Place) -> float:
    """Great-circle distance by the haversine formula."""
    lat_a, lat_b = radians(a.latitude), radians(b.latitude)
    half_lat = (lat_b - lat_a) / 2
    half_lon = radians(b.longitude - a.longitude) / 2
    chord = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


_REGION_PLACES = (
    Place("us-east-1", 38.9, -77.4, "US", "NA", "VA"),
    Place("us-east-2", 40.0, -83.0, "US", "NA", "OH"),
    Place("us-west-1", 37.4, -122.0, "US", "NA", "CA"),
    Place("us-west-2", 45.8, -119.7, "US", "NA", "OR"),
    Place("ca-central-1", 45.5, -73.6, "CA", "NA"),
    Place("ca-west-1", 51.0, -114.1, "CA", "NA"),
    Place("mx-central-1", 20.6, -100.4, "MX", "NA"),
    Place("sa-east-1", -23.5, -46.6, "BR", "SA"),
    Place("eu-west-1", 53.3, -6.3, "IE", "EU"),
    Place("eu-west-2", 51.5, -0.1, "GB", "EU"),
    Place("eu-west-3", 48.9, 2.3, "FR", "EU"),
    Place("eu-central-1", 50.1, 8.7, "DE", "EU"),
    Place("eu-central-2", 47.4, 8.5, "CH", "EU"),
    Place("eu-north-1", 59.3, 17.8, "SE", "EU"),
    Place("eu-south-1", 45.5, 9.2, "IT", "EU"),
    Place("eu-south-2", 41.6, -0.9, "ES", "EU"),
    Place("il-central-1", 32.1, 34.8, "IL", "AS"),
    Place("me-south-1", 26.1, 50.5, "BH", "AS"),
    Place("me-central-1", 24.5, 54.4, "AE", "AS"),
    Place("af-south-1", -33.9, 18.4, "ZA", "AF"),
    Place("ap-south-1", 19.1, 72.9, "IN", "AS"),
    Place("ap-south-2", 17.4, 78.5, "IN", "AS"),
    Place("ap-southeast-1", 1.3, 103.8, "SG", "AS"),
    Place("ap-southeast-2", -33.9, 151.2, "AU", "OC"),
    Place("ap-southeast-3", -6.2, 106.8, "ID", "AS"),
    Place("ap-southeast-4", -37.8, 145.0, "AU", "OC"),
    Place("ap-southeast-5", 3.1, 101.7, "MY", "AS"),
    Place("ap-southeast-6", -36.8, 174.8, "NZ", "OC"),
    Place("ap-southeast-7", 13.8, 100.5, "TH", "AS"),
    Place("ap-east-1", 22.3, 114.2, "HK", "AS"),
    Place("ap-east-2", 25.0, 121.5, "TW", "AS"),
    Place("ap-northeast-1", 35.7, 139.7, "JP", "AS"),
    Place("ap-northeast-2", 37.6, 127.0, "KR", "AS"),
    Place("ap-northeast-3", 34.7, 135.5, "JP", "AS"),
)

_CITY_PLACES = (
    Place("new-york", 40.7, -74.0, "US", "NA", "NY"),
    Place("chicago", 41.9, -87.6, "US", "NA", "IL"),
    Place("dallas", 32.8, -96.8, "US", "NA", "TX"),
    Place("seattle", 47.6, -122.3, "US", "NA", "WA"),
    Place("los-angeles", 34.1, -118.2, "US", "NA", "CA"),
    Place("toronto", 43.7, -79.4, "CA", "NA"),
    Place("sao-paulo", -23.6, -46.6, "BR", "SA"),
    Place("dublin", 53.3, -6.3, "IE", "EU"),
    Place("london", 51.5, -0.1, "GB", "EU"),
    Place("lisbon", 38.7, -9.1, "PT", "EU"),
    Place("madrid", 40.4, -3.7, "ES", "EU"),
    Place("paris", 48.9, 2.4, "FR", "EU"),
    Place("berlin", 52.5, 13.4, "DE", "EU"),
    Place("frankfurt", 50.1, 8.7, "DE", "EU"),
    Place("rome", 41.9, 12.5, "IT", "EU"),
    Place("stockholm", 59.3, 18.1, "SE", "EU"),
    Place("warsaw", 52.2, 21.0, "PL", "EU"),
    Place("zurich", 47.4, 8.5, "CH", "EU"),
    Place("johannesburg", -26.2, 28.0, "ZA", "AF"),
    Place("mumbai", 19.1, 72.9, "IN", "AS"),
    Place("singapore", 1.4, 103.8, "SG", "AS"),
    Place("tokyo", 35.7, 139.7, "JP", "AS"),
    Place("sydney", -33.9, 151.2, "AU", "OC"),
)

REGIONS: dict[str, Place] = {place.name: place for place in _REGION_PLACES}
"""Every AWS region that the twin knows, by name."""

CITIES: dict[str, Place] = {place.name: place for place in _CITY_PLACES}
"""Every city that the twin knows, by name."""

LOCATIONS: dict[str, Place] = {place.name: place for place in (*_REGION_PLACES, *_CITY_PLACES)}
"""Every place that a query can come from, by name."""

SUBNETS: dict[str, IPv4Network] = dict(
    zip(LOCATIONS, CLIENT_SUBNETS.subnets(new_prefix=24), strict=False)
)
"""The /24 that stands for each location in an EDNS client subnet."""

_LOCATION_OF = {subnet.network_address: name for name, subnet in SUBNETS.items()}


def location(name: str) -> Place:
    """The place of that name.

    Raises:
        TwinError: If there is none.
    """
    if name not in LOCATIONS:
        raise TwinError(
            f"no location is called {name!r}; there are {', '.join(sorted(LOCATIONS))}. "
            "Name one of those."
        )
    return LOCATIONS[name]


def location_of(address: IPv4Address) -> Place | None:
    """The place whose subnet holds an address, or None for an address from elsewhere."""
    network = IPv4Network((address, 24), strict=False).network_address
    name = _LOCATION_OF.get(network)
    return None if name is None else LOCATIONS[name]
