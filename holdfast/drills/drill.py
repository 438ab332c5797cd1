"""The shape of a drill: a hypothesis, what is done to refute it, and how to tell."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from holdfast.drills.checks import Check
from holdfast.drills.history import History, Outcome, Plan
from holdfast.drills.measures import leader_at, of_jurisdiction, window
from holdfast.drills.mutants import Mutant
from holdfast.drills.workload import Workload
from holdfast.errors import ConfigurationError


class SteadyState(Protocol):
    """What must be true before anything is broken; otherwise the drill could show nothing."""

    def trouble(self, history: History, now_s: float) -> str | None:
        """What is not as it must be, or None when all is well.

        Args:
            history: What was observed so far.
            now_s: The moment, in seconds after the first arrival.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class SuccessRate:
    """Every jurisdiction's users are served.

    Attributes:
        at_least: Share of requests that succeed.
        for_s: Over the last so many seconds.
    """

    at_least: float
    for_s: float

    def trouble(self, history: History, now_s: float) -> str | None:
        """The first jurisdiction whose users are not served well enough."""
        for name in sorted(history.plan.territories):
            # Who is sent away by mistake is no reason not to begin: the checks judge that. And
            # requests that are still under way have not been recorded.
            requests = [
                one for one in of_jurisdiction(history, name) if one.outcome is not Outcome.REFUSED
            ]
            counted = window(requests, now_s - self.for_s, now_s)
            if counted.rate < self.at_least:
                return (
                    f"only {counted.succeeded} of {counted.asked} requests of {name} succeeded "
                    f"in the last {self.for_s:g} s; at least {self.at_least:.0%} must"
                )
        return None


@dataclass(frozen=True)
class LeaderIn:
    """The region that is going to be lost leads, so that leadership has to move.

    Attributes:
        region: That region.
    """

    region: str

    def trouble(self, history: History, now_s: float) -> str | None:
        """Who leads instead, if somebody else does."""
        leader = leader_at(history, now_s)
        if leader == self.region:
            return None
        return f"{leader or 'nobody'} leads {history.plan.affected.upper()}, not {self.region}"


@dataclass(frozen=True)
class KillRegion:
    """Takes a region away for a while.

    Attributes:
        region: Which.
        at_s: When, after the first arrival.
        until_s: When it is brought back.

    Raises:
        ConfigurationError: If it would be brought back before it is taken.
    """

    region: str
    at_s: float
    until_s: float

    def __post_init__(self) -> None:
        if not 0 < self.at_s < self.until_s:
            raise ConfigurationError(
                f"at_s={self.at_s} and until_s={self.until_s} are out of order; a region is taken "
                "after the start and brought back later."
            )


class Drill(ABC):
    """A rehearsal. Subclasses are declarations; their docstring is the hypothesis.

    Attributes:
        name: Its name on the command line.
        workload: What users do all the while.
        first_leader: Region whose agents start first, so that it leads.
        steady_state: What must be true before the fault.
        fault: What is done.
        checks: What is asked of the history.
        mutants: Mistakes that the drill must catch.
    """

    name: ClassVar[str]
    workload: ClassVar[Workload]
    first_leader: ClassVar[str]
    steady_state: ClassVar[Sequence[SteadyState]]
    fault: ClassVar[KillRegion]
    checks: ClassVar[Sequence[Check]]
    mutants: ClassVar[Sequence[type[Mutant]]]

    @classmethod
    def hypothesis(cls) -> str:
        """What the drill sets out to refute."""
        return (cls.__doc__ or "").strip().split("\n\n")[0]

    @classmethod
    def suits(cls, plan: Plan) -> str | None:
        """Why a platform cannot be rehearsed like this, or None if it can."""
        if not any(cls.fault.region in area.serving for area in plan.territories.values()):
            return f"no jurisdiction is served from {cls.fault.region}"
        absent = sorted(set(cls.workload.locations) - set(plan.territories))
        if absent:
            return f"it has no jurisdiction {' or '.join(absent)}, whose users the drill watches"
        return None
