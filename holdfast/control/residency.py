"""Where a tenant may be served: in its home jurisdiction, and nowhere else.

Guarantees:
    A tenant is served only by regions of its home jurisdiction. Everybody else is told the one
    hostname of that jurisdiction, and never served from elsewhere, even while it is down.

Does not guarantee:
    That the tenant's name is true: authenticate it first.
"""

from dataclasses import dataclass

from holdfast.contract import Platform
from holdfast.errors import ConfigurationError, ResidencyError


@dataclass(frozen=True, slots=True)
class Serve:
    """This region may serve the tenant.

    Attributes:
        jurisdiction: The tenant's home, which this region lies in.
    """

    jurisdiction: str


@dataclass(frozen=True, slots=True)
class Misdirected:
    """Another jurisdiction is the tenant's home. For HTTP: 421 Misdirected Request.

    Attributes:
        jurisdiction: The tenant's home.
        hostname: Where the tenant must go.
    """

    jurisdiction: str
    hostname: str


@dataclass(frozen=True, slots=True)
class UnknownTenant:
    """The platform knows no such tenant, so nowhere is its home. For HTTP: 403 Forbidden."""


Decision = Serve | Misdirected | UnknownTenant
"""What a region does with a tenant's request."""


class Residency:
    """Decides for one region.

    Args:
        platform: The contract.
        region: The region that this process serves in.

    Raises:
        ConfigurationError: If the region does not serve on this platform (a witness does not).
    """

    def __init__(self, platform: Platform, region: str) -> None:
        here = platform.jurisdiction_of_region(region)
        if here is None or region not in here.regions:
            raise ConfigurationError(
                f"Region {region} serves nobody on platform {platform.project}/{platform.stack}. "
                f"Allowed are {', '.join(sorted(platform.regions))}; set AWS_REGION to one of them."
            )
        self._platform = platform
        self._here = here

    def decide(self, tenant: str) -> Decision:
        """What to do with a request of a tenant.

        Args:
            tenant: Whose request it is.
        """
        home = self._platform.home_of(tenant)
        if home is None:
            return UnknownTenant()
        if home.name == self._here.name:
            return Serve(home.name)
        return Misdirected(home.name, home.hostname)

    def check(self, tenant: str) -> None:
        """Returns if this region may serve a tenant.

        Args:
            tenant: Whose request it is.

        Raises:
            ResidencyError: If it may not.
        """
        match self.decide(tenant):
            case Serve():
                return
            case Misdirected(jurisdiction, hostname):
                raise ResidencyError(
                    f"Tenant {tenant} has its home in {jurisdiction}; this region lies in "
                    f"{self._here.name}. Send the request to {hostname}."
                )
            case UnknownTenant():
                raise ResidencyError(
                    f"Tenant {tenant} has no home on platform {self._platform.project}/"
                    f"{self._platform.stack}. Add it to the stack's `tenants` and deploy."
                )
