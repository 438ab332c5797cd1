"""What a drill needs of the platform that it runs on. It neither knows nor cares what that is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from holdfast.contract import Platform
from holdfast.drills.history import Transfer
from holdfast.drills.result import Limit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a hostname leads a user.

    Attributes:
        host: Address to connect to.
        port: TCP port.
        region: Region that the address belongs to, or None if that is not known.
    """

    host: str
    port: int
    region: str | None


@dataclass(frozen=True, slots=True)
class Injection:
    """When a fault, or its end, took place; ``time.monotonic()`` in seconds.

    Attributes:
        start_s: Before anything was touched. Objectives count from here.
        done_s: When its last step was done.
    """

    start_s: float
    done_s: float


@dataclass(frozen=True, slots=True)
class Observation:
    """The platform at one moment.

    Attributes:
        healthy: What the health check of each region's ingress says.
        changed_s: When each last changed, ``time.monotonic()`` in seconds; None before.
        memory_bytes: Memory of the whole target and its agents; 0 where that has no meaning.
    """

    healthy: Mapping[str, bool]
    changed_s: Mapping[str, float | None]
    memory_bytes: int


class Resolver(Protocol):
    """One user's resolver, with a cache of its own that keeps to the TTL."""

    async def resolve(self, hostname: str, location: str) -> Destination:
        """Where a hostname leads a user at a location.

        Raises:
            HoldfastError: If there is no answer.
        """
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...


class Target(Protocol):
    """A deployed platform that can be observed and broken. Methods may be called from any thread.

    Attributes:
        name: What it is: ``twin``.

    All of them raise :class:`~holdfast.errors.HoldfastError` if the target does not answer.
    """

    name: str

    @property
    def platform(self) -> Platform:
        """The contract of the platform."""
        ...

    @property
    def limits(self) -> Sequence[Limit]:
        """What the target does not reproduce."""
        ...

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of what was deployed, by name."""
        ...

    def start_agent(self, region: str) -> None:
        """Starts the service that is rehearsed in a region."""
        ...

    def serves(self, region: str, path: str | None) -> bool:
        """Whether a region's ingress answers a path, by default its health path, with 200 now."""
        ...

    def resolver(self) -> Resolver:
        """A resolver for one user."""
        ...

    def table_client(self, region: str) -> "DynamoDBClient":
        """A client of a region's tables, that sends each request once."""
        ...

    def kill(self, region: str) -> Injection:
        """Takes a region away."""
        ...

    def restore(self, region: str) -> Injection:
        """Brings it back."""
        ...

    def observe(self) -> Observation:
        """Looks at the platform."""
        ...

    def transfers(self) -> Sequence[Transfer]:
        """What the regions have sent each other so far."""
        ...

    def agent_log(self, region: str) -> Iterator[Mapping[str, object]]:
        """What the agents of a region have logged."""
        ...
