"""Who asks for what, and when: a population of users and an open loop of arrivals. Pure.

The loop is open: arrivals follow a schedule that was fixed before the first of them was sent, and
no slow answer delays the next. That is what makes an outage count for as long as it lasts; a
closed loop would wait in it and count a handful of failures (coordinated omission).

The same seed gives the same users, the same tasks and the same schedule.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from holdfast.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Somebody with a resolver cache of their own.

    Attributes:
        name: Unique.
        tenant: On whose behalf they ask.
        jurisdiction: Home of the tenant.
        hostname: The name that they resolve.
        location: Where they are; need not lie in the jurisdiction (people travel).
    """

    name: str
    tenant: str
    jurisdiction: str
    hostname: str
    location: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One request that is due.

    Attributes:
        due_s: When, after the start.
        user: Whose.
        task: Id of the task that it submits, unique in the drill.
    """

    due_s: float
    user: User
    task: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """A population and its pace.

    Attributes:
        rate_per_s: Arrivals a second, all users together.
        duration_s: From the first arrival to the last.
        timeout_s: How long a user waits for an answer, from when the request was due. There is no
            retry: what the drill measures is the platform, not the patience of its clients.
        in_flight: Most requests at a time. One that is due beyond that counts as failed; the
            loop never waits.
        users: How many each jurisdiction has.
        locations: Where each jurisdiction's users are, in turn.
        seed: Decides who asks when.

    Raises:
        ConfigurationError: If a number is not positive, or the bound on requests in flight is
            below what a total outage needs.
    """

    rate_per_s: float
    duration_s: float
    timeout_s: float = 5.0
    in_flight: int = 256
    users: int = 24
    locations: Mapping[str, Sequence[str]]
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("rate_per_s", "duration_s", "timeout_s", "in_flight", "users"):
            value = getattr(self, name)
            if value <= 0:
                raise ConfigurationError(f"{name}={value} is not positive. Use more than 0.")
        # Little's law: with every request hanging until its timeout, this many are in flight.
        needed = self.rate_per_s * self.timeout_s
        if self.in_flight < 2 * needed:
            raise ConfigurationError(
                f"in_flight={self.in_flight} would itself fail requests during an outage, when "
                f"{needed:g} hang at a time. Raise in_flight to {2 * needed:g} or more."
            )

    @property
    def requests(self) -> int:
        """How many arrivals there are."""
        return int(self.rate_per_s * self.duration_s)

    def population(
        self, homes: Mapping[str, Sequence[str]], hostnames: Mapping[str, str]
    ) -> list[User]:
        """The users, spread evenly over tenants and locations.

        Args:
            homes: Tenants by jurisdiction.
            hostnames: By jurisdiction, the name that its users resolve.

        Raises:
            ConfigurationError: If a jurisdiction has no tenant or its users are nowhere.
        """
        people: list[User] = []
        for jurisdiction in sorted(hostnames):
            tenants = sorted(homes.get(jurisdiction, ()))
            places = self.locations.get(jurisdiction, ())
            if not tenants or not places:
                raise ConfigurationError(
                    f"jurisdiction {jurisdiction} has tenants {tenants} and locations "
                    f"{list(places)}; a drill needs at least one of each. Give it a tenant in "
                    "the stack file, and its users a location in the drill."
                )
            people += [
                User(
                    name=f"{jurisdiction}-{number:02}",
                    tenant=tenants[number % len(tenants)],
                    jurisdiction=jurisdiction,
                    hostname=hostnames[jurisdiction],
                    location=places[number % len(places)],
                )
                for number in range(self.users)
            ]
        return people

    def arrivals(self, people: Sequence[User]) -> Iterator[Arrival]:
        """The schedule: evenly spaced, everybody once a round in an order the seed decides."""
        order = random.Random(self.seed)  # noqa: S311 - reproducible on purpose
        waiting: list[User] = []
        for number in range(self.requests):
            if not waiting:
                waiting = list(people)
                order.shuffle(waiting)
            user = waiting.pop()
            yield Arrival(
                due_s=number / self.rate_per_s,
                user=user,
                task=f"{self.seed:x}-{number:05}",
            )
