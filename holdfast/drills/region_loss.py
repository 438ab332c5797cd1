"""The drill that every multi-region platform owes its users."""

from collections.abc import Sequence
from typing import ClassVar

from holdfast.drills.casting import Nearness
from holdfast.drills.checks import (
    Check,
    Detection,
    ExactlyOnce,
    Fenced,
    LeaderTakeover,
    NoLostWrites,
    OneLeader,
    OpenLoop,
    OthersUndisturbed,
    RecoveryTime,
    StateLoss,
    StaysIn,
)
from holdfast.drills.drill import Drill, Loss, LostRegionLeads, SteadyState, SuccessRate
from holdfast.drills.mutants import LongTtl, Mutant, NoFencing, UsDefaultRoute
from holdfast.drills.workload import Workload


class RegionLoss(Drill):
    """A jurisdiction loses the region that leads it, no acknowledged write and no user for long.

    The region is away for longer than the RTO and a user's patience, so that a platform which
    only recovers when the region returns is found out: it answers then whoever asked just before.
    It returns before the end, because coming back is where frozen leaders wake up.
    """

    name = "region-loss"
    workload = Workload(
        rate_per_s=6,
        affected=(Nearness.LOCAL, Nearness.NEIGHBOUR),
        # People travel: a user of an EU tenant must be served by the EU from anywhere.
        others=(Nearness.LOCAL, Nearness.NEIGHBOUR, Nearness.FAR),
    )
    steady_state: ClassVar[Sequence[SteadyState]] = (
        SuccessRate(at_least=0.99, for_s=5),
        LostRegionLeads(),
    )
    loss = Loss(at_s=7, watch_s=32)
    checks: ClassVar[Sequence[Check]] = (
        OpenLoop(),
        Detection(),
        # A lease of 10 s, two retries of 1 s, and what round trips and samples take on a machine
        # that does all of this at once.
        LeaderTakeover(at_most_s=15),
        RecoveryTime(),
        OthersUndisturbed(),
        NoLostWrites(),
        StateLoss(),
        ExactlyOnce(),
        Fenced(),
        OneLeader(),
        StaysIn(),
    )
    mutants: ClassVar[Sequence[type[Mutant]]] = (NoFencing, UsDefaultRoute, LongTtl)
