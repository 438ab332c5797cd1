"""Who asks for what, and when: a population of users and an open loop of arrivals. Pure.

The loop is open: arrivals follow a schedule that was fixed before the first of them was sent, and
no slow answer delays the next. That is what makes an outage count for as long as it lasts; a
closed loop would wait in it and count a handful of failures (coordinated omission).

The same seed gives the same users, the same tasks and the same schedule.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.contract import Platform
from holdfast.drills.casting import Nearness, places
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
    """A population and its pace, the same in every jurisdiction.

    Attributes:
        rate_per_s: Arrivals a second of each jurisdiction's users together.
        timeout_s: How long a user waits for an answer, from when the request was due. There is no
            retry: what the drill measures is the platform, not the patience of its clients.
        in_flight: Most requests at a time, for each jurisdiction. One that is due beyond that
            counts as failed; the loop never waits.
        users: How many each jurisdiction has, or one for each place where those are more.
        affected: Where the users of the jurisdiction that loses a region are.
        others: Where all others' users are.
        seed: Decides who asks when.

    Raises:
        ConfigurationError: If a number is not positive, the bound on requests in flight is below
            what a total outage needs, or a jurisdiction's users would be nowhere.
    """

    rate_per_s: float
    timeout_s: float = 5.0
    in_flight: int = 128
    users: int = 24
    affected: Sequence[Nearness] = (Nearness.LOCAL, Nearness.NEIGHBOUR)
    others: Sequence[Nearness] = (Nearness.LOCAL, Nearness.NEIGHBOUR, Nearness.FAR)
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("rate_per_s", "timeout_s", "in_flight", "users"):
            value = getattr(self, name)
            if not value > 0:
                raise ConfigurationError(f"{name}={value} is not positive. Use more than 0.")
        # Little's law: with every request hanging until its timeout, this many are in flight.
        needed = self.rate_per_s * self.timeout_s
        if self.in_flight < 2 * needed:
            raise ConfigurationError(
                f"in_flight={self.in_flight} would itself fail requests during an outage, when "
                f"{needed:g} hang at a time. Raise in_flight to {2 * needed:g} or more."
            )
        for name in ("affected", "others"):
            # A region that nobody lives near would be lost without anybody noticing.
            if Nearness.LOCAL not in getattr(self, name):
                raise ConfigurationError(
                    f"{name} leaves out {Nearness.LOCAL}, so that some region might serve nobody. "
                    f"Name {Nearness.LOCAL} and what else you like."
                )

    def population(self, platform: Platform, affected: str) -> list[User]:
        """The users: in every jurisdiction some of each tenant in each place, as far as they go.

        Args:
            platform: A platform for which the drill has been cast.
            affected: The jurisdiction that loses a region.
        """
        people: list[User] = []
        for name in sorted(platform.jurisdictions):
            tenants = sorted(one for one, home in platform.tenants.items() if home == name)
            where = places(platform, name, self.affected if name == affected else self.others)
            people += [
                User(
                    name=f"{name}-{number:02}",
                    tenant=tenants[number % len(tenants)],
                    jurisdiction=name,
                    hostname=platform.jurisdictions[name].hostname,
                    # Shifted once a round, or two tenants and two places would pair off.
                    location=where[
                        (number + number // math.lcm(len(tenants), len(where))) % len(where)
                    ],
                )
                for number in range(max(self.users, len(where)))
            ]
        return people

    def arrivals(self, people: Sequence[User], duration_s: float) -> Iterator[Arrival]:
        """The schedule: evenly spaced, everybody once a round in an order the seed decides."""
        order = random.Random(self.seed)  # noqa: S311 - reproducible on purpose
        waiting: list[User] = []
        rate_per_s = self.rate_per_s * jurisdictions_of(people)
        for number in range(int(rate_per_s * duration_s)):
            if not waiting:
                waiting = list(people)
                order.shuffle(waiting)
            user = waiting.pop()
            yield Arrival(
                due_s=number / rate_per_s,
                user=user,
                task=f"{self.seed:x}-{number:05}",
            )


def jurisdictions_of(people: Sequence[User]) -> int:
    """How many jurisdictions users are of."""
    return len({user.jurisdiction for user in people})
