"""How Route 53 decides that an endpoint is healthy. Pure: probe results in, a verdict out.

Each checker changes its mind after ``threshold`` probes in a row that contradict it; the check
is healthy while more than 18 % of its checkers consider it so. A new check counts as healthy
until there is data (unhealthy when it is inverted).

Source: Amazon Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check
is healthy".

Does not guarantee:
    Route 53's number of checkers: it has several in each location, the twin has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.twin.resolver.zones import HealthCheck

HEALTHY_SHARE = 0.18
"""The check is healthy while more than this share of its checkers says so."""

CHECKER_REGIONS = (
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
)
"""Where Route 53's checkers stand unless a check names its own regions."""


@dataclass(slots=True)
class Checker:
    """One place from which an endpoint is probed.

    Attributes:
        region: Where it stands.
        healthy: What it thinks of the endpoint.
        contradictions: Probes in a row that say otherwise.
    """

    region: str
    healthy: bool = True
    contradictions: int = 0

    def observe(self, *, passed: bool, threshold: int) -> None:
        """Takes the result of one probe into account."""
        if passed is self.healthy:
            self.contradictions = 0
            return
        self.contradictions += 1
        if self.contradictions >= threshold:
            self.healthy = passed
            self.contradictions = 0


@dataclass(slots=True)
class ProbedHealth:
    """What all checkers of one probed health check have found out."""

    check: HealthCheck
    checkers: list[Checker] = field(init=False)

    def __post_init__(self) -> None:
        regions = self.check.regions or CHECKER_REGIONS
        self.checkers = [Checker(region) for region in regions]

    def observe(self, checker: int, *, passed: bool) -> None:
        """Takes the result of one checker's probe into account."""
        self.checkers[checker].observe(passed=passed, threshold=self.check.threshold)

    @property
    def healthy_checkers(self) -> int:
        """How many consider the endpoint healthy."""
        return sum(checker.healthy for checker in self.checkers)

    @property
    def healthy(self) -> bool:
        """The verdict that DNS acts on."""
        seen = self.healthy_checkers > HEALTHY_SHARE * len(self.checkers)
        # A disabled check counts as healthy whatever was seen.
        return (seen or self.check.disabled) is not self.check.inverted

    def first_probe_s(self, checker: int) -> float:
        """When a checker begins, counted from the creation of the check.

        The checkers of a check are spread evenly over its interval.
        """
        return checker * self.check.interval_s / len(self.checkers)


def verdicts(
    checks: Mapping[str, HealthCheck], probed: Mapping[str, ProbedHealth]
) -> dict[str, bool]:
    """Every health check's verdict: of probed ones as found, of calculated ones as counted.

    A calculated check that counts another calculated one is left out by Route 53 and here; a
    child that does not exist counts as healthy.
    """
    found = {name: health.healthy for name, health in probed.items()}
    calculated: dict[str, bool] = {}
    for name, check in checks.items():
        if check.type == "CALCULATED":
            healthy = sum(found.get(child, True) for child in check.children)
            seen = healthy >= check.child_threshold or check.disabled
            calculated[name] = seen is not check.inverted
    return {**found, **calculated}
