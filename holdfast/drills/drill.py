"""The shape of a drill: a hypothesis, what is done to refute it, and how to tell."""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from holdfast.drills.casting import LeaderRegion
from holdfast.drills.checks import Check
from holdfast.drills.history import Evidence, History, Outcome
from holdfast.drills.measures import WINDOW_S, leader_at, of_jurisdiction, window
from holdfast.drills.mutants import Mutant
from holdfast.drills.workload import Workload
from holdfast.errors import ConfigurationError

MARGIN_S = 4.0
"""How much longer than it must a region is away, for what injections and samples are late."""

SLOWEST_RETURN_S = 300.0
"""Ten probes, 30 s apart, are the most that Route 53 can be told to wait for."""

LONGEST_S = 3600.0
"""Longest drill. Who promises an RTO of an hour needs another way to rehearse it."""


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
class LostRegionLeads:
    """The region that is going to be lost leads, so that leadership has to move."""

    def trouble(self, history: History, now_s: float) -> str | None:
        """Who leads instead, if somebody else does."""
        plan = history.plan
        leader = leader_at(history, now_s)
        if Evidence.LEADER not in plan.evidence or leader == plan.lost_region:
            return None
        return f"{leader or 'nobody'} leads {plan.affected.upper()}, not {plan.lost_region}"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A region that is taken away for a while.

    It has to be away for longer than the platform's RTO, and than the patience of whoever asks
    just before it returns: that user is answered by the region itself, and a platform that only
    recovers when the region does would look as if it had recovered by its own means.

    Attributes:
        role: Which region.
        at_s: When it is taken, after the first arrival.
        away_s: How long it is away. None for as long as the platform's RTO asks for.
        watch_s: How long users are watched after its return at least, which is where frozen
            leaders wake. Half the RTO where that is longer: routing takes as many probes to trust
            a region again as to give it up, and only then do users go back.

    Raises:
        ConfigurationError: If a time is not positive, or the users would be watched for less
            than it takes to say that they are served.
    """

    role: LeaderRegion = field(default_factory=LeaderRegion)
    at_s: float
    away_s: float | None = None
    watch_s: float

    def __post_init__(self) -> None:
        for name in ("at_s", "away_s", "watch_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"{name}={value} is not positive. Use more than 0.")
        if self.watch_s < WINDOW_S:
            raise ConfigurationError(
                f"watch_s={self.watch_s:g} is shorter than the {WINDOW_S:g} s in which users have "
                f"to be served without a break. Use {WINDOW_S:g} or more."
            )

    def timing(self, rto_s: float, timeout_s: float) -> "Timing | str":
        """When what happens, or why it would show nothing.

        Args:
            rto_s: What the platform promises.
            timeout_s: How long a user waits for an answer.
        """
        needed_s = rto_s + timeout_s + MARGIN_S
        sum_s = f"{rto_s:g} + {timeout_s:g} + {MARGIN_S:g} = {needed_s:g} s"
        away_s = needed_s if self.away_s is None else self.away_s
        watch_s = max(self.watch_s, min(rto_s / 2, SLOWEST_RETURN_S))
        duration_s = self.at_s + away_s + watch_s
        if away_s < needed_s:
            return (
                f"the region is away for {away_s:g} s, which cannot show an rto_s of {rto_s:g}: "
                f"with a user's patience and a margin it has to be away for {sum_s} or more"
            )
        if duration_s > LONGEST_S:
            return (
                f"to show an rto_s of {rto_s:g} the region has to be away for {sum_s}, and the "
                f"drill would take {duration_s:g} s; it takes {LONGEST_S:g} s at most"
            )
        return Timing(lost_at_s=self.at_s, back_at_s=self.at_s + away_s, duration_s=duration_s)


@dataclass(frozen=True, slots=True)
class Timing:
    """When what happens in a drill, in seconds after the first arrival.

    Attributes:
        lost_at_s: When the region is taken.
        back_at_s: When it is brought back.
        duration_s: When the last user asks.
    """

    lost_at_s: float
    back_at_s: float
    duration_s: float


class Drill(ABC):
    """A rehearsal. Subclasses are declarations; their docstring is the hypothesis.

    Attributes:
        name: Its name on the command line and of its reports.
        workload: What users do all the while.
        steady_state: What must be true before anything is broken.
        loss: What is done.
        checks: What is asked of the history.
        mutants: Mistakes that the drill must catch.
    """

    name: ClassVar[str]
    workload: ClassVar[Workload]
    steady_state: ClassVar[Sequence[SteadyState]]
    loss: ClassVar[Loss]
    checks: ClassVar[Sequence[Check]]
    mutants: ClassVar[Sequence[type[Mutant]]] = ()

    @classmethod
    def hypothesis(cls) -> str:
        """What the drill sets out to refute."""
        return (cls.__doc__ or "").strip().split("\n\n")[0]
