"""Drills as teams write them, some with a mistake. Loaded by their place, never imported."""

from holdfast.drills.casting import LeaderRegion
from holdfast.drills.drill import Drill, Loss
from holdfast.drills.mutants import NoFencing
from holdfast.drills.region_loss import RegionLoss
from holdfast.drills.workload import Workload


class EuLoss(RegionLoss):
    """Europe loses the region that leads it."""

    name = "eu-loss"
    loss = Loss(role=LeaderRegion(of="eu"), at_s=7, watch_s=32)


class Nameless(Drill):
    """Says too little."""


class Taken(RegionLoss):
    """Calls itself like another."""


class Badly(RegionLoss):
    """Cannot name a file."""

    name = "../up"


class Idle(RegionLoss):
    """Asks nothing."""

    name = "idle"
    checks = ()


class Twice(RegionLoss):
    """Asks the same thing twice."""

    name = "twice"
    checks = (*RegionLoss.checks, RegionLoss.checks[0])


class Unmade(RegionLoss):
    """Names a check without making it."""

    name = "unmade"
    checks = (type(RegionLoss.checks[0]),)  # type: ignore[assignment]


class Lossless(RegionLoss):
    """Loses something else."""

    name = "lossless"
    loss = 7  # type: ignore[assignment]


class Made(RegionLoss):
    """Has a mistake that was made already."""

    name = "made"
    mutants = (NoFencing(),)  # type: ignore[assignment]


class Stateless(RegionLoss):
    """Knows no steady state."""

    name = "stateless"
    steady_state = 3  # type: ignore[assignment]


class Mute(RegionLoss):
    __doc__ = None
    name = "mute"
    workload = Workload(rate_per_s=1)


NOTHING = 7


class Other:
    """No drill at all."""
